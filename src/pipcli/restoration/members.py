"""The networks of a restoration as members of groups, and one of them on its way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pipcli.errors import PipRestoreError
from pipcli.fit.fit import Fit, Iterate
from pipcli.fit.stopping import Choice, StopRule
from pipcli.restoration.solution import RULE_OUTCOMES, Outcome
from pipcli.settings import SHORTEST_PATIENCE
from pipcli.tiles import Window
from pipcli.watch import CHECK_EVERY

# A residual this many times the lowest one (plus this much, since a noiseless fit has a residual near zero that jumps
# by large factors) is no fluctuation of Adam's: the network has fallen back to an early picture and seldom recovers.
DIVERGED_FACTOR, DIVERGED_MARGIN = 10.0, 1e-2
# An estimate that is preferred and at most so many steps old shows that the error was still falling.
STILL_BETTER = 2 * CHECK_EVERY


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
        refit: the last of its steps, which it makes without the noise that was added to tell its error by; if the error
            had risen before, it has none of them.
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


class Run:
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

    @property
    def last_step(self) -> int:
        """The last step with the noise that was added or, from there on, without."""
        return self.limits.steps - self.refit if self.refit_from is None else self.refit_from + self.refit

    def see(self, iterate: Iterate, must_end: Outcome | None) -> None:
        """Take note of the latest iterate, and end if the member's own rules and limits, or the caller, say so."""
        self.steps_done = iterate.step
        # Every rule must see every iterate, so all are asked before any is heeded.
        fired = [rule for rule in self.rules if rule.update(iterate)]
        if fired:
            self.outcome = RULE_OUTCOMES[fired[0].name]
        elif must_end is None and self._is_to_refit(iterate):
            self._begin_refit(iterate.step)
        elif iterate.step >= self.last_step:
            self.outcome = Outcome.STEP_LIMIT
        else:
            self.outcome = must_end
        told = iterate.step == 1 or iterate.step % CHECK_EVERY == 0 or self.outcome is not None
        if told and iterate.held_out_error is not None and self.refit_from is None:
            self.held_out_error = iterate.held_out_error()
        if self.outcome is not None:
            self.last_output = iterate.output.cpu()
            self.answer = self._choice(iterate)

    def _is_to_refit(self, iterate: Iterate) -> bool:
        """Return whether the last steps begin, and the rules had preferred ever later estimates until now."""
        if self.refit == 0 or self.refit_from is not None or iterate.step < self.last_step:
            return False
        return iterate.step - self._choice(iterate).step <= STILL_BETTER

    def _begin_refit(self, step: int) -> None:
        """Go on with the observation itself: what the rules have to tell is told."""
        self.refit_from = step
        self.rules = []
        self.lowest_residual = float("inf")  # that of another picture is another

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
            "diverged_at": self.diverged_at,
            "outcome": None if self.outcome is None else self.outcome.name,
            "answer": None if self.answer is None else {"image": self.answer.image, "step": self.answer.step},
            "last_output": self.last_output,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`."""
        self.refit_from = state["refit_from"]
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
