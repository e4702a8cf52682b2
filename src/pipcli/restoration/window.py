"""One window of frames of a clip: what it is restored from, with what, and what comes of it."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from pipcli.degradations import Degradation
from pipcli.fit.device import Device
from pipcli.noise import Noise, Origin
from pipcli.restoration.loop import Keeper
from pipcli.restoration.solution import Outcome, Solution
from pipcli.restoration.within_memory import Notes
from pipcli.settings import Settings, StopName
from pipcli.watch import Progress, Watch

KeeperOf = Callable[[str], Keeper]


@dataclass(frozen=True)
class WindowInput:
    """What there is to restore a window of frames from.

    Attributes:
        observation: (T, C, h, w) float32 in [0, 1].
        known: (T, 1, h, w) booleans: what is not to be filled; None is all.
        positions: of the frames that are wanted, in frames of the window; those of the input, unless the task makes
            others.
        warm: what the window before has left for this one; None where there is none.
    """

    observation: Tensor
    known: Tensor | None
    positions: Sequence[float]
    warm: Any | None = None


@dataclass(frozen=True)
class WindowReport:
    """How a window came about, in numbers that can be kept.

    Attributes:
        outcome: the name of why most networks ended.
        steps: of each network, the step whose estimate was taken.
        steps_done: of each network, how many were made.
        fitting_seconds: of fitting.
        seconds: of all.
        restarts: how many networks diverged and were begun again.
    """

    outcome: str
    steps: list[int] = field(default_factory=list)
    steps_done: list[int] = field(default_factory=list)
    fitting_seconds: float = 0.0
    seconds: float = 0.0
    restarts: int = 0

    @classmethod
    def read(cls, said: Any) -> "WindowReport":
        """Return the facts that were kept as JSON.

        Raises:
            ValueError: it is something else.
        """
        facts = cls(**said) if isinstance(said, dict) else None
        if facts is None or facts.outcome not in Outcome.__members__:
            raise ValueError("no facts of a window")
        counts = [facts.steps, facts.steps_done, [facts.restarts]]
        seconds = (facts.fitting_seconds, facts.seconds)
        if not all(isinstance(one, list) and all(type(count) is int for count in one) for one in counts):
            raise ValueError("no facts of a window")
        if not all(isinstance(one, int | float) and math.isfinite(one) for one in seconds):
            raise ValueError("no facts of a window")
        return facts

    @classmethod
    def of(cls, solutions: Sequence[Solution], seconds: float) -> "WindowReport":
        """Return the facts of solutions that were fitted together."""
        return cls(
            outcome=solutions[0].outcome.name,
            steps=[step for solution in solutions for step in solution.steps],
            steps_done=[step for solution in solutions for step in solution.steps_done],
            fitting_seconds=solutions[0].seconds,
            seconds=seconds,
            restarts=sum(solution.restarts for solution in solutions),
        )


@dataclass(frozen=True)
class Restored:
    """A window of frames, restored.

    Attributes:
        frames: (M, C, H, W) in [0, 1], as the user gets them.
        facts: of how.
        warm: what the next window can begin from; None for nothing.
    """

    frames: Tensor
    facts: WindowReport
    warm: Any | None = None


@dataclass(frozen=True)
class ClipContext:
    """The state shared by all windows of a clip.

    Attributes:
        settings: the preset row with the user's words in it.
        degradation: what happened to every frame.
        noise: of every frame.
        device: where to fit.
        stop: the stop rule.
        seed: of all that is random.
        paper: whether the published method is asked for, which knows of no motion and starts anew with every window.
        notes: is told of what had to be changed.
        watch_of: makes the watch of a window, given the mean squared error of its clean frames, where the held-out
            error is one; it ends the work by raising when a signal came.
    """

    settings: Settings
    degradation: Degradation
    noise: Noise
    device: Device
    stop: StopName
    seed: int
    paper: bool
    notes: Notes
    watch_of: Callable[[float | None], Watch]

    def as_known(self, picture: Tensor, shown: WindowInput) -> Tensor:
        """Put the pixels that are known, if they have no noise, into frames that were to fill the others."""
        if shown.known is None or self.noise.origin is not Origin.ROUNDING:
            return picture
        return torch.where(shown.known, shown.observation, picture)


class Restoring(Protocol):
    """A way to restore a window."""

    leaves_warm: bool

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Restore a window.

        Args:
            shown: what there is.
            seconds: to end within; None for no bound.
            keeper_of: returns who keeps the state of a fit, by a name.
        """


class WindowWatch:
    """Passes on what a watch is told of the fit and the filters of a window, and ends them when time is up."""

    def __init__(self, context: ClipContext, observation: Tensor, seconds: float | None) -> None:
        self._watch = context.watch_of(_noise_variance(context, observation))
        self._seconds = seconds
        self._began = time.perf_counter()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began

    @property
    def left(self) -> float | None:
        """Seconds to go; None for no bound."""
        return None if self._seconds is None else max(0.0, self._seconds - self.spent)

    def progress(self, progress: Progress) -> None:
        """Pass the progress on."""
        self._watch.progress(progress)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Pass it on."""
        self._watch.restarted(member, step, rate_factor)

    def must_end(self) -> bool:
        """Return whether time is up or the watch says so."""
        return self._watch.must_end() or (self._seconds is not None and self.spent >= self._seconds)


def _noise_variance(context: ClipContext, observation: Tensor) -> float | None:
    """Return the mean squared error of the clean frames, where the held-out error is one."""
    if not context.degradation.misfit_tells_error:
        return None
    misfits = [context.noise.expected_misfit(frame) for frame in torch.split(observation, 1)]
    return sum(misfits) / len(misfits)
