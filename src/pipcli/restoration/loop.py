"""The main loop: fit all members in parallel, stop each without ground truth, and blend their pictures.

A member is one network on one window of the picture. Small windows are not only for memory: a network of PIP's or
DIP's size explains a small window in fewer steps and in more detail than a whole photo, each window stops when its own
content is explained, and where windows overlap their answers average. All members advance together, a few steps a
round, so that there is an estimate of the whole picture at any time. They do so in groups: the members of a group make
their steps in one fit, a group a worker at a time, and whoever has ended leaves its group.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Protocol

from pipcli.errors import PipRestoreError
from pipcli.fit.device import ran_out_of_memory
from pipcli.restoration.group import Group
from pipcli.restoration.members import BuildFit, Concurrency, Limits, Member, Picture, Run
from pipcli.restoration.solution import Outcome, Solution
from pipcli.tiles import blend, spread
from pipcli.watch import CHECK_EVERY, Progress, Watch

RESTART_FACTOR = 0.25


class Keeper(Protocol):
    """Who keeps the state of a restoration, so that another process can go on with it."""

    def kept(self) -> dict[str, Any] | None:
        """Return the state to go on from; None to begin."""

    def is_due(self) -> bool:
        """Return whether to keep the state of now; asked after every round."""

    def keep(self, state: dict[str, Any]) -> None:
        """Keep a state, of plain values and tensors; it may end the work by raising. Called off the clock."""

    def unusable(self) -> PipRestoreError:
        """Return what to raise where the state that was kept is none of these members."""


class Clock:
    """Seconds of fitting, which exclude those that a watch takes."""

    def __init__(self, seconds_before: float = 0.0) -> None:
        self._start = time.perf_counter() - seconds_before

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._start

    def skip(self, action: Callable[[], None]) -> None:
        """Run an action off the clock."""
        before = time.perf_counter()
        action()
        self._start += time.perf_counter() - before


class _Restoration:
    """All members on their way, in rounds."""

    def __init__(
        self,
        members: Sequence[Member],
        build_fit: BuildFit,
        limits: Limits,
        watch: Watch,
        pool: ThreadPoolExecutor,
        concurrency: Concurrency,
        keeper: Keeper | None,
        state: dict[str, Any] | None,
    ) -> None:
        self.build_fit = build_fit
        self.limits = limits
        self.watch = watch
        self.pool = pool
        self.concurrency = concurrency
        self.keeper = keeper
        self.runs = [Run(number, member, limits) for number, member in enumerate(members)]
        self.has_begun = state is not None
        self.clock = Clock() if state is None else Clock(state["seconds"])
        self.groups = self._new_groups() if state is None else self._kept_groups(state)

    def _new_groups(self) -> list[Group]:
        together = min(self.concurrency.together, math.ceil(len(self.runs) / self.concurrency.workers))
        parts = [self.runs[start : start + together] for start in range(0, len(self.runs), together)]
        return list(self.pool.map(lambda runs: Group(runs, self.build_fit, self.concurrency), parts))

    def _kept_groups(self, state: dict[str, Any]) -> list[Group]:
        """Go on from a state of `state_dict`, in the same groups: those of other sizes round otherwise."""
        for run, own in zip(self.runs, state["runs"], strict=True):
            run.load_state_dict(own)
        return list(self.pool.map(self._kept_group, state["groups"]))

    def _kept_group(self, state: dict[str, Any]) -> Group:
        runs = [self.runs[number] for number in state["members"]]
        group = Group(runs, self.build_fit, self.concurrency, state["rate_factor"])
        group.left = list(state["left"])
        group.fit.load_state_dict(state["fit"])
        return group

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides how this goes on."""
        return {
            "seconds": self.clock.seconds(),
            "runs": [run.state_dict() for run in self.runs],
            "groups": [group.state_dict() for group in self.groups],
        }

    def complete(self) -> None:
        """Advance all members until each has ended, telling the watch."""
        if not self.has_begun:
            self._round(lambda group: 1, lambda: None)
        while self.groups:
            # The second round brings all to the first step at which rules and progress look.
            self._round(lambda group: CHECK_EVERY - group.fit.steps_done % CHECK_EVERY, self._must_end)

    def _must_end(self) -> Outcome | None:
        if self.keeper is None and self.watch.must_end():
            return Outcome.INTERRUPTED
        if self.limits.seconds is not None and self.clock.seconds() >= self.limits.seconds:
            return Outcome.TIME_LIMIT
        return None

    def _round(self, steps: Callable[[Group], int], must_end: Callable[[], Outcome | None]) -> None:
        self._share_among_workers()
        groups = self.groups
        diverged = list(self.pool.map(lambda group: group.advance(steps(group), must_end), groups))
        self.groups = [group for group in groups if group.runs]
        for run in chain.from_iterable(diverged):
            self._begin_again(run)
        progress = self._progress()
        self.clock.skip(lambda: self.watch.progress(progress))
        if self.keeper is not None and (self.keeper.is_due() or not self.groups):
            self._keep(self.keeper)

    def _keep(self, keeper: Keeper) -> None:
        state = self.state_dict()
        self.clock.skip(lambda: keeper.keep(state))

    def _share_among_workers(self) -> None:
        """Split groups while there are fewer than workers, so that towards the end no processor is idle."""
        while len(self.groups) < self.concurrency.workers:
            largest = max(self.groups, key=lambda group: len(group.runs))
            if len(largest.runs) == 1:
                return
            self.groups.append(largest.split())

    def _begin_again(self, run: Run) -> None:
        step = run.diverged_at
        if step is None:
            raise RuntimeError("only a member that diverged begins again")
        self.groups.append(Group([run], self.build_fit, self.concurrency, RESTART_FACTOR))
        self.clock.skip(lambda: self.watch.restarted(run.number, step, RESTART_FACTOR))

    def _progress(self) -> Progress:
        steps = self.limits.steps
        done = sum(run.steps_done if run.outcome is None else steps for run in self.runs)
        errors = [run.held_out_error for run in self.runs if run.held_out_error is not None]
        return Progress(
            members=len(self.runs),
            fitting=sum(run.outcome is None for run in self.runs),
            step=max(run.steps_done for run in self.runs),
            steps=steps,
            share=done / (steps * len(self.runs)),
            seconds=self.clock.seconds(),
            held_out_error=sum(errors) / len(errors) if errors else None,
        )


@contextmanager
def _workers(count: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        # Nothing that has not begun shall begin when an error or a signal ends the work.
        pool.shutdown(wait=False, cancel_futures=True)


def restore(
    pictures: Sequence[Picture],
    build_fit: BuildFit,
    *,
    limits: Limits,
    watch: Watch,
    concurrency: Concurrency,
    keeper: Keeper | None = None,
) -> list[Solution]:
    """Fit the members of all pictures side by side and join each picture's answers.

    Args:
        pictures: at least one; their members are numbered through.
        build_fit: makes the fit of some members, by their numbers, given a factor for the learning rate.
        limits: bounds on steps and seconds.
        watch: is told of the progress, and may end the work; the estimates so far are then joined. One with a keeper
            is not asked: its state is kept, and the keeper ends the work.
        concurrency: how the members share the machine.
        keeper: keeps the state every so often and when all members have ended, and may have one to go on from, of the
            same members; None where nobody does.

    Raises:
        PipRestoreError: a member diverged twice.
    """
    members = [member for picture in pictures for member in picture.members]
    kept = None if keeper is None else keeper.kept()
    try:
        with _workers(concurrency.workers) as pool:
            restoration = _Restoration(members, build_fit, limits, watch, pool, concurrency, keeper, kept)
            restoration.complete()
        runs, seconds = iter(restoration.runs), restoration.clock.seconds()
        return [_joined(picture.size, list(islice(runs, len(picture.members))), seconds) for picture in pictures]
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        if keeper is None or kept is None or ran_out_of_memory(error):
            raise
        # Where a state comes from a file, it can be of anything.
        raise keeper.unusable() from error


def _joined(size: tuple[int, int], runs: list[Run], seconds: float) -> Solution:
    """Join the answers of one picture's members."""
    outcomes = Counter(run.outcome for run in runs if run.outcome is not None)
    early = [outcome for outcome in (Outcome.INTERRUPTED, Outcome.TIME_LIMIT) if outcomes[outcome]]
    outputs = [(run.member.window, run.last_output) for run in runs if run.last_output is not None]
    choices = [(run.member.window, run.answer) for run in runs if run.answer is not None]
    images = [(window, choice.image.cpu()) for window, choice in choices]
    return Solution(
        image=blend(size, images).clamp(0, 1),
        spread=spread(size, images),
        last_output=blend(size, outputs),
        outcome=early[0] if early else outcomes.most_common(1)[0][0],
        steps=tuple(choice.step for _, choice in choices),
        steps_done=tuple(run.steps_done for run in runs),
        seconds=seconds,
        restarts=sum(run.diverged_at is not None for run in runs),
    )
