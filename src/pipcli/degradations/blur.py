"""Blur with a known kernel.

An observation depends on pixels beyond its edges. The generated picture is therefore larger by the reach of the
kernel, so that no boundary condition has to be assumed.
"""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.degradations.base import Degradation
from pipcli.linear.convolution import Convolution, margins
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
        return self._convolved(picture, self.kernel)

    def _convolved(self, picture: Tensor, kernel: Tensor) -> Tensor:
        # By way of the spectrum: for 5x5 as quick as sums are, and its derivative ten times as quick.
        rows, columns = self._kernel_size
        size = (picture.shape[-2] - rows + 1, picture.shape[-1] - columns + 1)
        convolution = Convolution(size, self._kernel_size)
        return convolution.product(convolution.spectrum(picture), convolution.spectrum(kernel))

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

    def limits(self, observation: Tensor) -> Tensor | None:
        """Return 1 for samples at the top of the range and -1 for those at its bottom; None where there are none.

        The camera cut off there what the blurred light was.
        """
        limits = (observation >= 1).to(torch.int8) - (observation <= 0).to(torch.int8)
        return limits if limits.any() else None

    def explicable(self, observation: Tensor) -> Tensor | None:
        """Return all samples but those at the top that light from beyond the range may have reached.

        A lamp above the range whitens all that its blur reaches, which no picture in the range does. A pixel may be
        such a lamp if all samples that it reaches are at the top; what it and others reach together is left out. In the
        middle of a large white area nothing else is reached, and its samples are kept.
        """
        top = observation >= 1
        if not top.any():
            return None
        top = top.to(self.kernel.device)
        reach = (self.kernel > 0).to(self.kernel)
        reached, adjoint = torch.func.vjp(  # type: ignore[misc]
            lambda picture: self._convolved(picture, reach), self.naive(top.to(reach))
        )
        # Counts, of which the spectra leave a hundredth at most.
        by_others = adjoint((~top).to(reached))[0] > 0.5
        among_others = self._convolved(by_others.to(reached), reach) > 0.5
        return ~(top & among_others).to(observation.device)

    def serves(self, other: Degradation) -> bool:
        """Return whether the other blurs with the same kernel."""
        return isinstance(other, Blur) and torch.equal(self.kernel, other.kernel)

    @property
    def _kernel_size(self) -> tuple[int, int]:
        return self.kernel.shape[0], self.kernel.shape[1]
