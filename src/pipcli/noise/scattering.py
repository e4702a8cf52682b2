"""Test of spatial randomness: marks at random places (hits, photons) against drawn ones (strokes, edges, print)."""

import math

from torch import Tensor
from torch.nn import functional as F

# Pairs of marks at each of these places from each other are as many as their density around says, within these factors.
# Strokes have several times as many; dots of print and dithering have next to none at one of the places.
PAIRS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
FEWEST_PAIRS, MOST_PAIRS = 0.8, 1.6
CHANCE = 4.0  # standard deviations by which few pairs may be off by chance
DENSITY_SIDE = 15


def is_scattered(marks: Tensor) -> bool:
    """Return whether marks lie at random places.

    Args:
        marks: (1, C, H, W) float32, how many are at each place, 0 or more.
    """
    height, width = marks.shape[-2:]
    density = _mean_over(_mean_over(marks, (DENSITY_SIDE, 1)), (1, DENSITY_SIDE))  # along columns, then rows: quicker
    for down, across in PAIRS:
        first = (slice(None), slice(None), slice(0, height - down), slice(max(0, -across), width - max(0, across)))
        second = (slice(None), slice(None), slice(down, height), slice(max(0, across), width + min(0, across)))
        pairs = float((marks[first] * marks[second]).sum())
        expected = float((density[first] * density[second]).sum())
        chance = CHANCE * math.sqrt(expected)
        if not FEWEST_PAIRS * expected - chance <= pairs <= MOST_PAIRS * expected + chance:
            return False
    return True


def _mean_over(marks: Tensor, sides: tuple[int, int]) -> Tensor:
    """Return the mean over a window of odd sides around each place, of which what is outside does not count."""
    margins = (sides[0] // 2, sides[1] // 2)
    return F.avg_pool2d(marks, sides, stride=1, padding=margins, count_include_pad=False)
