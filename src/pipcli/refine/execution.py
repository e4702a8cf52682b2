"""How filters run."""

from dataclasses import dataclass

from pipcli.refine.trajectories import MotionOf
from pipcli.watch import UNWATCHED, Watch


@dataclass(frozen=True)
class Execution:
    """How filters run.

    Attributes:
        workers: parts of the picture that are filtered at the same time.
        watch: asked between two passes whether to do without the rest.
        motion_of: returns the motion of (T, C, H, W) frames; None for frames that have nothing to do with each other.
    """

    workers: int = 1
    watch: Watch = UNWATCHED
    motion_of: MotionOf | None = None
