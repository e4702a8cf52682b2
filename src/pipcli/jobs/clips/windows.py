"""Overlapping windows of frames that are fitted together; none extends over a scene cut."""

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
        length: frames of a window, at most.
        overlap: frames that neighbours of one scene share at least, less than `length`. Unless it is 0, all windows
            of a scene are of one length, so that each can begin from what the one before has left.
    """
    windows: list[FrameWindow] = []
    for first, after in pairwise([0, *cuts, frames]):
        runs = _apart(first, after, length) if overlap == 0 else _overlapping(first, after, length, overlap)
        windows += [
            FrameWindow(len(windows) + place, start, stop, opens_scene=place == 0)
            for place, (start, stop) in enumerate(runs)
        ]
    return windows


def _apart(first: int, after: int, length: int) -> list[tuple[int, int]]:
    return [(start, min(start + length, after)) for start in range(first, after, length)]


def _overlapping(first: int, after: int, length: int, overlap: int) -> list[tuple[int, int]]:
    """Spread runs of one length evenly."""
    side = min(after - first, length)
    rest = after - first - side
    gaps = math.ceil(rest / (length - overlap))
    starts = [first + round(gap * rest / gaps) for gap in range(gaps + 1)] if gaps else [first]
    return [(start, start + side) for start in starts]
