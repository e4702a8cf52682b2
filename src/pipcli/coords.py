"""Coordinates of pixels, and the conventions that every module shares.

Pictures are float32 tensors (N, C, H, W) with display-referred values in [0, 1]; N counts frames and is 1 for a photo.
Where generators make frames together, a block of them is (K, C, T, H, W), K counting the generators. Time is counted in
frames from the block's first, so that a rate of change means the same in blocks of any length.
Sizes are always (height, width), coordinates always (y, x). Coordinate 0 is the top or left edge of the picture and 1
the opposite edge, so that pixel i of n has its centre at (i + 1/2) / n: a coordinate means the same place at every
resolution. The published code puts 0 and 1 on the centres of the corner pixels instead: `Grid.CORNERS`.
"""

from functools import lru_cache

import torch
from torch import Tensor

from pipcli.settings import Grid


def _axis(length: int, grid: Grid) -> Tensor:
    positions = torch.arange(length, dtype=torch.float32)
    if grid is Grid.CENTRES:
        return (positions + 0.5) / length
    return positions / max(length - 1, 1)


@lru_cache(maxsize=2)
def pixel_grid(height: int, width: int, grid: Grid = Grid.CENTRES) -> Tensor:
    """Return the coordinates of all pixels of a picture; not to be changed, since all who ask share them.

    Args:
        height: rows, at least 1.
        width: columns, at least 1.
        grid: where the coordinates 0 and 1 lie.

    Returns:
        (1, 2, height, width) float32 in [0, 1], the channels being y and x.
    """
    rows, columns = torch.meshgrid(_axis(height, grid), _axis(width, grid), indexing="ij")
    return torch.stack([rows, columns])[None]


@lru_cache(maxsize=2)
def space_time_grid(frames: int, height: int, width: int, grid: Grid = Grid.CENTRES) -> Tensor:
    """Return the coordinates of all pixels of a block of frames; not to be changed, since all who ask share them.

    Args:
        frames: at least 1.
        height: rows, at least 1.
        width: columns, at least 1.
        grid: where the coordinates 0 and 1 lie.

    Returns:
        (1, 3, frames, height, width) float32, the channels being the frame's number from 0, y and x in [0, 1].
    """
    places = pixel_grid(height, width, grid)[:, :, None].expand(-1, -1, frames, -1, -1)
    times = torch.arange(frames, dtype=torch.float32).view(1, 1, -1, 1, 1).expand(-1, -1, -1, height, width)
    return torch.cat([times, places], dim=1)
