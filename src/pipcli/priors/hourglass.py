"""The hourglass with skip connections that serves DIP (3x3 convolutions) and PIP (1x1 convolutions).

Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), supplementary material, `skip` network;
Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022), the same network with 1x1 kernels.

One module holds K networks of the same shape, the members, and makes a step of all of them at once: the small scales,
where a product takes less time than calling for it, then cost little more for eight members than for one.

Departures from the published network, each chosen by a row of the preset table:
  * `Sampling.MEAN` halves a map by 2x2 means. The published stride-2 convolutions take the top-left pixel of each
    block, which aliases and shifts scale L by (2^L - 1) / 2 pixels against its skip branch.
  * `Merge.SUM` adds the two branches after a convolution each, the deeper one before it is up-sampled when the kernel
    is 1x1 (convolution and bilinear up-sampling commute there, so a quarter of the products suffices), and does without
    the normalisation of the concatenated maps.
  * Odd sizes are up-sampled by exactly two and cut at the far edge, which keeps the scales aligned; the published code
    cuts both branches around their centres.
"""

import torch
from torch import Tensor, nn

from pipcli.priors.batched import pointwise_onto
from pipcli.priors.layers import Activation, Block, Convolution, Generators, MeanPool, Normalisation, doubled
from pipcli.settings import HourglassSettings, Merge, Sampling, Upsampling


class SumMerge(nn.Module):
    """Join the branches by the sum of their convolutions."""

    def __init__(
        self,
        skip_width: int,
        deep_width: int,
        outputs: int,
        kernel_size: int,
        *,
        generators: Generators,
        upsampling: Upsampling = Upsampling.BILINEAR,
        block: Block | None = None,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        self.skip = Convolution(skip_width, outputs, 1, bias=False, generators=generators)
        self.deep = Convolution(deep_width, outputs, kernel_size, bias=False, generators=generators, block=block)

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (K, skip_width, ..., H, W) and (K, deep_width, ..., ceil(H/2), ceil(W/2)) to (K, outputs, ..., H, W)."""
        if self.deep.kernel_size == 1:
            raised = doubled(self.deep(deep), size, self.upsampling)
        else:
            raised = self.deep(doubled(deep, size, self.upsampling))
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
        upsampling: Upsampling = Upsampling.BILINEAR,
        block: Block | None = None,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        self.normalisation = Normalisation(skip_width + deep_width, len(generators), block=block)
        self.convolution = Convolution(
            skip_width + deep_width, outputs, kernel_size, bias=bias, generators=generators, block=block
        )

    def forward(self, skip: Tensor, deep: Tensor, size: tuple[int, int]) -> Tensor:
        """Join (K, skip_width, H, W) and (K, deep_width, ceil(H/2), ceil(W/2)) to (K, outputs, H, W)."""
        joined = torch.cat([skip, doubled(deep, size, self.upsampling)], dim=1)
        merged: Tensor = self.convolution(self.normalisation(joined))
        return merged


class Hourglass(nn.Module):
    """Encoder and decoder over several scales, joined at each scale by a narrow skip branch."""

    def __init__(
        self,
        settings: HourglassSettings,
        inputs: int,
        outputs: int,
        *,
        generators: Generators,
        block: Block | None = None,
    ) -> None:
        """Build the network with random weights.

        Args:
            settings: its shape.
            inputs: channels of the encoding.
            outputs: channels of the picture, 1 or 3.
            generators: a CPU generator a member, the only source of its weights.
            block: where its maps are blocks of frames.
        """
        super().__init__()
        self.skips = nn.ModuleList()
        self.encoders = nn.ModuleList()
        self.merges = nn.ModuleList()
        self.decoders = nn.ModuleList()
        channels = inputs
        deeper_widths = (*settings.widths[1:], settings.widths[-1])
        for width, skip_width, deeper in zip(settings.widths, settings.skip_widths, deeper_widths, strict=True):
            self.skips.append(_skip(settings, channels, skip_width, generators, block))
            self.encoders.append(_encoder(settings, channels, width, generators, block))
            self.merges.append(_merge(settings, skip_width, deeper, width, generators, block))
            self.decoders.append(_decoder(settings, width, generators, block))
            channels = width
        self.output = Convolution(settings.widths[0], outputs, 1, bias=True, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing.

        Of blocks of frames, (K, inputs, T, H, W) to (K, outputs, T, H, W).
        """
        sizes, skipped = [], []
        for skip, encoder in zip(self.skips, self.encoders, strict=True):
            sizes.append((maps.shape[-2], maps.shape[-1]))
            skipped.append(skip(maps))
            maps = encoder(maps)
        for merge, decoder in zip(reversed(self.merges), reversed(self.decoders), strict=True):
            maps = decoder(merge(skipped.pop(), maps, sizes.pop()))
        output: Tensor = self.output(maps)
        return output


def _skip(
    settings: HourglassSettings, inputs: int, width: int, generators: Generators, block: Block | None
) -> nn.Module:
    bias = settings.redundant_biases
    return nn.Sequential(
        Convolution(inputs, width, 1, bias=bias, generators=generators), Activation(width, len(generators), block=block)
    )


def _encoder(
    settings: HourglassSettings, inputs: int, width: int, generators: Generators, block: Block | None
) -> nn.Module:
    kernel, bias = settings.kernel_size, settings.redundant_biases
    pooled = settings.sampling is Sampling.MEAN
    return nn.Sequential(
        MeanPool() if pooled else nn.Identity(),
        Convolution(inputs, width, kernel, bias=bias, generators=generators, stride=1 if pooled else 2, block=block),
        Activation(width, len(generators), block=block),
        Convolution(width, width, kernel, bias=bias, generators=generators, block=block),
        Activation(width, len(generators), block=block),
    )


def _merge(
    settings: HourglassSettings,
    skip_width: int,
    deep_width: int,
    outputs: int,
    generators: Generators,
    block: Block | None,
) -> nn.Module:
    widths, upsampling = (skip_width, deep_width, outputs, settings.kernel_size), settings.upsampling
    if settings.merge is Merge.SUM:
        return SumMerge(*widths, generators=generators, upsampling=upsampling, block=block)
    bias = settings.redundant_biases
    return ConcatenationMerge(*widths, bias=bias, generators=generators, upsampling=upsampling, block=block)


def _decoder(settings: HourglassSettings, width: int, generators: Generators, block: Block | None) -> nn.Module:
    bias = settings.redundant_biases
    second = Convolution(width, width, 1, bias=bias, generators=generators)
    return nn.Sequential(
        Activation(width, len(generators), block=block), second, Activation(width, len(generators), block=block)
    )
