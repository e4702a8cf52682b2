"""Layers that several networks are made of, each of K members with their own weights.

Every parameter leads with the member, maps have the logical shape (K, C, H, W), and statistics are a member's own. The
operations are those of `pipcli.priors.batched`. The arithmetic runs in the type of the input; weights stay float32 and
are cast on use.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.batched import convolve, convolve_transposed, normalise, pointwise
from pipcli.settings import Raising

LEAKY_SLOPE = 0.2

Generators = Sequence[torch.Generator]


def uniform(shape: tuple[int, ...], bound: float, generators: Generators) -> nn.Parameter:
    """Draw (K, *shape) numbers in [-bound, bound], each member's by its own generator."""
    members = [torch.empty(shape).uniform_(-bound, bound, generator=generator) for generator in generators]
    return nn.Parameter(torch.stack(members))


class Convolution(nn.Module):
    """A convolution whose output is the size of its input, or half of it with stride 2.

    Beyond the edges it sees the map reflected, or zeros. It begins with weights in [-bound, bound], by default
    1 / sqrt(fan in): what PyTorch's convolutions start from, hence the published networks.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        *,
        bias: bool,
        generators: Generators,
        stride: int = 1,
        zero_padding: bool = False,
        bound: float | None = None,
    ) -> None:
        super().__init__()
        usual_bound = 1 / math.sqrt(inputs * kernel_size**2)
        self.kernel_size = kernel_size
        self.stride = stride
        self.zero_padding = zero_padding
        shape = (outputs, inputs, kernel_size, kernel_size)
        self.weight = uniform(shape, usual_bound if bound is None else bound, generators)
        self.bias = uniform((outputs,), usual_bound, generators) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, ceil(H / stride), ceil(W / stride))."""
        if self.kernel_size == 1:
            weight = self.weight.flatten(2)
            return pointwise(maps[:, :, :: self.stride, :: self.stride], weight, self.bias)
        margin = self.kernel_size // 2
        # Reflection needs a pixel to reflect: maps one pixel wide or high repeat it instead.
        mode = "reflect" if min(maps.shape[-2:]) > margin else "replicate"
        padded = F.pad(maps, (margin,) * 4, mode="constant" if self.zero_padding else mode)
        return convolve(padded, self.weight, self.bias, self.stride)


class Normalisation(nn.Module):
    """Batch normalisation by the statistics of the current picture, in fitting and rendering alike.

    The published networks are never switched to evaluation, so running statistics would be state that nobody reads.
    """

    weight: Tensor
    bias: Tensor
    slope = 1.0

    def __init__(self, channels: int, members: int, *, learned: bool = True) -> None:
        """Normalise some channels of some members, then scale and shift by learned numbers or not at all."""
        super().__init__()
        for name, value in (("weight", torch.ones(members, channels)), ("bias", torch.zeros(members, channels))):
            if learned:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, H, W) to zero mean and unit variance in each member's channels, then scale and shift."""
        return normalise(maps, self.weight, self.bias, slope=self.slope)


class Activation(Normalisation):
    """Normalisation, then leaky ReLU."""

    slope = LEAKY_SLOPE


class MeanPool(nn.Module):
    """Halve a map by the mean of each 2x2 block; an odd last row or column is averaged by itself."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, H, W) to (K, C, ceil(H/2), ceil(W/2))."""
        return F.avg_pool2d(maps, 2, ceil_mode=True)


def doubled(maps: Tensor, size: tuple[int, int], raising: Raising = Raising.BILINEAR) -> Tensor:
    """Double (K, C, h, w), bilinearly or to the nearest, and cut it to `size`, which is (2h or 2h - 1, 2w or 2w - 1).

    To cut at the far edge keeps the scales aligned; the published networks cut around the centre.
    """
    if raising is Raising.NEAREST:
        whole = F.interpolate(maps, scale_factor=2, mode="nearest")
    else:
        whole = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    return whole[:, :, : size[0], : size[1]]


class LearnedDoubling(nn.Module):
    """Double a map by a transposed convolution of 4x4."""

    KERNEL_SIZE = 4

    def __init__(self, inputs: int, outputs: int, *, generators: Generators) -> None:
        super().__init__()
        bound = 1 / math.sqrt(outputs * self.KERNEL_SIZE**2)  # sic: PyTorch counts the outputs
        self.weight = uniform((inputs, outputs, self.KERNEL_SIZE, self.KERNEL_SIZE), bound, generators)
        self.bias = uniform((outputs,), bound, generators)

    def forward(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (K, inputs, h, w) to (K, outputs, *size), which is twice as high and wide or one less."""
        whole = convolve_transposed(maps, self.weight, self.bias, stride=2, padding=1)
        return whole[:, :, : size[0], : size[1]]
