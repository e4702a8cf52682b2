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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, islice
from typing import Any, Protocol

from torch import Tensor

from pipcli.errors import PipRestoreError
from pipcli.fit.device import ran_out_of_memory
from pipcli.fit.fit import Fit, Iterate, members_of
from pipcli.fit.stopping import Choice, StopRule
from pipcli.settings import SHORTEST_PATIENCE, StopName
from pipcli.tiles import Window, blend, spread
from pipcli.watch import CHECK_EVERY, Progress, Watch

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
    CLEAN = "hardly any noise was found: the picture is returned unchanged"
    KEPT = (
        "what would be removed has the structure of the picture, not of noise: the picture is returned unchanged; "
        "give --sigma or --noise to remove it all the same"
    )
    FILTERED = "noise of this kind is removed by the filters alone"
    UNASKED = "--strength 0 removes nothing: the picture is returned unchanged"
    INTERRUPTED = "interrupted: this is the estimate so far"
    BETWEEN = "the frames in between were interpolated along the motion"


RULE_OUTCOMES = {
    StopName.HELD_OUT: Outcome.HELD_OUT,
    StopName.DISCREPANCY: Outcome.DISCREPANCY,
    StopName.VARIANCE: Outcome.VARIANCE,
}


@dataclass(frozen=True)
class Solution:
    """What a restoration arrived at.

    Attributes:
        image: (1, C, H, W) float32 in [0, 1], on the CPU: the members' answers, joined.
        spread: (1, 1, H, W) standard deviation of the answers of the members that see a pixel.
        last_output: (1, C, H, W) the members' last raw outputs, joined: what the published code returns.
        outcome: why most members ended.
        steps: of each member, the step whose estimate was taken.
        steps_done: of each member, how many were made.
        seconds: of fitting, of all pictures that were restored together.
        restarts: how many fits diverged and were begun again.
        found: what else a task with a way of its own has arrived at, by name.
    """

    image: Tensor
    spread: Tensor
    last_output: Tensor
    outcome: Outcome
    steps: tuple[int, ...]
    steps_done: tuple[int, ...]
    seconds: float
    restarts: int
    found: Mapping[str, Tensor] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Limits:
    """What bounds the fit besides its stop rules: steps of one member, seconds of all together (None: no bound)."""

    steps: int
    seconds: float | None


BuildFit = Callable[[Sequence[int], float], Fit]


@dataclass(frozen=True)
class Member:
    """One network to fit.

    Attributes:
        window: the part of the picture that it makes.
        build_rules: makes its stop rules; the first that prefers a picture decides which is taken.
        refit: the steps that it makes in the end with what was held out before, so that the answer has seen all; 0
            takes the picture that the rules prefer.
    """

    window: Window
    build_rules: Callable[[], Sequence[StopRule]]
    refit: int = 0


@dataclass(frozen=True)
class Picture:
    """A picture to restore.

    Attributes:
        size: its height and width.
        members: at least one; their windows together cover it.
    """

    size: tuple[int, int]
    members: Sequence[Member]


@dataclass(frozen=True)
class Concurrency:
    """How the members share the machine; the result does not depend on it beyond rounding.

    Attributes:
        workers: groups that advance at the same time.
        together: members of a group, at most.
        slack: share of a group's members that may have ended before it goes on without them: on a GPU a step of fewer
            members is hardly quicker, and its record must be made anew.
    """

    workers: int = 1
    together: int = 1
    slack: float = 0.0


class _Run:
    """A member on its way."""

    def __init__(self, number: int, member: Member, limits: Limits) -> None:
        self.number = number
        self.member = member
        self.limits = limits
        self.refit = min(member.refit, limits.steps // 2)
        self.outcome: Outcome | None = None
        self.answer: Choice | None = None
        self.last_output: Tensor | None = None
        self.diverged_at: int | None = None
        self._begin()

    def _begin(self) -> None:
        self.rules = self.member.build_rules()
        self.lowest_residual = float("inf")
        self.held_out_error: float | None = None
        self.steps_done = 0
        self.refit_from: int | None = None
        self.refit_reason: Outcome | None = None

    @property
    def last_step(self) -> int:
        """The last step of what it is doing: before what was held out is shown to it, or after."""
        return self.limits.steps - self.refit if self.refit_from is None else self.refit_from + self.refit

    def see(self, iterate: Iterate, must_end: Outcome | None) -> None:
        """Take note of the latest iterate, and end if the member's own rules and limits, or the caller, say so."""
        self.steps_done = iterate.step
        # Every rule must see every iterate, so all are asked before any is heeded.
        fired = [rule for rule in self.rules if rule.update(iterate)]
        ended = RULE_OUTCOMES[fired[0].name] if fired else None
        if ended is None and iterate.step >= self.last_step:
            ended = self.refit_reason or Outcome.STEP_LIMIT
        begins_refit = ended is not None and self.refit > 0 and self.refit_from is None and must_end is None
        self.outcome = None if begins_refit else ended or must_end
        told = iterate.step == 1 or iterate.step % CHECK_EVERY == 0 or self.outcome is not None
        if told and iterate.held_out_error is not None and self.refit_from is None:
            self.held_out_error = iterate.held_out_error()
        if begins_refit:
            self._begin_refit(iterate.step, ended)
        if self.outcome is not None:
            self.last_output = iterate.output.cpu()
            self.answer = self._choice(iterate)

    def _begin_refit(self, step: int, reason: Outcome | None) -> None:
        """Go on with all pixels: what the rules have to tell is told."""
        self.refit_from, self.refit_reason = step, reason
        self.rules = []
        self.lowest_residual = float("inf")  # the residual of more pixels is another

    def _choice(self, iterate: Iterate) -> Choice:
        """Return the picture that the rules prefer, else the latest estimate."""
        choices = [choice for rule in self.rules if (choice := rule.choice()) is not None]
        return choices[0] if choices else Choice(iterate.estimate.clone(), iterate.step)

    def diverges(self, iterate: Iterate) -> bool:
        """Return whether the residual has left the path, judged at the steps at which progress is told."""
        if iterate.step % CHECK_EVERY and iterate.step != self.limits.steps:
            return False
        residual = iterate.residual
        # Written so that a residual that is not a number counts as diverged.
        if not residual <= DIVERGED_FACTOR * self.lowest_residual + DIVERGED_MARGIN:
            return True
        self.lowest_residual = min(self.lowest_residual, residual)
        return False

    def ends_with_its_best(self, step: int) -> bool:
        """Return whether the fit, which diverged for the second time at a step, ends with what its rules preferred.

        It does if it had come as far as a rule waits for better estimates: what is there is a good estimate.
        """
        choices = [choice for rule in self.rules if (choice := rule.choice()) is not None]
        if self.diverged_at is None or step < SHORTEST_PATIENCE or not choices:
            return False
        self.outcome, self.answer, self.last_output = Outcome.HELD_OUT, choices[0], choices[0].image.cpu()
        return True

    def begin_again(self, step: int) -> None:
        """Forget all that was seen, since the fit diverged at a step.

        Raises:
            PipRestoreError: it is the second time.
        """
        if self.diverged_at is not None:
            raise PipRestoreError(
                f"the fit diverged at step {step}, and again with a lower learning rate: try another --seed or --prior"
            )
        self.diverged_at = step
        self._begin()

    def state_dict(self) -> dict[str, Any]:
        """Return all that `load_state_dict` needs, besides the fit's own state, to go on as if nothing had been."""
        return {
            "rules": [rule.state_dict() for rule in self.rules],
            "lowest_residual": self.lowest_residual,
            "held_out_error": self.held_out_error,
            "steps_done": self.steps_done,
            "refit_from": self.refit_from,
            "refit_reason": None if self.refit_reason is None else self.refit_reason.name,
            "diverged_at": self.diverged_at,
            "outcome": None if self.outcome is None else self.outcome.name,
            "answer": None if self.answer is None else {"image": self.answer.image, "step": self.answer.step},
            "last_output": self.last_output,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`."""
        self.refit_from = state["refit_from"]
        self.refit_reason = None if state["refit_reason"] is None else Outcome[state["refit_reason"]]
        self.rules = [] if self.refit_from is not None else self.rules
        for rule, own in zip(self.rules, state["rules"], strict=True):
            rule.load_state_dict(own)
        self.lowest_residual = state["lowest_residual"]
        self.held_out_error = state["held_out_error"]
        self.steps_done = state["steps_done"]
        self.diverged_at = state["diverged_at"]
        self.outcome = None if state["outcome"] is None else Outcome[state["outcome"]]
        self.answer = None if state["answer"] is None else Choice(**state["answer"])
        self.last_output = state["last_output"]


class _Group:
    """Members that make their steps in one fit."""

    def __init__(
        self, runs: list[_Run], build_fit: BuildFit, concurrency: Concurrency, rate_factor: float = 1.0
    ) -> None:
        self.runs = runs
        self.build_fit = build_fit
        self.concurrency = concurrency
        self.rate_factor = rate_factor
        self.fit = build_fit([run.number for run in runs], rate_factor)
        self.left = [False] * len(runs)  # whose part of the fit goes on with nobody looking

    @property
    def active(self) -> list[_Run]:
        """The members that have neither ended nor left."""
        return [run for run, left in zip(self.runs, self.left, strict=True) if not left]

    def advance(self, steps: int, must_end: Callable[[], Outcome | None]) -> list[_Run]:
        """Make some steps, or fewer if all members end; return those that diverged and have left the group."""
        last = self.fit.steps_done + steps
        diverged: list[_Run] = []
        while self.active and self.fit.steps_done < last:
            diverged += self._advance_block(last - self.fit.steps_done, must_end)
        self._drop_those_that_left()
        return diverged

    def _advance_block(self, steps: int, must_end: Callable[[], Outcome | None]) -> list[_Run]:
        """Make steps up to the next at which a rule must look; return the members that diverged."""
        limits = [rule.longest_block for run in self.active for rule in run.rules if rule.longest_block is not None]
        to_the_end = min(run.last_step for run in self.active) - self.fit.steps_done
        ending: Outcome | None = None

        def ends() -> bool:
            nonlocal ending
            ending = must_end()
            return ending is not None

        iterates = self.fit.advance(min(steps, to_the_end, *limits), ends)
        diverged = []
        for place, (run, iterate) in enumerate(zip(self.runs, iterates, strict=True)):
            if self.left[place]:
                continue
            if not run.diverges(iterate):
                run.see(iterate, ending)
                if run.refit_from == iterate.step:
                    self.fit.show_all(place)
            elif not run.ends_with_its_best(iterate.step):
                run.begin_again(iterate.step)
                diverged.append(run)
            self.left[place] = run.outcome is not None or run in diverged
        return diverged

    def _drop_those_that_left(self) -> None:
        """Go on without the members that left, when there are so many of them that it pays to build a smaller fit."""
        staying = [place for place, left in enumerate(self.left) if not left]
        if not staying or self.left.count(True) > self.concurrency.slack * len(self.left):
            self._keep(staying)

    def _keep(self, places: list[int]) -> None:
        """Go on with the members at some places alone."""
        if len(places) == len(self.runs):
            return
        self.runs = [self.runs[place] for place in places]
        self.left = [self.left[place] for place in places]
        if places:
            state = members_of(self.fit.state_dict(), places)
            self.fit = self.build_fit([run.number for run in self.runs], self.rate_factor)
            self.fit.load_state_dict(state)

    def split(self) -> "_Group":
        """Give the second half of the members to a new group and return it."""
        half = len(self.runs) // 2
        other = copy(self)
        other._keep(list(range(half, len(self.runs))))
        self._keep(list(range(half)))
        return other

    def state_dict(self) -> dict[str, Any]:
        """Return who its members are, and the state of their fit."""
        return {
            "members": [run.number for run in self.runs],
            "left": list(self.left),
            "rate_factor": self.rate_factor,
            "fit": self.fit.state_dict(),
        }


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
        self.runs = [_Run(number, member, limits) for number, member in enumerate(members)]
        self.has_begun = state is not None
        self.clock = Clock() if state is None else Clock(state["seconds"])
        self.groups = self._new_groups() if state is None else self._kept_groups(state)

    def _new_groups(self) -> list[_Group]:
        together = min(self.concurrency.together, math.ceil(len(self.runs) / self.concurrency.workers))
        parts = [self.runs[start : start + together] for start in range(0, len(self.runs), together)]
        return list(self.pool.map(lambda runs: _Group(runs, self.build_fit, self.concurrency), parts))

    def _kept_groups(self, state: dict[str, Any]) -> list[_Group]:
        """Go on from a state of `state_dict`, in the same groups: those of other sizes round otherwise."""
        for run, own in zip(self.runs, state["runs"], strict=True):
            run.load_state_dict(own)
        return list(self.pool.map(self._kept_group, state["groups"]))

    def _kept_group(self, state: dict[str, Any]) -> _Group:
        runs = [self.runs[number] for number in state["members"]]
        group = _Group(runs, self.build_fit, self.concurrency, state["rate_factor"])
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

    def _round(self, steps: Callable[[_Group], int], must_end: Callable[[], Outcome | None]) -> None:
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

    def _begin_again(self, run: _Run) -> None:
        step = run.diverged_at
        if step is None:
            raise RuntimeError("only a member that diverged begins again")
        self.groups.append(_Group([run], self.build_fit, self.concurrency, RESTART_FACTOR))
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


def _joined(size: tuple[int, int], runs: list[_Run], seconds: float) -> Solution:
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
