"""A sharp picture with sparse gradients, from which a kernel is estimated.

Given a kernel k, the picture x minimises the misfit to the observation y and the number of non-zero gradients,

    |k * x - y|^2 + w #{p: grad x(p) != 0},

by half-quadratic splitting: gradients are thresholded and x is solved for alternately, with a rising penalty.
Source: Xu, Zheng and Jia, "Unnatural L0 sparse representation for natural image deblurring" (CVPR 2013); that the
weight falls from round to round, Pan et al., "Deblurring text images via L0-regularized intensity and gradient prior"
(CVPR 2014). The picture is taken as periodic, its opposite edges joined by a ramp; kernels are told from the inside.
"""

import math

import torch
from torch import Tensor

from pipcli.linear.convolution import quick_length

# The weight of agreement with the cut gradients starts at twice that of sparsity, and doubles up to this.
STRICTEST = 1e5


def gradients(plane: Tensor) -> Tensor:
    """Return the differences of a (h, w) plane to the right and downwards, (2, h - 1, w - 1)."""
    corner = plane[:-1, :-1]
    return torch.stack([plane[:-1, 1:] - corner, plane[1:, :-1] - corner])


class Sharpening:
    """What is the same for all kernels: the observation and its spectrum."""

    def __init__(self, plane: Tensor, margin: int) -> None:
        """Remember an observation.

        Args:
            plane: (h, w) in [0, 1].
            margin: over which opposite edges are joined, at least, in pixels.
        """
        self._size = (plane.shape[0], plane.shape[1])
        joined = _joined(_joined(plane, margin).T, margin).T
        self._padded = (joined.shape[0], joined.shape[1])
        self._observation = torch.fft.rfft2(joined)
        down = 2 * math.pi * torch.fft.fftfreq(self._padded[0])[:, None]
        right = 2 * math.pi * torch.fft.rfftfreq(self._padded[1])[None]
        ones = torch.ones_like(down * right)
        self._differences = torch.polar(torch.stack([ones, ones]), torch.stack([right * ones, down * ones])) - 1

    def sharpened(self, kernel: Tensor, sparsity: float) -> Tensor:
        """Return the (h, w) picture for a (kh, kw) kernel and the weight of a pixel with a gradient."""
        rows, columns = kernel.shape
        padded = torch.zeros(self._padded)
        padded[:rows, :columns] = kernel
        spectrum = torch.fft.rfft2(padded.roll((-(rows // 2), -(columns // 2)), (0, 1)))
        explained, power = spectrum.conj() * self._observation, spectrum.abs().square()
        edges = self._differences.abs().square().sum(0)
        picture = self._observation
        agreement = 2 * sparsity
        while agreement < STRICTEST:
            slopes = torch.fft.irfft2(self._differences * picture, self._padded)
            slopes = slopes * (slopes.square().sum(0) >= sparsity / agreement)
            wanted = (self._differences.conj() * torch.fft.rfft2(slopes)).sum(0)
            picture = (explained + agreement * wanted) / (power + agreement * edges)
            agreement *= 2
        height, width = self._size
        periodic: Tensor = torch.fft.irfft2(picture, self._padded)
        return periodic[:height, :width]


def _joined(plane: Tensor, margin: int) -> Tensor:
    """Return a (h, w) plane with rows added that lead from its last one to its first, to a quick length."""
    added = quick_length(plane.shape[0] + margin) - plane.shape[0]
    shares = (torch.arange(1, added + 1) / (added + 1))[:, None]
    return torch.cat([plane, plane[-1:] * (1 - shares) + plane[:1] * shares])
