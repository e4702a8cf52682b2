"""Windows of frames: runs that are fitted together, overlap, and become one clip again; scenes share none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class FrameWindow:
    """A run of frames.

    Attributes:
        number: of the window, from 0, over the whole clip.
        start: its first frame.
        stop: the frame after its last.
        opens_scene: whether nothing before it is of the same scene.
    """

    number: int
    start: int
    stop: int
    opens_scene: bool

    @property
    def length(self) -> int:
        """Frames in it."""
        return self.stop - self.start

    def weight(self, position: float) -> float:
        """Return how much it has to say of a moment within it, least at its ends, where it knows one side only."""
        return min(position - self.start, self.stop - 1 - position) + 1


def windows_of(frames: int, cuts: Sequence[int], length: int, overlap: int) -> list[FrameWindow]:
    """Cover all frames of a clip with windows.

    Args:
        frames: of the clip, one at least.
        cuts: the first frame of every scene but the first, rising.
        length: frames of a window, at most; the windows of a scene are of one length, that of short ones is the scene.
        overlap: frames that neighbours of one scene share at least, less than `length`.
    """
    windows: list[FrameWindow] = []
    for first, after in pairwise([0, *cuts, frames]):
        scene = after - first
        side = min(scene, length)
        gaps = math.ceil((scene - side) / max(1, length - overlap))
        starts = [first + round(gap * (scene - side) / gaps) for gap in range(gaps + 1)] if gaps else [first]
        windows += [
            FrameWindow(len(windows) + place, start, start + side, opens_scene=place == 0)
            for place, start in enumerate(starts)
        ]
    return windows
