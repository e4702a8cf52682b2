"""How far a picture is from a reference. For reports only: nothing that is fitted or stopped may import this."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Of the structural similarity, as its authors set them (Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image
# Processing 13(4), 2004): an 11x11 Gaussian window of 1.5 pixels, and constants for samples in [0, 1].
SSIM_WINDOW, SSIM_STD = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_STRIP = 32  # rows of windows that are worked on at a time

# ITU-R BT.601 with studio range, for R, G and B in [0, 1]: what MATLAB's `rgb2ycbcr` computes, before it rounds.
_LUMA_WEIGHTS, _LUMA_OFFSET = np.array([65.481, 128.553, 24.966]) / 255, 16 / 255


def mse_to_psnr(error: float) -> float:
    """Convert a mean squared error of pictures in [0, 1] to decibels; infinite for no error."""
    return math.inf if error <= 0 else -10 * math.log10(error)


def psnr(picture: ArrayLike, reference: ArrayLike) -> float:
    """Return the peak signal-to-noise ratio in dB of two pictures in [0, 1] of one shape, one error over all of it."""
    difference = np.asarray(picture, np.float64) - np.asarray(reference, np.float64)
    return mse_to_psnr(float(np.square(difference).mean()))


def luma(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (H, W) luma, in [16/255, 235/255], of a (H, W, 1 or 3) picture in [0, 1]; grey counts as R = G = B."""
    if picture.shape[2] == 1:
        picture = np.repeat(picture, 3, axis=2)
    return picture @ _LUMA_WEIGHTS + _LUMA_OFFSET


def ssim(picture: NDArray[np.float64], reference: NDArray[np.float64]) -> float | None:
    """Return the structural similarity of two (H, W, C) pictures in [0, 1], the mean over their channels.

    Only windows that lie inside of the picture count, and moments are those of the window (divided by the weights'
    sum), both as in the paper. None where no window fits in.
    """
    if min(picture.shape[:2]) < SSIM_WINDOW:
        return None
    channels = range(picture.shape[2])
    return float(np.mean([_plane_ssim(picture[:, :, channel], reference[:, :, channel]) for channel in channels]))


def _plane_ssim(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the mean similarity of two (H, W) planes, strip by strip, which is quicker in a processor's cache."""
    windows_down = first.shape[0] - SSIM_WINDOW + 1
    total, count = 0.0, 0
    for top in range(0, windows_down, _STRIP):
        rows = slice(top, min(top + _STRIP, windows_down) + SSIM_WINDOW - 1)
        similarities = _similarities(first[rows], second[rows])
        total, count = total + float(similarities.sum()), count + similarities.size
    return total / count


def _similarities(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the similarity in each window that lies inside of two planes."""
    return similarities(*(windowed(plane) for plane in (first, second, first**2, second**2, first * second)))


def similarities(
    mean_1: NDArray[np.float64],
    mean_2: NDArray[np.float64],
    square_1: NDArray[np.float64],
    square_2: NDArray[np.float64],
    product: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the similarity of windows, all (h, w), from the means of two planes, their squares and product."""
    variances = (square_1 - mean_1**2) + (square_2 - mean_2**2)
    covariance = product - mean_1 * mean_2
    likeness = (2 * mean_1 * mean_2 + _C1) * (2 * covariance + _C2)
    return likeness / ((mean_1**2 + mean_2**2 + _C1) * (variances + _C2))


def window_weights() -> NDArray[np.float64]:
    """Return the weights of a window along one axis, which sum to one."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SSIM_STD**2))
    return np.asarray(weights / weights.sum())


def windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted mean of each window that lies inside of the (H, W) plane: 10 rows and columns fewer."""
    weights = window_weights()
    height, width = (length - SSIM_WINDOW + 1 for length in plane.shape)
    rows = sum(weight * plane[at : at + height] for at, weight in enumerate(weights))
    return np.asarray(sum(weight * rows[:, at : at + width] for at, weight in enumerate(weights)))
