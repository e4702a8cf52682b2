"""The problem: observation, degradation, noise, and what else is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from pipcli.degradations import Degradation
from pipcli.noise import Noise


class Moving(Protocol):
    """What the networks need of the motion of a window of frames."""

    def flow(self, source: int, target: int) -> Tensor:
        """Return (2, h, w) in pixels (dy, dx): where each pixel of one frame is found in another."""


@dataclass(frozen=True)
class Problem:
    """An observation of a picture, or of the frames of a window, and what is known of it.

    Attributes:
        observation: (T, C, h, w) float32 in [0, 1], on the CPU; a picture is one frame.
        degradation: what happened to each frame.
        noise: of the observation.
        known: (T, 1, h, w) booleans: the pixels that say anything of the frames; None is all.
        guide: (1, G, H, W) in [0, 1]: another picture of the same place, which the generators see; None for none.
        motion_of: estimates the motion of frames; None where it is of no use.
    """

    observation: Tensor
    degradation: Degradation
    noise: Noise
    known: Tensor | None = None
    guide: Tensor | None = None
    motion_of: Callable[[Tensor], Moving] | None = None
