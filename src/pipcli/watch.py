"""Who watches long work: told of its progress, and asked whether it is to end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# Progress is told after the first step and after every so many.
CHECK_EVERY = 10


class Stage(StrEnum):
    """What is being fitted: the networks, or after them the branch that sees the noisy picture."""

    FIT = "fit"
    BRANCH = "branch"


@dataclass(frozen=True)
class Progress:
    """What a watch is told while networks are fitted.

    Attributes:
        members: how many there are.
        fitting: how many of them have not ended.
        step: steps made by those that have made most.
        steps: upper bound of them.
        share: of all the work that the bound allows, in [0, 1].
        seconds: of fitting since the start.
        held_out_error: mean squared error of the estimates on the held-out pixels, noise included, or None.
        stage: what is being done.
    """

    members: int
    fitting: int
    step: int
    steps: int
    share: float
    seconds: float
    held_out_error: float | None
    stage: Stage = Stage.FIT


def branch_progress(step: int, steps: int, seconds: float) -> Progress:
    """Return the progress of the branch after a step."""
    return Progress(1, 1, step, steps, step / steps, seconds, None, Stage.BRANCH)


class Watch(Protocol):
    """Is told of progress, and may ask for an end."""

    def progress(self, progress: Progress) -> None:
        """Take note; called after the first and every `CHECK_EVERY` steps, off the clock of the fit."""

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Take note that a member diverged at a step and starts again with its learning rate times a factor."""

    def must_end(self) -> bool:
        """Return whether to end now with the estimate so far; may raise instead. Asked from several threads."""


class Unwatched:
    """Ignores progress and never stops the work."""

    def progress(self, progress: Progress) -> None:
        """Ignore the progress."""

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Ignore the restart."""

    def must_end(self) -> bool:
        """Return False."""
        return False


UNWATCHED: Watch = Unwatched()
