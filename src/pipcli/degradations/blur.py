"""Blur with a known kernel.

What is observed depends on more than what it shows: the picture that explains it is larger by what the kernel reaches
beyond the edges, so that nothing has to be assumed of what lies there.
"""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.convolution import Convolution, margins
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
        # By way of the spectrum: for 5x5 as quick as sums are, and its derivative ten times as quick.
        rows, columns = self._kernel_size
        size = (picture.shape[-2] - rows + 1, picture.shape[-1] - columns + 1)
        convolution = Convolution(size, self._kernel_size)
        return convolution.product(convolution.spectrum(picture), convolution.spectrum(self.kernel))

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of what an observation of the given size depends on."""
        return size[0] + self.kernel.shape[0] - 1, size[1] + self.kernel.shape[1] - 1

    def visible(self, picture: Tensor) -> Tensor:
        """Return the part of a (..., H, W) picture that the observation shows, and not only depends on."""
        left, right, top, bottom = margins(self._kernel_size)
        return picture[..., top : picture.shape[-2] - bottom, left : picture.shape[-1] - right]

    def naive(self, observation: Tensor) -> Tensor:
        """Return the observation, continued by its edge to what it depends on."""
        return F.pad(observation, margins(self._kernel_size), mode="replicate")

    def serves(self, other: Degradation) -> bool:
        """Return whether the other blurs with the same kernel."""
        return isinstance(other, Blur) and torch.equal(self.kernel, other.kernel)

    @property
    def _kernel_size(self) -> tuple[int, int]:
        return self.kernel.shape[0], self.kernel.shape[1]
