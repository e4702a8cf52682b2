"""Where the patches of a frame are found in the frames before and after it."""

from collections.abc import Iterable
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
        The places, one a frame, and the (frames, patches) positions in their table. The motion is rounded to whole
        pixels, so that the noise of the patches stays as it is.
    """
    window = start.window
    rows = (window.top + torch.arange(window.height - side + 1))[:, None].expand(-1, window.width - side + 1).flatten()
    columns = (window.left + torch.arange(window.width - side + 1)).repeat(window.height - side + 1)
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


def _steps(flow: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many whole pixels down and across the flow leads from some places."""
    steps = flow[:, rows.clamp(max=flow.shape[1] - 1), columns.clamp(max=flow.shape[2] - 1)].cpu()
    middle = steps.median(dim=1, keepdim=True).values
    down, across = steps.clamp(middle - FARTHEST, middle + FARTHEST).round().long()
    return down, across
