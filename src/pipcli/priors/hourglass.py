"""The hourglass with skip connections that serves DIP (3x3 convolutions) and PIP (1x1 convolutions).

Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), supplementary material, `skip` network;
Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022), the same network with 1x1 kernels.

Maps keep the logical shape (N, C, H, W) and live in channels-last memory, in which a 1x1 convolution is one matrix
product over pixels. The arithmetic runs in the type of the input; weights stay float32 and are cast on use.

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

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.settings import HourglassSettings, Merge, Sampling

LEAKY_SLOPE = 0.2
NORM_EPSILON = 1e-5


def _uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> nn.Parameter:
    """Draw U(-1/sqrt(fan_in), 1/sqrt(fan_in)): what PyTorch's convolutions start from, hence the published networks."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


class Convolution(nn.Module):
    """A convolution whose output is the size of its input, by reflection at the edges, or half of it with stride 2."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, bias: bool, generator: torch.Generator, stride: int = 1
    ) -> None:
        super().__init__()
        fan_in = inputs * kernel_size**2
        self.kernel_size = kernel_size
        self.stride = stride
        self.weight = _uniform((outputs, inputs, kernel_size, kernel_size), fan_in, generator)
        self.bias = _uniform((outputs,), fan_in, generator) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        weight = self.weight.to(maps.dtype)
        bias = None if self.bias is None else self.bias.to(maps.dtype)
        if self.kernel_size == 1:
            pixels = maps[:, :, :: self.stride, :: self.stride].permute(0, 2, 3, 1)
            return F.linear(pixels, weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)
        margin = self.kernel_size // 2
        # Reflection needs a pixel to reflect: maps one pixel wide or high repeat it instead.
        mode = "reflect" if min(maps.shape[-2:]) > margin else "replicate"
        padded = F.pad(maps, (margin,) * 4, mode=mode)
        return F.conv2d(padded, weight.to(memory_format=torch.channels_last), bias, stride=self.stride)


class Normalisation(nn.Module):
    """Batch normalisation by the statistics of the current batch, in fitting and rendering alike.

    The published networks are never switched to evaluation, so running statistics would be state that nobody reads.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape with zero mean and unit variance in each channel, then scale and shift."""
        # torch.batch_norm rather than F.batch_norm, which refuses the single pixel that a tiny picture's deepest scale
        # has; its variance is zero and the epsilon keeps value and gradient finite.
        return torch.batch_norm(
            maps, self.weight, self.bias, None, None, True, 0.0, NORM_EPSILON, torch.backends.cudnn.enabled
        )


class Activation(nn.Module):
    """Normalisation, then leaky ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalisation = Normalisation(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return F.leaky_relu_(self.normalisation(maps), LEAKY_SLOPE)


def _upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Double (N, C, h, w) bilinearly and cut it to `size`, which is (2h or 2h - 1, 2w or 2w - 1)."""
    doubled = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[:, :, : size[0], : size[1]]


class SumMerge(nn.Module):
    """Join the branches by the sum of their convolutions."""

    def __init__(
        self, skip_width: int, deep_width: int, outputs: int, kernel_size: int, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.skip = Convolution(skip_width, outputs, 1, bias=False, generator=generator)
        self.deep = Convolution(deep_width, outputs, kernel_size, bias=False, generator=generator)

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (N, skip_width, H, W) and (N, deep_width, ceil(H/2), ceil(W/2)) to (N, outputs, H, W)."""
        pointwise = self.deep.kernel_size == 1
        raised: Tensor = _upsample(self.deep(deep), size) if pointwise else self.deep(_upsample(deep, size))
        merged: Tensor = raised + self.skip(skip)
        return merged


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
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.normalisation = Normalisation(skip_width + deep_width)
        self.convolution = Convolution(skip_width + deep_width, outputs, kernel_size, bias=bias, generator=generator)

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (N, skip_width, H, W) and (N, deep_width, ceil(H/2), ceil(W/2)) to (N, outputs, H, W)."""
        joined = torch.cat([skip, _upsample(deep, size)], dim=1)
        merged: Tensor = self.convolution(self.normalisation(joined))
        return merged


class Hourglass(nn.Module):
    """Encoder and decoder over several scales, joined at each scale by a narrow skip branch."""

    def __init__(self, settings: HourglassSettings, inputs: int, outputs: int, *, generator: torch.Generator) -> None:
        """Build the network with random weights.

        Args:
            settings: its shape.
            inputs: channels of the encoding.
            outputs: channels of the picture, 1 or 3.
            generator: a CPU generator, the only source of the weights.
        """
        super().__init__()
        self.skips = nn.ModuleList()
        self.encoders = nn.ModuleList()
        self.merges = nn.ModuleList()
        self.decoders = nn.ModuleList()
        channels = inputs
        deeper_widths = (*settings.widths[1:], settings.widths[-1])
        for width, skip_width, deeper in zip(settings.widths, settings.skip_widths, deeper_widths, strict=True):
            self.skips.append(_skip(settings, channels, skip_width, generator))
            self.encoders.append(_encoder(settings, channels, width, generator))
            self.merges.append(_merge(settings, skip_width, deeper, width, generator))
            self.decoders.append(_decoder(settings, width, generator))
            channels = width
        self.output = Convolution(settings.widths[0], outputs, 1, bias=True, generator=generator)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), before any squashing; H and W are at least 1."""
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
        """Map (N, C, H, W) to (N, C, ceil(H/2), ceil(W/2))."""
        return F.avg_pool2d(maps, 2, ceil_mode=True)


def _skip(settings: HourglassSettings, inputs: int, width: int, generator: torch.Generator) -> nn.Module:
    bias = settings.redundant_biases
    return nn.Sequential(Convolution(inputs, width, 1, bias=bias, generator=generator), Activation(width))


def _encoder(settings: HourglassSettings, inputs: int, width: int, generator: torch.Generator) -> nn.Module:
    kernel, bias = settings.kernel_size, settings.redundant_biases
    pooled = settings.sampling is Sampling.MEAN
    return nn.Sequential(
        MeanPool() if pooled else nn.Identity(),
        Convolution(inputs, width, kernel, bias=bias, generator=generator, stride=1 if pooled else 2),
        Activation(width),
        Convolution(width, width, kernel, bias=bias, generator=generator),
        Activation(width),
    )


def _merge(
    settings: HourglassSettings, skip_width: int, deep_width: int, outputs: int, generator: torch.Generator
) -> nn.Module:
    kernel = settings.kernel_size
    if settings.merge is Merge.SUM:
        return SumMerge(skip_width, deep_width, outputs, kernel, generator=generator)
    bias = settings.redundant_biases
    return ConcatenationMerge(skip_width, deep_width, outputs, kernel, bias=bias, generator=generator)


def _decoder(settings: HourglassSettings, width: int, generator: torch.Generator) -> nn.Module:
    bias = settings.redundant_biases
    second = Convolution(width, width, 1, bias=bias, generator=generator)
    return nn.Sequential(Activation(width), second, Activation(width))
