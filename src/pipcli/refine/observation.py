"""The inputs of a refinement besides the estimate: observation, noise and masks."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pipcli.noise import Noise
from pipcli.refine.trajectories import MotionOf


@dataclass(frozen=True)
class Degraded:
    """How an observation came about, but for its noise.

    Attributes:
        degrade: maps (T, C, H, W) frames to the (T, C, h, w) observations of them; linear; a picture is one frame.
        naive: maps an observation to the naive reconstruction.
        observed: (T, C or 1, h, w) booleans of the samples that say anything of the picture; None is all.
        held_out: (h, w) or (T, h, w) booleans of the pixels that no network was fitted to; None is none.
        limits: (T, C, h, w) of 1 for samples that say "at least this", -1 for "at most this", else 0; None is 0.
    """

    degrade: Callable[[Tensor], Tensor]
    naive: Callable[[Tensor], Tensor]
    observed: Tensor | None = None
    held_out: Tensor | None = None
    limits: Tensor | None = None


@dataclass(frozen=True)
class Observation:
    """An observation of some frames.

    Attributes:
        samples: (T, C, h, w) float32 in [0, 1], on the CPU; a picture is one frame. Where nothing is `degraded`, of the
            size of the frames.
        noise: of it.
        degraded: how else it came about; None for noise alone.
        motion_of: returns the motion of (T, C, H, W) frames; None for frames that have nothing to do with each other.
    """

    samples: Tensor
    noise: Noise
    degraded: Degraded | None = None
    motion_of: MotionOf | None = None
