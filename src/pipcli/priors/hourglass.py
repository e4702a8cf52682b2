"""The hourglass with skip connections that serves DIP (3x3 convolutions) and PIP (1x1 convolutions).

Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), supplementary material, `skip` network;
Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022), the same network with 1x1 kernels.

One module holds K networks of the same shape, the members, and makes a step of all of them at once: the small scales,
where a product takes less time than calling for it, then cost little more for eight members than for one. Every
parameter leads with the member, maps have the logical shape (K, C, H, W), and statistics are a member's own.

The operations are those of `pipcli.priors.batched`. The arithmetic runs in the type of the input; weights stay float32
and are cast on use.

Departures from the published network, each chosen by a row of the preset table:
  * `Sampling.MEAN` halves a map by 2x2 means. The published stride-2 convolutions take the top-left pixel of each
    block, which aliases and shifts scale L by (2^L - 1) / 2 pixels against its skip branch.
  * `Merge.SUM` adds the two branches after a convolution each, the deeper one before it is up-sampled when the kernel
    is 1x1 (convolution and bilinear up-sampling commute there, so a quarter of the products suffices), and does without
    the normalisation of the concatenated maps.
  * Odd sizes are up-sampled by exactly two and cut at the far edge, which keeps the scales aligned; the published code
    cuts both branches around their centres.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.batched import convolve, normalise, pointwise, pointwise_onto
from pipcli.settings import HourglassSettings, Merge, Sampling

LEAKY_SLOPE = 0.2


Generators = Sequence[torch.Generator]


def _uniform(shape: tuple[int, ...], fan_in: int, generators: Generators) -> nn.Parameter:
    """Draw U(-1/sqrt(fan_in), 1/sqrt(fan_in)): what PyTorch's convolutions start from, hence the published networks."""
    bound = 1 / math.sqrt(fan_in)
    members = [torch.empty(shape).uniform_(-bound, bound, generator=generator) for generator in generators]
    return nn.Parameter(torch.stack(members))


class Convolution(nn.Module):
    """A convolution whose output is the size of its input, by reflection at the edges, or half of it with stride 2."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, bias: bool, generators: Generators, stride: int = 1
    ) -> None:
        super().__init__()
        fan_in = inputs * kernel_size**2
        self.kernel_size = kernel_size
        self.stride = stride
        self.weight = _uniform((outputs, inputs, kernel_size, kernel_size), fan_in, generators)
        self.bias = _uniform((outputs,), fan_in, generators) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, ceil(H / stride), ceil(W / stride))."""
        if self.kernel_size == 1:
            weight = self.weight.flatten(2)
            return pointwise(maps[:, :, :: self.stride, :: self.stride], weight, self.bias)
        margin = self.kernel_size // 2
        # Reflection needs a pixel to reflect: maps one pixel wide or high repeat it instead.
        mode = "reflect" if min(maps.shape[-2:]) > margin else "replicate"
        return convolve(F.pad(maps, (margin,) * 4, mode=mode), self.weight, self.bias, self.stride)


class Normalisation(nn.Module):
    """Batch normalisation by the statistics of the current picture, in fitting and rendering alike.

    The published networks are never switched to evaluation, so running statistics would be state that nobody reads.
    """

    def __init__(self, channels: int, members: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, channels))
        self.bias = nn.Parameter(torch.zeros(members, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, H, W) to zero mean and unit variance in each member's channels, then scale and shift."""
        return normalise(maps, self.weight, self.bias, slope=1.0)


class Activation(Normalisation):
    """Normalisation, then leaky ReLU."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, H, W) to the same shape."""
        return normalise(maps, self.weight, self.bias, slope=LEAKY_SLOPE)


def _upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Double (K, C, h, w) bilinearly and cut it to `size`, which is (2h or 2h - 1, 2w or 2w - 1)."""
    doubled = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[:, :, : size[0], : size[1]]


class SumMerge(nn.Module):
    """Join the branches by the sum of their convolutions."""

    def __init__(
        self, skip_width: int, deep_width: int, outputs: int, kernel_size: int, *, generators: Generators
    ) -> None:
        super().__init__()
        self.skip = Convolution(skip_width, outputs, 1, bias=False, generators=generators)
        self.deep = Convolution(deep_width, outputs, kernel_size, bias=False, generators=generators)

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (K, skip_width, H, W) and (K, deep_width, ceil(H/2), ceil(W/2)) to (K, outputs, H, W)."""
        one_pixel = self.deep.kernel_size == 1
        raised = _upsample(self.deep(deep), size) if one_pixel else self.deep(_upsample(deep, size))
        return pointwise_onto(raised, skip, self.skip.weight.flatten(2))


class ConcatenationMerge(nn.Module):
    """Join the branches as published: up-sample, concatenate, normalise, convolve."""

    def __init__(
        self,
        skip_width: int,
        deep_width: int,
        outputs: int,
        kernel_size: int,
        *,
        bias: bool,
        generators: Generators,
    ) -> None:
        super().__init__()
        self.normalisation = Normalisation(skip_width + deep_width, len(generators))
        self.convolution = Convolution(skip_width + deep_width, outputs, kernel_size, bias=bias, generators=generators)

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (K, skip_width, H, W) and (K, deep_width, ceil(H/2), ceil(W/2)) to (K, outputs, H, W)."""
        joined = torch.cat([skip, _upsample(deep, size)], dim=1)
        merged: Tensor = self.convolution(self.normalisation(joined))
        return merged


class Hourglass(nn.Module):
    """Encoder and decoder over several scales, joined at each scale by a narrow skip branch."""

    def __init__(self, settings: HourglassSettings, inputs: int, outputs: int, *, generators: Generators) -> None:
        """Build the network with random weights.

        Args:
            settings: its shape.
            inputs: channels of the encoding.
            outputs: channels of the picture, 1 or 3.
            generators: a CPU generator a member, the only source of its weights.
        """
        super().__init__()
        self.skips = nn.ModuleList()
        self.encoders = nn.ModuleList()
        self.merges = nn.ModuleList()
        self.decoders = nn.ModuleList()
        channels = inputs
        deeper_widths = (*settings.widths[1:], settings.widths[-1])
        for width, skip_width, deeper in zip(settings.widths, settings.skip_widths, deeper_widths, strict=True):
            self.skips.append(_skip(settings, channels, skip_width, generators))
            self.encoders.append(_encoder(settings, channels, width, generators))
            self.merges.append(_merge(settings, skip_width, deeper, width, generators))
            self.decoders.append(_decoder(settings, width, generators))
            channels = width
        self.output = Convolution(settings.widths[0], outputs, 1, bias=True, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing."""
        sizes, skipped = [], []
        for skip, encoder in zip(self.skips, self.encoders, strict=True):
            sizes.append((maps.shape[-2], maps.shape[-1]))
            skipped.append(skip(maps))
            maps = encoder(maps)
        for merge, decoder in zip(reversed(self.merges), reversed(self.decoders), strict=True):
            maps = decoder(merge(skipped.pop(), maps, sizes.pop()))
        output: Tensor = self.output(maps)
        return output


class MeanPool(nn.Module):
    """Halve a map by the mean of each 2x2 block; an odd last row or column is averaged by itself."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, H, W) to (K, C, ceil(H/2), ceil(W/2))."""
        return F.avg_pool2d(maps, 2, ceil_mode=True)


def _skip(settings: HourglassSettings, inputs: int, width: int, generators: Generators) -> nn.Module:
    bias = settings.redundant_biases
    return nn.Sequential(
        Convolution(inputs, width, 1, bias=bias, generators=generators), Activation(width, len(generators))
    )


def _encoder(settings: HourglassSettings, inputs: int, width: int, generators: Generators) -> nn.Module:
    kernel, bias = settings.kernel_size, settings.redundant_biases
    pooled = settings.sampling is Sampling.MEAN
    return nn.Sequential(
        MeanPool() if pooled else nn.Identity(),
        Convolution(inputs, width, kernel, bias=bias, generators=generators, stride=1 if pooled else 2),
        Activation(width, len(generators)),
        Convolution(width, width, kernel, bias=bias, generators=generators),
        Activation(width, len(generators)),
    )


def _merge(
    settings: HourglassSettings, skip_width: int, deep_width: int, outputs: int, generators: Generators
) -> nn.Module:
    kernel = settings.kernel_size
    if settings.merge is Merge.SUM:
        return SumMerge(skip_width, deep_width, outputs, kernel, generators=generators)
    bias = settings.redundant_biases
    return ConcatenationMerge(skip_width, deep_width, outputs, kernel, bias=bias, generators=generators)


def _decoder(settings: HourglassSettings, width: int, generators: Generators) -> nn.Module:
    bias = settings.redundant_biases
    second = Convolution(width, width, 1, bias=bias, generators=generators)
    return nn.Sequential(Activation(width, len(generators)), second, Activation(width, len(generators)))
