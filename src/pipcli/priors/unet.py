"""The U-Net of the Deep Image Prior paper.

Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018) and its code: instance normalisation on the way
down and none on the way up, ReLUs, maxima of 2x2 blocks, and skip branches as wide as the scale itself.

Departures: odd sizes are halved upwards and doubled maps cut at the far edge, where the published code cuts the skip
branch around its centre; and a row may ask for normalisation on the way up, which allows a tenfold learning rate.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.layers import Convolution, Generators, LearnedDoubling, Normalisation, doubled
from pipcli.settings import UNetSettings, Upsampling


class _Down(nn.Module):
    """Two convolutions, each normalised and rectified."""

    def __init__(self, settings: UNetSettings, inputs: int, outputs: int, generators: Generators) -> None:
        super().__init__()
        self.first = _convolution(settings, inputs, outputs, generators)
        self.second = _convolution(settings, outputs, outputs, generators)
        self.normalisation = _Rectification(outputs, len(generators), learned=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W) to (K, outputs, H, W)."""
        normalised: Tensor = self.normalisation(self.second(self.normalisation(self.first(maps))))
        return normalised


class _Rectification(Normalisation):
    """Normalisation, then ReLU."""

    slope = 0.0


class _Up(nn.Module):
    """Double the deeper maps, join them with those of the scale, and convolve twice."""

    def __init__(self, settings: UNetSettings, inputs: int, outputs: int, generators: Generators) -> None:
        super().__init__()
        self.raise_: nn.Module
        if settings.upsampling is Upsampling.LEARNED:
            self.raise_ = LearnedDoubling(inputs, outputs, generators=generators)
        else:
            self.raise_ = _DoubleAndConvolve(settings, inputs, outputs, generators)
        self.first = _convolution(settings, 2 * outputs, outputs, generators)
        self.second = _convolution(settings, outputs, outputs, generators)
        self.activation: nn.Module
        if settings.normalised_ups:
            self.activation = _Rectification(outputs, len(generators), learned=False)
        else:
            self.activation = nn.ReLU(inplace=True)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Join (K, inputs, ceil(H/2), ceil(W/2)) and (K, outputs, H, W) to (K, outputs, H, W)."""
        raised = self.raise_(deep, (skip.shape[-2], skip.shape[-1]))
        joined: Tensor = self.activation(self.first(torch.cat([raised, skip], dim=1)))
        activated: Tensor = self.activation(self.second(joined))
        return activated


class _DoubleAndConvolve(nn.Module):
    def __init__(self, settings: UNetSettings, inputs: int, outputs: int, generators: Generators) -> None:
        super().__init__()
        self.upsampling = settings.upsampling
        self.convolution = _convolution(settings, inputs, outputs, generators)

    def forward(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (K, inputs, h, w) to (K, outputs, *size)."""
        convolved: Tensor = self.convolution(doubled(maps, size, self.upsampling))
        return convolved


def _convolution(settings: UNetSettings, inputs: int, outputs: int, generators: Generators) -> Convolution:
    return Convolution(inputs, outputs, 3, bias=True, generators=generators, zero_padding=settings.zero_padding)


class UNet(nn.Module):
    """Encoder and decoder over several scales, joined at each scale by all its maps."""

    def __init__(self, settings: UNetSettings, inputs: int, outputs: int, *, generators: Generators) -> None:
        """Build the networks with random weights; see `Hourglass` for the arguments."""
        super().__init__()
        widths = settings.widths
        self.downs = nn.ModuleList(
            _Down(settings, before, after, generators) for before, after in zip([inputs, *widths], widths, strict=False)
        )
        self.ups = nn.ModuleList(
            _Up(settings, below, width, generators) for width, below in reversed(list(pairwise(widths)))
        )
        self.output = Convolution(widths[0], outputs, 1, bias=True, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing."""
        scales: list[Tensor] = []
        for down in self.downs:
            maps = down(F.max_pool2d(maps, 2, ceil_mode=True) if scales else maps)
            scales.append(maps)
        maps = scales.pop()
        for up in self.ups:
            maps = up(maps, scales.pop())
        output: Tensor = self.output(maps)
        return output
