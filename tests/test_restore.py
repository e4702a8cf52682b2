"""The restore loop, driven with fits that are made up."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch

from pipcli.errors import PipRestoreError
from pipcli.fit.fit import Iterate
from pipcli.fit.stopping import Discrepancy, HeldOut, Never, StopRule
from pipcli.restore import CHECK_EVERY, RESTART_FACTOR, Limits, Outcome, Progress, Solution, restore


class FakeFit:
    """A fit whose residual is a function of the step and whose pictures are constant."""

    def __init__(self, residual: Callable[[int], float], value: float) -> None:
        self.residual = residual
        self.value = value
        self.steps_done = 0

    def step(self) -> Iterate:
        self.steps_done += 1
        step, residual = self.steps_done, self.residual(self.steps_done)
        picture = torch.full((1, 1, 2, 2), self.value)
        return Iterate(step, torch.tensor(residual), picture, picture, lambda: abs(step - 50) / 100)


class Recorder:
    """A watcher that writes down what it is told and interrupts when asked to."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.seen: list[Progress] = []
        self.restarts: list[tuple[int, int, float]] = []
        self.interrupt_after = interrupt_after
        self.asked = 0

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        self.restarts.append((member, step, rate_factor))

    def interrupted(self) -> bool:
        self.asked += 1
        return self.interrupt_after is not None and self.asked > self.interrupt_after


def solve(
    residual: Callable[[int], float] = lambda step: 1 / step,
    rules: Callable[[], Sequence[StopRule]] = lambda: [Never()],
    *,
    members: int = 1,
    steps: int = 40,
    seconds: float | None = None,
    watcher: Recorder | None = None,
) -> Solution:
    return restore(
        lambda member, factor: FakeFit(residual, 0.2 * (member + 1)),  # type: ignore[arg-type, return-value]
        rules,
        members=members,
        limits=Limits(steps, seconds),
        watcher=watcher or Recorder(),
    )


def test_the_step_limit_ends_a_fit_that_no_rule_stops() -> None:
    solution = solve(steps=25)
    assert solution.outcome is Outcome.STEP_LIMIT
    assert solution.steps == solution.steps_done == (25,)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.2))


def test_the_time_limit_ends_a_fit() -> None:
    assert solve(steps=10**9, seconds=0.05).outcome is Outcome.TIME_LIMIT


def test_a_rule_ends_a_fit_and_chooses_the_picture() -> None:
    solution = solve(rules=lambda: [HeldOut(patience=30)], steps=1000)
    assert solution.outcome is Outcome.HELD_OUT
    assert solution.steps == (50,)
    assert solution.steps_done == (80,)


def test_a_guard_can_end_a_fit_and_leaves_the_choice_to_the_first_rule() -> None:
    rules = [HeldOut(patience=500), Discrepancy(noise_std=0.1, factor=1.0)]
    solution = solve(rules=lambda: rules, steps=1000)
    assert solution.outcome is Outcome.DISCREPANCY
    assert solution.steps == (50,)


def test_the_answer_is_the_mean_of_the_members() -> None:
    solution = solve(members=3, steps=5)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.4))
    assert solution.steps == (5, 5, 5)


def test_an_interruption_returns_the_estimate_so_far() -> None:
    solution = solve(watcher=Recorder(interrupt_after=7), steps=1000)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps_done == (8,)


def test_an_interrupted_member_is_left_out_when_others_are_whole() -> None:
    solution = solve(members=3, steps=10, watcher=Recorder(interrupt_after=13))
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.steps == (10,)
    assert torch.allclose(solution.image, torch.full((1, 1, 2, 2), 0.2))


def test_progress_is_told_at_the_first_step_and_then_regularly() -> None:
    watcher = Recorder()
    solve(members=2, steps=25, watcher=watcher)
    expected = [1, CHECK_EVERY, 2 * CHECK_EVERY]
    assert [(entry.member, entry.step) for entry in watcher.seen] == [(m, s) for m in (0, 1) for s in expected]
    assert watcher.seen[1].held_out_error == pytest.approx(0.4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 50.0])
def test_a_fit_that_diverges_is_begun_again_once_with_a_lower_rate(bad: float) -> None:
    built: list[float] = []
    watcher = Recorder()

    def build(member: int, factor: float) -> FakeFit:
        built.append(factor)
        return FakeFit(lambda step: bad if factor == 1 and step >= 20 else 0.5, 0.3)

    solution = restore(
        build,  # type: ignore[arg-type]
        lambda: [Never()],
        members=1,
        limits=Limits(40, None),
        watcher=watcher,
    )
    assert built == [1.0, RESTART_FACTOR]
    assert watcher.restarts == [(0, 20, RESTART_FACTOR)]
    assert solution.restarts == 1
    assert solution.steps_done == (40,)


def test_a_fit_that_diverges_twice_is_an_error_that_says_so() -> None:
    with pytest.raises(PipRestoreError, match="diverged at step 10, and again"):
        solve(residual=lambda step: math.nan)


def test_a_residual_near_zero_may_jump_by_large_factors() -> None:
    assert solve(residual=lambda step: 1e-9 if step < 15 else 1e-4).restarts == 0


def test_the_picture_stays_in_range_and_off_the_fit() -> None:
    fit = FakeFit(lambda step: 1.0, 1.3)
    solution = restore(
        lambda member, factor: fit,  # type: ignore[arg-type, return-value]
        lambda: [Never()],
        members=1,
        limits=Limits(3, None),
        watcher=Recorder(),
    )
    assert solution.image.max() == 1
