"""Haze after the model of Koschmieder (1924): what a camera sees is I = J t + A (1 - t), with t = exp(-beta d).

J is the clear picture, A the airlight, t the transmission and d the depth, here in [0, 1] from near to far.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_SWELLS, _SWELL_HEIGHT = 3, 0.15


def smooth_depth(size: tuple[int, int], generator: np.random.Generator) -> Values:
    """Return an (H, W) depth, over all of [0, 1], as of a landscape: near at the bottom, far at the top, swelling."""
    height, width = size
    y, x = (np.arange(length) + 0.5 for length in size)
    depth = np.tile(1 - y[:, None] / height, (1, width))
    for _ in range(_SWELLS):
        waves_down, waves_across, phase = generator.uniform([0, 0, 0], [1.5, 1.5, 1])
        turns = waves_down * y[:, None] / height + waves_across * x[None, :] / width + phase
        depth += _SWELL_HEIGHT * np.cos(2 * np.pi * turns)
    lowest, highest = depth.min(), depth.max()
    return np.zeros(size) if lowest == highest else (depth - lowest) / (highest - lowest)


def transmission(depth: Values, beta: float) -> Values:
    """Return which share of the light arrives from each depth."""
    return np.exp(-beta * depth)


def hazy(picture: Values, light: Values, airlight: Values) -> Values:
    """Return the hazy picture.

    Args:
        picture: (H, W, C), clear.
        light: (H, W), the transmission in [0, 1].
        airlight: (C,), in [0, 1].
    """
    share = light[:, :, None]
    return picture * share + airlight * (1 - share)
