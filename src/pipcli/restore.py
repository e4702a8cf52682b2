"""The one verb: fit all members side by side, stop each blindly, and join what they arrive at.

A member is one network on one window of the picture. Small windows are not only for memory: a network of PIP's or
DIP's size explains a small window in fewer steps and in more detail than a whole photo, each window stops when its own
content is explained, and where windows overlap their answers average. All members advance together, a few steps a
round, so that there is an estimate of the whole picture at any time.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from torch import Tensor

from pipcli.errors import PipRestoreError
from pipcli.fit.fit import Fit, Iterate
from pipcli.fit.stopping import Choice, StopRule
from pipcli.settings import StopName
from pipcli.tiles import Window, blend

CHECK_EVERY = 10
# A residual this many times the lowest one (plus this much, since a noiseless fit has a residual near zero that jumps
# by large factors) is no fluctuation of Adam's: the network has fallen back to an early picture and seldom recovers.
DIVERGED_FACTOR, DIVERGED_MARGIN = 10.0, 1e-2
RESTART_FACTOR = 0.25


class Outcome(Enum):
    """Why the fit ended; the value is the sentence that the user reads."""

    HELD_OUT = "the error on held-out pixels stopped falling"
    DISCREPANCY = "the residual came down to the noise level"
    VARIANCE = "the variance of the outputs stopped falling"
    STEP_LIMIT = "the step limit was reached"
    TIME_LIMIT = "the time limit was reached"
    INTERRUPTED = "interrupted: this is the estimate so far"


RULE_OUTCOMES = {
    StopName.HELD_OUT: Outcome.HELD_OUT,
    StopName.DISCREPANCY: Outcome.DISCREPANCY,
    StopName.VARIANCE: Outcome.VARIANCE,
}


@dataclass(frozen=True)
class Progress:
    """What a watcher is told while the members are fitted.

    Attributes:
        members: how many there are.
        fitting: how many of them have not ended.
        step: steps made by those that have made most.
        steps: upper bound of them.
        share: of all the work that the bound allows, in [0, 1].
        seconds: of fitting since the start.
        held_out_error: mean squared error of the estimates on the held-out pixels, noise included, or None.
    """

    members: int
    fitting: int
    step: int
    steps: int
    share: float
    seconds: float
    held_out_error: float | None


@dataclass(frozen=True)
class Solution:
    """What a restoration arrived at.

    Attributes:
        image: (1, C, H, W) float32 in [0, 1], on the CPU: the members' answers, joined.
        last_output: (1, C, H, W) the members' last raw outputs, joined: what the published code returns.
        outcome: why most members ended.
        steps: of each member, the step whose estimate was taken.
        steps_done: of each member, how many were made.
        seconds: of fitting.
        restarts: how many fits diverged and were begun again.
    """

    image: Tensor
    last_output: Tensor
    outcome: Outcome
    steps: tuple[int, ...]
    steps_done: tuple[int, ...]
    seconds: float
    restarts: int


class Watcher(Protocol):
    """Who is told of the progress and may ask for an end."""

    def progress(self, progress: Progress) -> None:
        """Take note; called after the first and every `CHECK_EVERY` steps of the members, off the clock."""

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Take note that a member diverged at a step and begins again with its rate times a factor."""

    def interrupted(self) -> bool:
        """Return whether to end now with the estimate so far; asked from several threads."""


class Clock:
    """Seconds of fitting, which exclude those that a watcher takes."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._start

    def skip(self, action: Callable[[], None]) -> None:
        """Run an action off the clock."""
        before = time.perf_counter()
        action()
        self._start += time.perf_counter() - before


@dataclass(frozen=True)
class Limits:
    """What bounds the fit besides its stop rules: steps of one member, seconds of all together (None: no bound)."""

    steps: int
    seconds: float | None


@dataclass(frozen=True)
class Member:
    """One network to fit.

    Attributes:
        window: the part of the picture that it makes.
        build_fit: makes its fit, given a factor for the learning rate.
        build_rules: makes its stop rules; the first that prefers a picture decides which is taken.
    """

    window: Window
    build_fit: Callable[[float], Fit]
    build_rules: Callable[[], Sequence[StopRule]]


class _Run:
    """A member on its way."""

    def __init__(self, member: Member, limits: Limits) -> None:
        self.member = member
        self.limits = limits
        self.outcome: Outcome | None = None
        self.diverged_at: int | None = None
        self.held_out_error: float | None = None
        self._begin(1.0)

    def _begin(self, rate_factor: float) -> None:
        self.fit = self.member.build_fit(rate_factor)
        self.rules = self.member.build_rules()
        self.lowest_residual = float("inf")
        self.latest: Iterate | None = None

    def advance(self, steps: int, must_end: Callable[[], Outcome | None]) -> None:
        """Make some steps, or fewer if the member's own rules and limits, or the caller, end it.

        Raises:
            PipRestoreError: it diverged for the second time.
        """
        self._make_steps(steps, must_end)
        measure = None if self.latest is None else self.latest.held_out_error
        self.held_out_error = None if measure is None else measure()

    def _make_steps(self, steps: int, must_end: Callable[[], Outcome | None]) -> None:
        for _ in range(steps):
            iterate = self.fit.step()
            if (iterate.step % CHECK_EVERY == 0 or iterate.step == self.limits.steps) and self._diverges(iterate):
                self._begin_again(iterate.step)
                return
            self.latest = iterate
            self.outcome = self._ending(iterate) or must_end()
            if self.outcome is not None:
                return

    def _ending(self, iterate: Iterate) -> Outcome | None:
        # Every rule must see every iterate, so all are asked before any is heeded.
        fired = [rule for rule in self.rules if rule.update(iterate)]
        if fired:
            return RULE_OUTCOMES[fired[0].name]
        return Outcome.STEP_LIMIT if iterate.step >= self.limits.steps else None

    def _diverges(self, iterate: Iterate) -> bool:
        residual = float(iterate.residual)
        # Written so that a residual that is not a number counts as diverged.
        if not residual <= DIVERGED_FACTOR * self.lowest_residual + DIVERGED_MARGIN:
            return True
        self.lowest_residual = min(self.lowest_residual, residual)
        return False

    def _begin_again(self, step: int) -> None:
        if self.diverged_at is not None:
            raise PipRestoreError(
                f"the fit diverged at step {step}, and again with a lower learning rate: try another --seed or --prior"
            )
        self.diverged_at = step
        self._begin(RESTART_FACTOR)

    def choice(self) -> Choice:
        """Return the picture that the rules prefer, else the latest estimate."""
        choices = [choice for rule in self.rules if (choice := rule.choice()) is not None]
        return choices[0] if choices else Choice(self.fit.estimate(), self.fit.steps_done)


class _Restoration:
    """All members on their way, in rounds."""

    def __init__(self, members: Sequence[Member], limits: Limits, watcher: Watcher, pool: ThreadPoolExecutor) -> None:
        self.limits = limits
        self.watcher = watcher
        self.pool = pool
        self.clock = Clock()
        self.runs = list(pool.map(lambda member: _Run(member, limits), members))

    def complete(self) -> None:
        """Advance all members until each has ended, telling the watcher."""
        self._round(1, lambda: None)
        while fitting := [run for run in self.runs if run.outcome is None]:
            # The second round brings all to the first step at which rules and progress look.
            self._round(CHECK_EVERY - fitting[0].fit.steps_done % CHECK_EVERY, self._must_end)

    def _must_end(self) -> Outcome | None:
        if self.watcher.interrupted():
            return Outcome.INTERRUPTED
        if self.limits.seconds is not None and self.clock.seconds() >= self.limits.seconds:
            return Outcome.TIME_LIMIT
        return None

    def _round(self, steps: int, must_end: Callable[[], Outcome | None]) -> None:
        fitting = [run for run in self.runs if run.outcome is None]
        restarted_before = [run.diverged_at for run in fitting]
        list(self.pool.map(lambda run: run.advance(steps, must_end), fitting))
        for run, before in zip(fitting, restarted_before, strict=True):
            if run.diverged_at is not None and before is None:
                self._tell_of_restart(run, run.diverged_at)
        progress = self._progress()
        self.clock.skip(lambda: self.watcher.progress(progress))

    def _tell_of_restart(self, run: _Run, step: int) -> None:
        self.clock.skip(lambda: self.watcher.restarted(self.runs.index(run), step, RESTART_FACTOR))

    def _progress(self) -> Progress:
        steps = self.limits.steps
        done = sum(run.fit.steps_done if run.outcome is None else steps for run in self.runs)
        errors = [run.held_out_error for run in self.runs if run.held_out_error is not None]
        return Progress(
            members=len(self.runs),
            fitting=sum(run.outcome is None for run in self.runs),
            step=max(run.fit.steps_done for run in self.runs),
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
    size: tuple[int, int], members: Sequence[Member], *, limits: Limits, watcher: Watcher, workers: int = 1
) -> Solution:
    """Fit the members side by side and join their answers.

    Args:
        size: height and width of the picture.
        members: at least one; their windows together cover the picture.
        limits: bounds on steps and seconds.
        watcher: is told of the progress, and may end the work; the estimates so far are then joined.
        workers: how many members to advance at the same time; the result does not depend on it.

    Raises:
        PipRestoreError: a member diverged twice.
    """
    with _workers(workers) as pool:
        restoration = _Restoration(members, limits, watcher, pool)
        restoration.complete()
    runs = restoration.runs
    choices = [run.choice() for run in runs]
    outcomes = Counter(run.outcome for run in runs if run.outcome is not None)
    early = [outcome for outcome in (Outcome.INTERRUPTED, Outcome.TIME_LIMIT) if outcomes[outcome]]
    outputs = [(run.member.window, run.latest.output.cpu()) for run in runs if run.latest is not None]
    answers = [(run.member.window, choice.image.cpu()) for run, choice in zip(runs, choices, strict=True)]
    return Solution(
        image=blend(size, answers).clamp(0, 1),
        last_output=blend(size, outputs),
        outcome=early[0] if early else outcomes.most_common(1)[0][0],
        steps=tuple(choice.step for choice in choices),
        steps_done=tuple(run.fit.steps_done for run in runs),
        seconds=restoration.clock.seconds(),
        restarts=sum(run.diverged_at is not None for run in runs),
    )
