"""How far a picture is from a reference. For reports only: nothing that is fitted or stopped may import this."""

import math

from torch import Tensor


def mse_to_psnr(error: float) -> float:
    """Convert a mean squared error of pictures in [0, 1] to decibels; infinite for no error."""
    return math.inf if error <= 0 else -10 * math.log10(error)


def psnr(picture: Tensor, reference: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of two (N, C, H, W) pictures in [0, 1], one error over all of it."""
    return mse_to_psnr(float((picture.double() - reference.double()).square().mean()))
