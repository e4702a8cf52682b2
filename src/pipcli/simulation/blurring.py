"""Blur with a known kernel, and kernels.

A kernel is a (h, w) array of weights, none negative, that sums to one; its centre is its pixel (h // 2, w // 2).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipcli.simulation.names import Border

Values = NDArray[np.float64]

_GAUSSIAN_REACH = 4.0  # in standard deviations; beyond lie 6e-5 of the sum
_PADDINGS = {Border.MIRROR: "symmetric", Border.WRAP: "wrap"}


def gaussian_kernel(std: float) -> Values:
    """Return a Gaussian of a standard deviation in pixels, sampled at pixel centres."""
    radius = math.ceil(_GAUSSIAN_REACH * std)
    profile = np.exp(-((np.arange(-radius, radius + 1) / std) ** 2) / 2)
    profile /= profile.sum()
    return np.outer(profile, profile)


def motion_kernel(length: float, angle: float) -> Values:
    """Return the trace of a point that moves evenly along a straight line.

    Args:
        length: of the line, in pixels.
        angle: in degrees, counter-clockwise from the horizontal.

    Each pixel has the share of the line that lies in it.
    """
    across, down = math.cos(math.radians(angle)) * length / 2, -math.sin(math.radians(angle)) * length / 2
    reach_x, reach_y = (max(math.ceil(abs(half) - 0.5), 0) for half in (across, down))
    cuts = np.sort(np.concatenate([[-1.0, 1.0], _edges(across, reach_x), _edges(down, reach_y)]))
    middles, shares = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts) / 2
    kernel = np.zeros((2 * reach_y + 1, 2 * reach_x + 1))
    columns, rows = (np.rint(middles * half).astype(int) for half in (across, down))
    np.add.at(kernel, (rows + reach_y, columns + reach_x), shares)
    return kernel


def _edges(half: float, reach: int) -> NDArray[np.floating[Any]]:
    """Return where, from -1 at its one end to 1 at its other, a line crosses the edges between pixels on one axis."""
    return (np.arange(-reach, reach) + 0.5) / half if reach else np.zeros(0)


def normalised(kernel: Values) -> Values:
    """Return a kernel scaled to sum to one.

    Raises:
        ValueError: it is black.
    """
    if kernel.sum() <= 0:
        raise ValueError("the kernel is black")
    return np.asarray(kernel / kernel.sum())


def blurred(picture: Values, kernel: Values, border: Border) -> Values:
    """Convolve each channel of an (H, W, C) picture with a kernel.

    With `Border.CROP` the result is (H - h + 1, W - w + 1, C): only what depends on nothing outside of the picture,
    which then has to be as large as the kernel.
    """
    if border is not Border.CROP:
        picture = np.pad(picture, [*_margins(kernel), (0, 0)], mode=_PADDINGS[border])  # type: ignore[call-overload]
    channels = [_convolved(picture[:, :, channel], kernel) for channel in range(picture.shape[2])]
    return np.stack(channels, axis=2)


def kept(size: tuple[int, int], kernel: Values) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of size (H, W) that are left of it with `Border.CROP`."""
    rows, columns = (
        slice(before, length - after) for (before, after), length in zip(_margins(kernel), size, strict=True)
    )
    return rows, columns


def _margins(kernel: Values) -> list[tuple[int, int]]:
    """Return how many pixels before and after it a pixel depends on, vertically and horizontally.

    A convolution looks behind by what the kernel reaches ahead of its centre.
    """
    return [(length - 1 - length // 2, length // 2) for length in kernel.shape]


def _convolved(plane: Values, kernel: Values) -> Values:
    """Return the part of the convolution for which the (H, W) plane holds everything, by way of its spectrum.

    No mean is outside of the range of its samples; the rounding errors of the way there would be.
    """
    size = (plane.shape[0], plane.shape[1])
    spectrum = np.fft.rfft2(plane) * np.fft.rfft2(kernel, size)
    # What has wrapped around lies in the first rows and columns.
    convolved = np.fft.irfft2(spectrum, size)[kernel.shape[0] - 1 :, kernel.shape[1] - 1 :]
    return convolved.clip(plane.min(), plane.max())
