"""Layers shared by the networks, each of K members with their own weights.

The first dimension of every parameter is the member. Maps have the logical shape (K, C, H, W) or, for blocks of T
frames, (K, C, T, H, W); statistics are computed for each member. Convolutions extend in time as in space; all other
layers treat each frame as a picture. The operations are those of `pipcli.priors.batched`. The arithmetic runs in the
type of the input; weights stay float32 and are cast on use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.batched import convolve, convolve_transposed, frames_of, from_frames, normalise, pointwise
from pipcli.settings import Upsampling

LEAKY_SLOPE = 0.2

Generators = Sequence[torch.Generator]


def uniform(shape: tuple[int, ...], bound: float, generators: Generators) -> nn.Parameter:
    """Draw (K, *shape) numbers in [-bound, bound], each member's by its own generator."""
    members = [torch.empty(shape).uniform_(-bound, bound, generator=generator) for generator in generators]
    return nn.Parameter(torch.stack(members))


def temporal_basis(frames: int, shortest: float) -> Tensor:
    """Return the DCT basis over the frames, (G, frames), scaled to a mean square of 1.

    Args:
        frames: of the block.
        shortest: period of the quickest, in frames; 2 gives all `frames` - 1 that there are.
    """
    centres = (torch.arange(frames) + 0.5) / frames
    waves = torch.arange(1, min(math.floor(2 * frames / shortest + 1e-6), frames - 1) + 1)
    return math.sqrt(2) * (math.pi * waves[:, None] * centres).cos()


@dataclass(frozen=True)
class Block:
    """Settings of layers for blocks of frames: kernels that extend in space also extend in time.

    Attributes:
        temporal_basis: (G, T) functions of time that normalisations follow; None for normalisation of a whole block.
    """

    temporal_basis: Tensor | None = None


class Convolution(nn.Module):
    """A convolution whose output is the size of its input, or half of it with stride 2.

    Beyond the edges it sees the map reflected, or zeros. It begins with weights in [-bound, bound], by default
    1 / sqrt(fan in): what PyTorch's convolutions start from, hence the published networks. Stride is of the two sides.
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
        block: Block | None = None,
    ) -> None:
        super().__init__()
        axes = 2 if block is None else 3
        usual_bound = 1 / math.sqrt(inputs * kernel_size**axes)
        self.kernel_size = kernel_size
        self.stride = stride
        self.zero_padding = zero_padding
        shape = (outputs, inputs, *[kernel_size] * axes)
        self.weight = uniform(shape, usual_bound if bound is None else bound, generators)
        self.bias = uniform((outputs,), usual_bound, generators) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, ceil(H / stride), ceil(W / stride)).

        Kernels of one pixel, and those of three axes, map (K, inputs, T, H, W) likewise.
        """
        if self.kernel_size == 1:
            weight = self.weight.flatten(2)
            return pointwise(maps[..., :: self.stride, :: self.stride], weight, self.bias)
        margin = self.kernel_size // 2
        # Reflection needs a pixel to reflect: maps one pixel wide or high, or of one frame, repeat it instead.
        mode = "reflect" if min(maps.shape[2:]) > margin else "replicate"
        padded = F.pad(maps, (margin,) * 2 * (maps.ndim - 2), mode="constant" if self.zero_padding else mode)
        return convolve(padded, self.weight, self.bias, self.stride)


class Normalisation(nn.Module):
    """Batch normalisation by the statistics of the current picture or block, in fitting and rendering alike.

    The published networks are never switched to evaluation, so running statistics would be state that nobody reads.

    With a temporal basis each frame of a block has its own statistics, and scale and shift are functions of time. That
    is how a network of 1x1 convolutions depends on time: as an input, time would be removed by the first normalisation
    of a frame, and with statistics of the block a frame would depend on the other frames.
    """

    weight: Tensor
    bias: Tensor
    temporal_basis: Tensor | None
    slope = 1.0

    def __init__(self, channels: int, members: int, *, learned: bool = True, block: Block | None = None) -> None:
        """Normalise some channels of some members, then scale and shift by learned numbers or not at all.

        Args:
            channels: of the maps.
            members: how many there are.
            learned: whether scale and shift are learned.
            block: where maps are blocks of frames.
        """
        super().__init__()
        temporal_basis = None if block is None else block.temporal_basis
        self.register_buffer("temporal_basis", temporal_basis, persistent=False)
        if temporal_basis is not None:
            self.weight_courses = nn.Parameter(torch.zeros(members, channels, len(temporal_basis)))
            self.bias_courses = nn.Parameter(torch.zeros(members, channels, len(temporal_basis)))
        for name, value in (("weight", torch.ones(members, channels)), ("bias", torch.zeros(members, channels))):
            if learned:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, ..., H, W) to zero mean and unit variance in each member's channels, then scale and shift."""
        if self.temporal_basis is None:
            return normalise(maps, self.weight, self.bias, slope=self.slope)
        weight = self.weight[:, :, None] + self.weight_courses @ self.temporal_basis
        bias = self.bias[:, :, None] + self.bias_courses @ self.temporal_basis
        return normalise(maps, weight, bias, slope=self.slope)


class Activation(Normalisation):
    """Normalisation, then leaky ReLU."""

    slope = LEAKY_SLOPE


class MeanPool(nn.Module):
    """Halve a map by the mean of each 2x2 block; an odd last row or column is averaged by itself."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, C, ..., H, W) to (K, C, ..., ceil(H/2), ceil(W/2))."""
        return from_frames(F.avg_pool2d(frames_of(maps), 2, ceil_mode=True), maps)


def doubled(maps: Tensor, size: tuple[int, int], upsampling: Upsampling = Upsampling.BILINEAR) -> Tensor:
    """Double (K, C, ..., h, w), bilinearly or to the nearest, and cut it to `size`.

    `size` is (2h or 2h - 1, 2w or 2w - 1).

    To cut at the far edge keeps the scales aligned; the published networks cut around the centre.
    """
    frames = frames_of(maps)
    if upsampling is Upsampling.NEAREST:
        whole = F.interpolate(frames, scale_factor=2, mode="nearest")
    else:
        whole = F.interpolate(frames, scale_factor=2, mode="bilinear", align_corners=False)
    return from_frames(whole[:, :, : size[0], : size[1]], maps)


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
