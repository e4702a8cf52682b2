"""Blur with a known kernel.

What is observed depends on more than what it shows: the picture that explains it is larger by what the kernel reaches
beyond the edges, so that nothing has to be assumed of what lies there.
"""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.degradations.base import Degradation
from pipcli.noise import Noise


@final
class Blur(Degradation):
    """The degradation of deblurring."""

    kernel: Tensor

    def __init__(self, noise: Noise, kernel: Tensor, notes: tuple[str, ...] = ()) -> None:
        """Remember how pictures are blurred.

        Args:
            noise: of the blurred picture.
            kernel: (kh, kw), of which the weights sum to one and the pixel (kh // 2, kw // 2) is the centre.
            notes: sentences for the user on where it is from.
        """
        super().__init__(noise)
        self.notes = notes
        self.register_buffer("kernel", kernel)

    def forward(self, picture: Tensor) -> Tensor:
        """Convolve a (N, C, H, W) picture: (N, C, H - kh + 1, W - kw + 1), what depends on nothing outside of it."""
        return convolved(picture, self.kernel)

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of what an observation of the given size depends on."""
        return size[0] + self.kernel.shape[0] - 1, size[1] + self.kernel.shape[1] - 1

    def visible(self, picture: Tensor) -> Tensor:
        """Return the part of a (..., H, W) picture that the observation shows, and not only depends on."""
        rows, columns = self.kernel.shape
        height, width = picture.shape[-2] - rows + 1, picture.shape[-1] - columns + 1
        # A convolution looks behind by what the kernel reaches ahead of its centre.
        top, left = rows - 1 - rows // 2, columns - 1 - columns // 2
        return picture[..., top : top + height, left : left + width]

    def naive(self, observation: Tensor) -> Tensor:
        """Return the observation, continued by its edge to what it depends on."""
        rows, columns = self.kernel.shape
        top, left = rows - 1 - rows // 2, columns - 1 - columns // 2
        return F.pad(observation, (left, columns - 1 - left, top, rows - 1 - top), mode="replicate")

    def serves(self, other: Degradation) -> bool:
        """Return whether the other blurs with the same kernel."""
        return isinstance(other, Blur) and torch.equal(self.kernel, other.kernel)


def convolved(picture: Tensor, kernel: Tensor) -> Tensor:
    """Return the part of a convolution for which the (N, C, H, W) picture holds everything, by way of its spectrum.

    For a kernel of 5x5 that is as quick as sums are, and its derivative ten times as quick. Differentiable by both; the
    kernel is (kh, kw), no larger than the picture.
    """
    size = picture.shape[-2:]
    padded = [_quick_length(length) for length in size]
    spectrum = torch.fft.rfft2(picture, padded) * torch.fft.rfft2(kernel, padded)
    # What has wrapped around lies in the first rows and columns.
    convolution: Tensor = torch.fft.irfft2(spectrum, padded)
    return convolution[..., kernel.shape[0] - 1 : size[0], kernel.shape[1] - 1 : size[1]]


def _quick_length(length: int) -> int:
    """Return the least length from this one on that has no prime factor above five."""
    while _rest(length) > 1:
        length += 1
    return length


def _rest(length: int) -> int:
    """Return what is left of a number without its factors two, three and five."""
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    return length
