"""Motion trajectories of pixels and patches over the neighbouring frames.

Motion is rounded to whole pixels, so that noise stays what it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pipcli.tiles import Window

# What moves from the middle of all motion in a window by more than this, in pixels, is not followed so far: it bounds
# how much of another frame a window looks at.
FARTHEST = 32.0


class Motion(Protocol):
    """Where things go from frame to frame."""

    def flow(self, source: int, target: int) -> Tensor:
        """Return (2, H, W) in pixels (dy, dx): where each pixel of one frame is found in another."""

    def found(self, source: int, target: int) -> Tensor:
        """Return (1, H, W) booleans: which pixels of one frame are seen in another."""


# Returns the motion of (T, C, H, W) frames.
MotionOf = Callable[[Tensor], Motion]


@dataclass(frozen=True)
class Place:
    """A window of a frame, and where its patches begin in a table of those of several windows."""

    frame: int
    window: Window
    first: int

    def positions(self, side: int) -> slice:
        """Return the rows of the table that hold the patches of a side, one for each place that a patch has room."""
        return slice(self.first, self.first + (self.window.height - side + 1) * (self.window.width - side + 1))


def frames_around(frame: int, count: int, length: int) -> range:
    """Return `length` frames in a row of a clip of `count`, or all: the frame as near to their middle as can be."""
    first = min(max(0, frame - length // 2), max(0, count - length))
    return range(first, min(count, first + length))


def followed(frames: Tensor, length: int, motion_of: MotionOf | None) -> Motion | None:
    """Return the motion of (T, C, H, W) frames if each is looked at with others, `length` in all."""
    return None if motion_of is None or min(length, len(frames)) == 1 else motion_of(frames)


def follow(
    motion: Motion | None, start: Place, frames: Iterable[int], size: tuple[int, int], side: int
) -> tuple[list[Place], Tensor]:
    """Follow all patches of a window through frames.

    Args:
        motion: of the clip; None where there are no other frames.
        start: the window; the first of the table.
        frames: in the order of time, the window's own among them.
        size: height and width of a frame: what leaves it stays at its edge.
        side: of a patch.

    Returns:
        The places, one a frame, and the (frames, patches) positions in their table.
    """
    rows, columns = _corners(start.window, side)
    places, paths = [], []
    end = start.positions(side).stop
    for frame in frames:
        if frame == start.frame or motion is None:
            places.append(start)
            paths.append(torch.arange(len(rows)))
            continue
        down, across = _steps(motion.flow(start.frame, frame), rows + side // 2, columns + side // 2)
        there = (rows + down).clamp(0, size[0] - side), (columns + across).clamp(0, size[1] - side)
        top, left = (int(line.min()) for line in there)
        bottom, right = (int(line.max()) + side for line in there)
        places.append(Place(frame, Window(top, left, bottom - top, right - left), end))
        paths.append(end + (there[0] - top) * (right - left - side + 1) + there[1] - left)
        end = places[-1].positions(side).stop
    return places, torch.stack(paths)


def moved(frames: Tensor, motion: Motion, source: int, target: int, window: Window) -> Tensor:
    """Return what a window of the frame `source` looks like in the frame `target`, pixel by pixel: (1, C, h, w).

    Args:
        frames: (T, C, H, W), as large as those whose motion it is, or continued below and to the right.
        motion: of them.
        source: number of a frame.
        target: that of another.
        window: of the first.
    """
    rows, columns = _corners(window, 1)
    down, across = _steps(motion.flow(source, target), rows, columns)
    height, width = frames.shape[-2:]
    places = (rows + down).clamp(0, height - 1) * width + (columns + across).clamp(0, width - 1)
    samples = frames[target].flatten(1)[:, places.to(frames.device)]
    return samples.view(1, -1, window.height, window.width)


def _corners(window: Window, side: int) -> tuple[Tensor, Tensor]:
    """Return the rows and columns at which the patches of a window begin."""
    rows = window.top + torch.arange(window.height - side + 1)
    columns = window.left + torch.arange(window.width - side + 1)
    return rows[:, None].expand(-1, len(columns)).flatten(), columns.repeat(len(rows))


def _steps(flow: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many whole pixels down and across the flow leads from some places."""
    steps = flow[:, rows.clamp(max=flow.shape[1] - 1), columns.clamp(max=flow.shape[2] - 1)].cpu()
    middle = steps.median(dim=1, keepdim=True).values
    down, across = steps.clamp(middle - FARTHEST, middle + FARTHEST).round().long()
    return down, across
