"""The one verb: fit the members one after the other, stop each blindly, and average what they arrive at."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import torch
from torch import Tensor

from pipcli.errors import PipRestoreError
from pipcli.fit.fit import Fit, Iterate
from pipcli.fit.stopping import Choice, StopRule
from pipcli.settings import StopName

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
    """What a callback is told while a fit runs.

    Attributes:
        member: index of the network being fitted, from 0.
        members: how many there will be.
        step: steps made by this member.
        steps: upper bound of them.
        seconds: of fitting since the start, all members.
        held_out_error: mean squared error of the estimate on the held-out pixels, noise included, or None.
        estimate: the averaged picture (1, C, H, W) on the device of the fit, which the next step changes in place.
    """

    member: int
    members: int
    step: int
    steps: int
    seconds: float
    held_out_error: float | None
    estimate: Tensor


@dataclass(frozen=True)
class Solution:
    """What a restoration arrived at.

    Attributes:
        image: (1, C, H, W) float32 in [0, 1], on the CPU: the mean of the members' estimates.
        last_output: (1, C, H, W) the last member's last raw output, which is what the published code returns.
        outcome: why the last member ended.
        steps: of each member, the step whose estimate was taken.
        steps_done: of each member, how many were made.
        seconds: of fitting.
        restarts: how often a fit diverged and was begun again.
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
        """Take note; called at the first and every `CHECK_EVERY` steps, off the clock."""

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Take note that a member diverged at a step and begins again with its rate times a factor."""

    def interrupted(self) -> bool:
        """Return whether to end now with the estimate so far."""


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
class _Answer:
    """What one member arrived at."""

    image: Tensor
    last_output: Tensor
    outcome: Outcome
    step: int
    steps_done: int


class _Diverged(Exception):
    def __init__(self, step: int) -> None:
        super().__init__(f"diverged at step {step}")
        self.step = step


class _Member:
    """One network on its way: steps, checks, and the answer."""

    def __init__(self, index: int, members: int, fit: Fit, rules: Sequence[StopRule], limits: Limits) -> None:
        self.index = index
        self.members = members
        self.fit = fit
        self.rules = rules
        self.limits = limits
        self.lowest_residual = float("inf")

    def run(self, clock: Clock, watcher: Watcher) -> _Answer:
        """Step until something ends the fit.

        Raises:
            _Diverged: the residual is no number any more, or far above where it had been.
        """
        while True:
            iterate = self.fit.step()
            ending = self._ending(iterate, clock, watcher)
            if iterate.step % CHECK_EVERY == 0 or ending:
                self._check_converging(iterate)
            if iterate.step % CHECK_EVERY == 0 or iterate.step == 1:
                self._report(iterate, clock, watcher)
            if ending:
                return self._answer(iterate, ending)

    def _ending(self, iterate: Iterate, clock: Clock, watcher: Watcher) -> Outcome | None:
        # Every rule must see every iterate, so all are asked before any is heeded.
        fired = [rule for rule in self.rules if rule.update(iterate)]
        if fired:
            return RULE_OUTCOMES[fired[0].name]
        if watcher.interrupted():
            return Outcome.INTERRUPTED
        if iterate.step >= self.limits.steps:
            return Outcome.STEP_LIMIT
        if self.limits.seconds is not None and clock.seconds() >= self.limits.seconds:
            return Outcome.TIME_LIMIT
        return None

    def _check_converging(self, iterate: Iterate) -> None:
        residual = float(iterate.residual)
        # Written so that a residual that is not a number counts as diverged.
        if not residual <= DIVERGED_FACTOR * self.lowest_residual + DIVERGED_MARGIN:
            raise _Diverged(iterate.step)
        self.lowest_residual = min(self.lowest_residual, residual)

    def _report(self, iterate: Iterate, clock: Clock, watcher: Watcher) -> None:
        error = None if iterate.held_out_error is None else iterate.held_out_error()
        progress = Progress(
            self.index, self.members, iterate.step, self.limits.steps, clock.seconds(), error, iterate.estimate
        )
        clock.skip(lambda: watcher.progress(progress))

    def _answer(self, iterate: Iterate, outcome: Outcome) -> _Answer:
        choices = [choice for rule in self.rules if (choice := rule.choice()) is not None]
        chosen = choices[0] if choices else Choice(iterate.estimate, iterate.step)
        return _Answer(
            # The estimate lives on in the fit, and on the CPU .cpu() is no copy.
            image=chosen.image.cpu().clone(),
            last_output=iterate.output.cpu(),
            outcome=outcome,
            step=chosen.step,
            steps_done=iterate.step,
        )


BuildFit = Callable[[int, float], Fit]
BuildRules = Callable[[], Sequence[StopRule]]


class _Restarts:
    """Runs a member, and once more with a lower rate when it diverges."""

    def __init__(self, build_fit: BuildFit, build_rules: BuildRules, members: int, limits: Limits) -> None:
        self.build_fit = build_fit
        self.build_rules = build_rules
        self.members = members
        self.limits = limits
        self.count = 0

    def run(self, index: int, clock: Clock, watcher: Watcher) -> _Answer:
        try:
            return self._member(index, 1.0).run(clock, watcher)
        except _Diverged as diverged:
            self.count += 1
            watcher.restarted(index, diverged.step, RESTART_FACTOR)
        try:
            return self._member(index, RESTART_FACTOR).run(clock, watcher)
        except _Diverged as diverged:
            raise PipRestoreError(
                f"the fit diverged at step {diverged.step}, and again with a lower learning rate: "
                "try another --seed or --prior"
            ) from None

    def _member(self, index: int, rate_factor: float) -> _Member:
        fit = self.build_fit(index, rate_factor)
        return _Member(index, self.members, fit, self.build_rules(), self.limits)


def restore(
    build_fit: BuildFit, build_rules: BuildRules, *, members: int, limits: Limits, watcher: Watcher
) -> Solution:
    """Fit the members one after the other and average their answers.

    Args:
        build_fit: makes the fit of a member from its index and a factor for its learning rate.
        build_rules: makes the stop rules of a member; the first that prefers a picture decides which is taken.
        members: how many networks to fit, at least 1.
        limits: bounds on steps and seconds.
        watcher: is told of the progress, and may end the work; the answers so far are then averaged.

    Raises:
        PipRestoreError: a member diverged twice.
    """
    clock = Clock()
    runs = _Restarts(build_fit, build_rules, members, limits)
    answers: list[_Answer] = []
    outcome = Outcome.STEP_LIMIT
    for index in range(members):
        answer = runs.run(index, clock, watcher)
        outcome = answer.outcome
        cut_short = outcome in (Outcome.INTERRUPTED, Outcome.TIME_LIMIT)
        if not (cut_short and answers):
            # A member that was cut short would only blur those that were not.
            answers.append(answer)
        if cut_short:
            break
    return Solution(
        image=torch.stack([answer.image for answer in answers]).mean(dim=0).clamp(0, 1),
        last_output=answers[-1].last_output,
        outcome=outcome,
        steps=tuple(answer.step for answer in answers),
        steps_done=tuple(answer.steps_done for answer in answers),
        seconds=clock.seconds(),
        restarts=runs.count,
    )
