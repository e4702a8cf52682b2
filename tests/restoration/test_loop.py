"""The restore loop, driven with fits that are made up."""

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
import torch

from pipcli.errors import PipRestoreError
from pipcli.fit.fit import Iterate
from pipcli.fit.stopping import Discrepancy, HeldOut, Never, StopRule
from pipcli.restoration.loop import RESTART_FACTOR, restore
from pipcli.restoration.members import Concurrency, Limits, Member, Picture
from pipcli.restoration.solution import Outcome, Solution
from pipcli.tiles import Window
from pipcli.watch import CHECK_EVERY, Progress, Unwatched

SIZE = (2, 2)
WHOLE = Window(0, 0, *SIZE)
Residual = Callable[[int], float]
Rules = Callable[[], Sequence[StopRule]]


class FakeFit:
    """A fit whose residual is a function of the step and whose pictures are constant."""

    def __init__(self, residual: Residual, value: float, window: Window = WHOLE, pause: float = 0.0) -> None:
        self.residual = residual
        self.picture = torch.full((1, 1, window.height, window.width), value)
        self.pause = pause
        self.steps_done = 0
        self.sees_all = False

    def step(self) -> Iterate:
        time.sleep(self.pause)
        self.steps_done += 1
        step, residual = self.steps_done, self.residual(self.steps_done)
        # Outputs lie above the estimates, so that one cannot be taken for the other.
        return Iterate(step, lambda: [residual], self.picture + 0.1, self.estimate(), lambda: abs(step - 50) / 100)

    def estimate(self) -> torch.Tensor:
        assert self.steps_done > 0
        return self.picture + 0.4 * self.sees_all


def at_any_step(rule: StopRule) -> StopRule:
    """Let a rule look after each step."""
    rule.longest_block = 1
    return rule


class FakeGroup:
    """A fit of several members, each a `FakeFit`."""

    def __init__(self, fits: list[FakeFit]) -> None:
        self.fits = fits
        self.steps_done = 0

    def advance(self, steps: int, must_end: Callable[[], bool]) -> list[Iterate]:
        blocks = []
        for _ in range(steps):
            self.steps_done += 1
            blocks.append([fit.step() for fit in self.fits])
            if must_end():
                break
        residuals = [[iterate.residual for iterate in iterates] for iterates in zip(*blocks, strict=True)]
        return [
            dataclasses.replace(iterate, residuals=partial(list, values))
            for iterate, values in zip(blocks[-1], residuals, strict=True)
        ]

    def show_all(self, place: int) -> None:
        self.fits[place].sees_all = True

    def state_dict(self) -> dict[str, torch.Tensor]:
        members = [[fit.steps_done, fit.sees_all] for fit in self.fits]
        return {"members": torch.tensor(members)}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        for fit, (steps, sees_all) in zip(self.fits, state["members"].tolist(), strict=True):
            fit.steps_done = self.steps_done = steps
            fit.sees_all = bool(sees_all)


@dataclass
class Planned:
    """A member, and how its part of a fit is made."""

    window: Window
    make: Callable[[float], FakeFit]
    rules: Rules
    refit: int = 0


def falling(step: int) -> float:
    return 1 / step


def never() -> list[StopRule]:
    return [Never()]


def held_out() -> list[StopRule]:
    return [HeldOut(patience=30)]


def member(
    value: float = 0.2,
    *,
    residual: Residual = falling,
    rules: Rules = never,
    window: Window = WHOLE,
    pause: float = 0.0,
) -> Planned:
    return Planned(window, lambda factor: FakeFit(residual, value, window, pause), rules)


class Recorder(Unwatched):
    """A watch that writes down what it is told, and interrupts when it was asked or told of something."""

    def __init__(self, interrupt_after: int | None = None, interrupt_at_step: int | None = None) -> None:
        self.seen: list[Progress] = []
        self.restarts: list[tuple[int, int, float]] = []
        self.interrupt_after = interrupt_after
        self.interrupt_at_step = interrupt_at_step
        self.asked = 0
        self.lock = threading.Lock()

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        self.restarts.append((member, step, rate_factor))

    def must_end(self) -> bool:
        with self.lock:
            self.asked += 1
            if self.interrupt_at_step is not None and self.seen[-1].step >= self.interrupt_at_step:
                return True
            return self.interrupt_after is not None and self.asked > self.interrupt_after


def solve(
    *members: Planned,
    size: tuple[int, int] = SIZE,
    steps: int = 40,
    seconds: float | None = None,
    watch: Recorder | None = None,
    workers: int = 1,
    together: int = 1,
) -> Solution:
    (solution,) = solve_several([(size, members or (member(),))], steps, seconds, watch, Concurrency(workers, together))
    return solution


def solve_several(
    pictures: Sequence[tuple[tuple[int, int], Sequence[Planned]]],
    steps: int = 40,
    seconds: float | None = None,
    watch: Recorder | None = None,
    concurrency: Concurrency = Concurrency(),  # noqa: B008 - frozen
) -> list[Solution]:
    planned = [one for _, members in pictures for one in members]

    def build_fit(numbers: Sequence[int], factor: float) -> FakeGroup:
        return FakeGroup([planned[number].make(factor) for number in numbers])

    return restore(
        [Picture(size, [Member(one.window, one.rules, one.refit) for one in members]) for size, members in pictures],
        build_fit,  # type: ignore[arg-type]
        limits=Limits(steps, seconds),
        watch=watch or Recorder(),
        concurrency=concurrency,
    )


def test_the_step_limit_ends_a_fit_that_no_rule_stops() -> None:
    solution = solve(steps=25)
    assert solution.outcome is Outcome.STEP_LIMIT
    assert solution.steps == solution.steps_done == (25,)
    assert solution.restarts == 0
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.2))
    assert torch.allclose(solution.last_output, torch.full((1, 1, 2, 2), 0.3))


@pytest.mark.parametrize("steps", [1, 2, CHECK_EVERY - 1, CHECK_EVERY, CHECK_EVERY + 1])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_step_limit_is_met_exactly_by_every_member(steps: int, workers: int) -> None:
    assert solve(*[member() for _ in range(3)], steps=steps, workers=workers).steps_done == (steps,) * 3


def test_the_time_limit_ends_a_fit() -> None:
    assert solve(steps=10**9, seconds=0.05).outcome is Outcome.TIME_LIMIT


def test_the_time_limit_ends_all_members_and_leaves_none_out() -> None:
    solution = solve(member(0.2, pause=1e-3), member(0.6, pause=1e-3), steps=10**9, seconds=0.1)
    assert solution.outcome is Outcome.TIME_LIMIT
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))
    assert solution.seconds < 1


def test_a_time_limit_of_nothing_still_has_an_estimate_of_every_member() -> None:
    solution = solve(member(0.2), member(0.6), steps=10**9, seconds=1e-9)
    assert solution.outcome is Outcome.TIME_LIMIT
    assert all(1 <= steps <= 2 for steps in solution.steps_done)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))


def test_the_time_that_the_watcher_takes_does_not_count() -> None:
    class Slow(Recorder):
        def progress(self, progress: Progress) -> None:
            time.sleep(0.1)

    solution = solve(steps=30, seconds=0.25, watch=Slow())
    assert solution.outcome is Outcome.STEP_LIMIT
    assert solution.seconds < 0.25


def test_a_rule_ends_a_fit_and_chooses_the_picture() -> None:
    solution = solve(member(rules=held_out), steps=1000)
    assert solution.outcome is Outcome.HELD_OUT
    assert solution.steps == (50,)
    assert solution.steps_done == (80,)


def test_a_guard_can_end_a_fit_and_leaves_the_choice_to_the_first_rule() -> None:
    rules = [HeldOut(patience=500), Discrepancy(noise_std=0.1, factor=1.0)]
    solution = solve(member(rules=lambda: rules), steps=1000)
    assert solution.outcome is Outcome.DISCREPANCY
    assert solution.steps == (50,)
    assert solution.steps_done[0] > 100


def test_the_answer_of_members_on_one_window_is_their_mean() -> None:
    solution = solve(member(0.2), member(0.4), member(0.6), steps=5)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))
    assert torch.allclose(solution.last_output, torch.full((1, 1, 2, 2), 0.5))
    assert solution.steps == (5, 5, 5)


def test_members_on_different_windows_are_blended() -> None:
    left, right = Window(0, 0, 4, 6), Window(0, 4, 4, 6)
    solution = solve(member(0.2, window=left), member(0.8, window=right), size=(4, 10), steps=5)
    assert solution.image.shape == solution.last_output.shape == (1, 1, 4, 10)
    row = solution.image[0, 0, 0]
    assert torch.allclose(row[:4], torch.tensor(0.2))
    assert torch.allclose(row[6:], torch.tensor(0.8))
    assert 0.2 < row[4] < 0.5 < row[5] < 0.8
    assert row[4] + row[5] == pytest.approx(1.0)
    assert torch.allclose(solution.image, row.expand(1, 1, 4, 10))
    assert torch.allclose(solution.last_output, solution.image + 0.1)


def test_a_member_that_stops_early_does_not_stop_the_others() -> None:
    solution = solve(member(0.2, rules=held_out), member(0.4), member(0.6), steps=200)
    assert solution.outcome is Outcome.STEP_LIMIT
    assert solution.steps == (50, 200, 200)
    assert solution.steps_done == (80, 200, 200)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))


def test_a_member_that_has_stopped_makes_no_more_steps() -> None:
    fit = FakeFit(falling, 0.2)
    stopping = Planned(WHOLE, lambda factor: fit, held_out)
    solve(stopping, member(), steps=200)
    assert fit.steps_done == 80


def test_the_outcome_is_that_of_most_members() -> None:
    most = [member(rules=held_out), member(), member(rules=held_out)]
    assert solve(*most, steps=100).outcome is Outcome.HELD_OUT
    assert solve(*most, member(), member(), steps=100).outcome is Outcome.STEP_LIMIT


def test_an_early_end_of_one_member_is_the_outcome_of_all() -> None:
    members = [member(rules=held_out), member(rules=held_out), member()]
    solution = solve(*members, steps=1000, watch=Recorder(interrupt_at_step=90))
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps_done == (80, 80, 91)
    assert solve(*members[:2], member(pause=1e-3), steps=10**9, seconds=0.4).outcome is Outcome.TIME_LIMIT


def test_an_interruption_returns_the_estimate_so_far() -> None:
    solution = solve(watch=Recorder(interrupt_after=7), steps=1000)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps_done == (9,)  # the first step is made before anyone asks


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_interruption_ends_every_member_within_a_step_and_leaves_none_out(workers: int) -> None:
    members = [member(0.2), member(0.4), member(0.9)]
    solution = solve(*members, steps=1000, watch=Recorder(interrupt_at_step=20), workers=workers)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps == solution.steps_done == (21, 21, 21)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.5))


def test_an_interruption_amid_a_round_ends_each_member_within_a_step() -> None:
    solution = solve(member(0.2), member(0.4), member(0.9), steps=1000, watch=Recorder(interrupt_after=13))
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps == solution.steps_done == (11, 6, 2)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.5))


def test_an_interrupted_member_returns_what_its_rule_prefers() -> None:
    solution = solve(member(rules=held_out), steps=1000, watch=Recorder(interrupt_at_step=60))
    assert solution.steps == (50,)
    assert solution.steps_done == (61,)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_is_told_at_the_first_step_and_then_regularly(workers: int) -> None:
    watch = Recorder()
    solve(member(), member(), steps=25, watch=watch, workers=workers)
    assert [entry.step for entry in watch.seen] == [1, CHECK_EVERY, 2 * CHECK_EVERY, 25]
    assert [entry.fitting for entry in watch.seen] == [2, 2, 2, 0]
    assert [entry.share for entry in watch.seen] == pytest.approx([1 / 25, 10 / 25, 20 / 25, 1])
    assert [entry.held_out_error for entry in watch.seen] == pytest.approx([0.49, 0.4, 0.3, 0.25])
    assert {(entry.members, entry.steps) for entry in watch.seen} == {(2, 25)}
    seconds = [entry.seconds for entry in watch.seen]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_progress_counts_what_has_ended_as_whole() -> None:
    watch = Recorder()
    solve(member(rules=held_out), member(), member(), member(), steps=200, watch=watch)
    entry = next(entry for entry in watch.seen if entry.step == 80)
    assert entry.fitting == 3
    assert entry.share == pytest.approx((200 + 3 * 80) / 800)
    shares = [entry.share for entry in watch.seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert watch.seen[-1].fitting == 0


def test_without_held_out_pixels_there_is_no_held_out_error() -> None:
    class Without(FakeFit):
        def step(self) -> Iterate:
            iterate = super().step()
            return dataclasses.replace(iterate, held_out_error=None)

    def blind() -> Planned:
        return Planned(WHOLE, lambda factor: Without(falling, 0.2), held_out)

    watch = Recorder()
    assert solve(blind(), blind(), steps=100, watch=watch).steps == (100, 100)
    assert {entry.held_out_error for entry in watch.seen} == {None}
    watch = Recorder()
    solve(blind(), member(), steps=CHECK_EVERY, watch=watch)
    assert watch.seen[-1].held_out_error == pytest.approx(0.4)  # of those that know it


def breaking_once(built: list[float], *, bad: float = math.nan, at: int = 20) -> Planned:
    """A member whose first fit diverges."""

    def build(factor: float) -> FakeFit:
        built.append(factor)
        return FakeFit(lambda step: bad if factor == 1 and step >= at else 0.5, 0.3)

    return Planned(WHOLE, build, never)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 50.0])
def test_a_fit_that_diverges_is_begun_again_once_with_a_lower_rate(bad: float) -> None:
    built: list[float] = []
    watch = Recorder()
    solution = solve(breaking_once(built, bad=bad), watch=watch)
    assert built == [1.0, RESTART_FACTOR]
    assert watch.restarts == [(0, 20, RESTART_FACTOR)]
    assert solution.restarts == 1
    assert solution.steps == solution.steps_done == (40,)
    assert solution.outcome is Outcome.STEP_LIMIT


@pytest.mark.parametrize("steps", [1, 5, 10, 25])
def test_a_fit_that_diverges_at_its_last_step_is_begun_again(steps: int) -> None:
    built: list[float] = []
    watch = Recorder()
    solution = solve(breaking_once(built, at=steps), steps=steps, watch=watch)
    assert watch.restarts == [(0, steps, RESTART_FACTOR)]
    assert solution.steps_done == (steps,)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_member_that_diverges_is_begun_again_alone(workers: int) -> None:
    built: list[float] = []
    watch = Recorder()
    solution = solve(member(), breaking_once(built), member(), watch=watch, workers=workers)
    assert watch.restarts == [(1, 20, RESTART_FACTOR)]
    assert built == [1.0, RESTART_FACTOR]
    assert solution.restarts == 1
    assert solution.steps_done == (40, 40, 40)
    # The others ended at 40 as ever, and it was 20 steps behind them.
    assert [entry.fitting for entry in watch.seen] == [3, 3, 3, 3, 1, 1, 0]
    assert watch.seen[-1].share == 1


def test_rules_begin_anew_with_the_fit() -> None:
    made: list[HeldOut] = []

    def rules() -> list[StopRule]:
        made.append(HeldOut(patience=30))
        return [made[-1]]

    built: list[float] = []
    breaking = breaking_once(built, at=60)
    solution = solve(Planned(WHOLE, breaking.make, rules), steps=1000)
    assert len(made) == 2
    assert made[0].lowest_step == made[1].lowest_step == 50
    assert solution.steps == (50,)
    assert solution.steps_done == (80,)


def test_an_interruption_upon_a_restart_still_has_an_estimate() -> None:
    class Ending(Recorder):
        def must_end(self) -> bool:
            return bool(self.restarts)

    solution = solve(breaking_once([]), member(0.5), watch=Ending())
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps_done == (1, 21)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fit_that_diverges_twice_is_an_error_that_says_so(workers: int) -> None:
    with pytest.raises(PipRestoreError, match="diverged at step 10, and again"):
        solve(member(residual=lambda step: math.nan))
    with pytest.raises(PipRestoreError, match="diverged at step 10, and again"):
        solve(member(), member(residual=lambda step: math.nan), member(), workers=workers)


def test_a_fit_that_had_come_far_ends_with_its_best_estimate_when_it_diverges_again() -> None:
    def build(factor: float) -> FakeFit:
        return FakeFit(lambda step: math.nan if step >= 70 else 0.5, 0.3)

    solution = solve(Planned(WHOLE, build, lambda: [HeldOut(patience=1000)]), steps=1000)
    assert (solution.outcome, solution.restarts) == (Outcome.HELD_OUT, 1)
    assert solution.steps == (50,)
    assert bool(solution.image.isfinite().all())


def test_a_residual_near_zero_may_jump_by_large_factors() -> None:
    assert solve(member(residual=lambda step: 1e-9 if step < 15 else 1e-4)).restarts == 0


@pytest.mark.parametrize(("value", "expected"), [(1.3, 1), (-0.3, 0)])
def test_the_picture_stays_in_range(value: float, expected: float) -> None:
    solution = solve(member(value), steps=3)
    assert torch.equal(solution.image, torch.full((1, 1, 2, 2), float(expected)))


def test_an_answer_out_of_range_is_blended_as_it_is() -> None:
    # Clamped only once they are joined, so that the answers' errors can still cancel.
    assert torch.allclose(solve(member(1.2), member(0.4), steps=3).image, torch.full((1, 1, 2, 2), 0.8))


def test_the_result_does_not_depend_on_the_workers() -> None:
    windows = [Window(0, 0, 4, 4), Window(0, 3, 4, 4), Window(2, 0, 4, 4), Window(2, 3, 4, 4)]
    results = []
    for workers in (1, 2, 8):
        members = [
            member(0.1 + index / 7, rules=held_out if index % 2 else never, window=window, pause=index % 3 * 1e-4)
            for index, window in enumerate(windows)
        ]
        results.append(solve(*members, size=(6, 7), steps=90, workers=workers))
    for other in results[1:]:
        assert torch.equal(other.image, results[0].image)
        assert torch.equal(other.last_output, results[0].last_output)
        assert (other.steps, other.steps_done) == (results[0].steps, results[0].steps_done)
        assert other.outcome is results[0].outcome


def test_as_many_members_advance_at_a_time_as_there_are_workers() -> None:
    meeting = threading.Barrier(2, timeout=30)

    class Meeting(FakeFit):
        def step(self) -> Iterate:
            meeting.wait()  # ends only when two fits are here at the same time
            return super().step()

    members = [Planned(WHOLE, lambda factor: Meeting(falling, 0.2), never) for _ in range(2)]
    assert solve(*members, steps=3, workers=2).steps_done == (3, 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_one_member_ends_the_work(workers: int) -> None:
    def broken(step: int) -> float:
        if step == 7:
            raise MemoryError
        return falling(step)

    fits: list[FakeFit] = []

    def build(factor: float) -> FakeFit:
        fits.append(FakeFit(falling, 0.2))
        return fits[-1]

    others = [Planned(WHOLE, build, never) for _ in range(4)]
    with pytest.raises(MemoryError):
        solve(member(residual=broken), *others, steps=10**9, workers=workers)
    time.sleep(0.05)
    assert all(fit.steps_done <= CHECK_EVERY for fit in fits)


@pytest.mark.parametrize("together", [2, 3, 8])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_members_of_a_group_stop_apart_as_they_would_alone(workers: int, together: int) -> None:
    def members() -> list[Planned]:
        return [member(0.1 * index, rules=held_out if index % 2 else never) for index in range(7)]

    alone = solve(*members(), steps=90)
    grouped = solve(*members(), steps=90, workers=workers, together=together)
    assert grouped.steps == alone.steps == (90, 50, 90, 50, 90, 50, 90)
    assert grouped.steps_done == alone.steps_done == (90, 80, 90, 80, 90, 80, 90)
    assert torch.equal(grouped.image, alone.image)
    assert torch.equal(grouped.last_output, alone.last_output)


def test_a_member_that_ends_amid_a_round_keeps_what_it_had_then() -> None:
    def guard() -> list[StopRule]:
        return [at_any_step(Discrepancy(noise_std=0.5, factor=1.0, decay=0.0))]

    solution = solve(member(0.2, rules=guard), member(0.4), steps=30, together=2)
    assert solution.steps_done == (4, 30)
    assert solution.outcome in (Outcome.DISCREPANCY, Outcome.STEP_LIMIT)


def test_whoever_has_ended_leaves_the_group() -> None:
    fits: list[FakeFit] = []

    def make(factor: float) -> FakeFit:
        fits.append(FakeFit(falling, 0.2))
        return fits[-1]

    solve(Planned(WHOLE, make, held_out), Planned(WHOLE, make, never), steps=200, together=2)
    # Two at first; the one that is left goes on in a fit of its own.
    assert [fit.steps_done for fit in fits] == [80, 80, 200]


def test_a_member_of_a_group_that_diverges_is_begun_again_alone() -> None:
    built: list[float] = []
    watch = Recorder()
    solution = solve(member(), breaking_once(built), member(), watch=watch, together=3)
    assert watch.restarts == [(1, 20, RESTART_FACTOR)]
    assert built == [1.0, RESTART_FACTOR]
    assert solution.steps_done == (40, 40, 40)


def test_no_worker_is_idle_while_a_group_can_be_split() -> None:
    meeting = threading.Barrier(2, timeout=30)

    class Meeting(FakeFit):
        def step(self) -> Iterate:
            if self.steps_done >= CHECK_EVERY:
                meeting.wait()  # ends only when two fits are here at the same time
            return super().step()

    def short() -> list[StopRule]:
        return [at_any_step(Discrepancy(noise_std=0.5, factor=1.0, decay=0.0))]

    members = [
        *[Planned(WHOLE, lambda factor: FakeFit(falling, 0.2), short) for _ in range(2)],
        *[Planned(WHOLE, lambda factor: Meeting(falling, 0.2), never) for _ in range(2)],
    ]
    assert solve(*members, steps=15, workers=2, together=2).steps_done == (4, 4, 15, 15)


def test_several_pictures_advance_together_and_each_gets_its_own_members() -> None:
    left, right = Window(0, 0, 2, 2), Window(0, 2, 2, 2)
    wide = [Planned(window, lambda factor: FakeFit(falling, 0.4), never) for window in (left, right)]
    pictures = [((2, 2), [member(0.2, rules=held_out)]), ((2, 4), wide)]
    first, second = solve_several(pictures, steps=100, concurrency=Concurrency(1, 3))
    assert torch.allclose(first.image, torch.full((1, 1, 2, 2), 0.2))
    assert torch.allclose(second.image, torch.full((1, 1, 2, 4), 0.4))
    assert first.outcome is Outcome.HELD_OUT
    assert second.outcome is Outcome.STEP_LIMIT
    assert second.steps_done == (100, 100)


@pytest.mark.parametrize("slack", [0.0, 0.5])
def test_a_group_carries_as_many_ended_members_as_its_slack_allows(slack: float) -> None:
    built: list[int] = []
    planned = [member(rules=held_out), member(rules=held_out), member(), member()]

    def build_fit(numbers: Sequence[int], factor: float) -> FakeGroup:
        built.append(len(numbers))
        return FakeGroup([planned[number].make(factor) for number in numbers])

    (solution,) = restore(
        [Picture(SIZE, [Member(one.window, one.rules) for one in planned])],
        build_fit,  # type: ignore[arg-type]
        limits=Limits(200, None),
        watch=Recorder(),
        concurrency=Concurrency(1, 4, slack),
    )
    assert solution.steps_done[2:] == (200, 200)
    assert solution.steps_done[0] == solution.steps_done[1] < 200
    assert built == ([4] if slack else [4, 2])


@pytest.mark.parametrize(
    ("steps", "ended", "taken", "value"),
    [(200, Outcome.HELD_OUT, 50, 0.2), (62, Outcome.STEP_LIMIT, 62, 0.6), (90, Outcome.STEP_LIMIT, 50, 0.2)],
)
def test_if_its_error_still_fell_a_member_ends_without_the_added_noise(
    steps: int, ended: Outcome, taken: int, value: float
) -> None:
    """The held-out error is least at step 50, and the rule waits for 30 more."""
    solution = solve(dataclasses.replace(member(rules=held_out), refit=12), steps=steps)
    assert solution.outcome is ended
    assert solution.steps == (taken,)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), value))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_however_few_the_steps_a_member_that_is_to_refit_ends(steps: int) -> None:
    solution = solve(dataclasses.replace(member(rules=held_out), refit=100), steps=steps)
    assert solution.steps_done == (steps,)
