"""Overlapping windows over a picture, and the blending of their parts into one picture.

Each window's contribution is weighed by a raised cosine that fades towards the window's edges, and the sum is divided
by the sum of the weights: a picture cut into windows and blended again is the same picture, and no seam can show.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

# The cosine is raised so far that weights stay above zero: each pixel has to be divided by their sum.
SMALLEST_WEIGHT = 1e-3
# Of the side: what neighbouring windows share at least, unless the stride forbids it.
LEAST_OVERLAP = 0.125


@dataclass(frozen=True)
class Window:
    """A part of a picture: its first row and column, and its height and width, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, picture: Tensor) -> Tensor:
        """Return this part (..., height, width) of a (..., H, W) picture."""
        return picture[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def weights(self) -> Tensor:
        """Return the (height, width) weights of this part, highest in the middle."""
        return _fade(self.height)[:, None] * _fade(self.width)


def _fade(length: int) -> Tensor:
    centres = (torch.arange(length) + 0.5) / length
    return (math.pi * centres).sin().square().clamp(min=SMALLEST_WEIGHT)


def _starts(length: int, side: int, stride: int, unit: int) -> list[int]:
    """Spread windows evenly, the first and the last at the ends, one for each stride of the length."""
    if length == side:
        return [0]
    farthest = max(stride, round((1 - LEAST_OVERLAP) * side))
    units = (length - side) // unit
    gaps = max(min(round(length / stride) - 1, units), math.ceil((length - side) / farthest))
    return [unit * round(index * units / gaps) for index in range(gaps + 1)]


def _side(length: int, side: int, unit: int) -> int:
    """Return a side that leaves whole units of the length."""
    return min(length, side + (length - side) % unit)


def windows(size: tuple[int, int], side: int, stride: int, *, unit: int = 1) -> list[Window]:
    """Cover a picture with overlapping windows of one size.

    Args:
        size: height and width of the picture.
        side: of a window; a picture's shorter sides are taken whole.
        stride: length that has a window of its own, at most `side`; (side / stride)^2 windows see a pixel on average,
            whatever the size of the picture, and the number of windows goes with its pixels.
        unit: all windows begin at multiples of it; for that, sides may be longer than asked by less than one.
    """
    height, width = (_side(length, side, unit) for length in size)
    return [
        Window(top, left, height, width)
        for top in _starts(size[0], height, stride, unit)
        for left in _starts(size[1], width, stride, unit)
    ]


def blend(size: tuple[int, int], parts: Iterable[tuple[Window, Tensor]]) -> Tensor:
    """Join parts (1, C, ..., h, w) into (1, C, ..., H, W), each pixel the weighted mean of those that hold it.

    Args:
        size: height and width of the picture.
        parts: windows, which together cover the picture, with what was made in them.
    """
    total, sums = torch.zeros(()), torch.zeros(())
    for window, part in parts:
        if not total.ndim:
            total, sums = part.new_zeros(*part.shape[:-2], *size), part.new_zeros(size)
        weights = window.weights().to(part)
        window.cut(total).add_(part * weights)
        window.cut(sums).add_(weights)
    return total / sums


def spread(size: tuple[int, int], parts: Iterable[tuple[Window, Tensor]]) -> Tensor:
    """Return the standard deviation of the parts (1, C, ..., h, w) that hold each pixel, over all channels.

    Parts count as much as in `blend`, and the estimate is unbiased for parts that are independent. Where one part alone
    holds a pixel there is nothing to tell it from, and it is 0.

    Args:
        size: height and width of the picture.
        parts: windows, which together cover the picture, with what was made in them.

    Returns:
        (1, 1, ..., H, W).
    """
    held = list(parts)
    mean = blend(size, held)
    sums, squares, errors = mean.new_zeros(3, *mean.shape[2:])
    for window, part in held:
        weights = window.weights().to(part)
        window.cut(sums).add_(weights)
        window.cut(squares).add_(weights.square())
        window.cut(errors).add_(weights * (part - window.cut(mean)).square().mean(1)[0])
    free = 1 - squares / sums.square()
    variance = torch.where(free > SMALLEST_WEIGHT, errors / sums / free.clamp(min=SMALLEST_WEIGHT), 0.0)
    return variance.sqrt()[None, None]
