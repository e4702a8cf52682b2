"""Fused normalisation and leaky ReLU for GPUs: one Triton kernel forward, one backward.

After the products, a step of the hourglass is nearly all normalisation, and that is nearly all memory traffic: as
separate operations it reads and writes each map twice as often. A program takes one plane (one channel of one member):
it sums it up, and reads it again, by then from the cache, to write the result.

Importing this module needs Triton; `pipcli.priors.batched` asks `kernel_problem` whether that pays and works.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function

LARGEST_BLOCK = 4096
SMALLEST_BLOCK = 64


@triton.jit
def _normalise(maps, weight, bias, normalised, means, inverse_stds, pixels, slope, epsilon, BLOCK: tl.constexpr):
    plane = tl.program_id(0)
    start = plane.to(tl.int64) * pixels
    offsets = tl.arange(0, BLOCK)
    # Sums around a value of the plane itself: around zero, a large mean would swallow a small variance.
    pivot = tl.load(maps + start).to(tl.float32)
    sums = tl.zeros([BLOCK], tl.float32)
    squares = tl.zeros([BLOCK], tl.float32)
    for first in range(0, pixels, BLOCK):
        inside = first + offsets < pixels
        values = tl.load(maps + start + first + offsets, mask=inside, other=0.0).to(tl.float32) - pivot
        values = tl.where(inside, values, 0.0)
        sums += values
        squares += values * values
    shift = tl.sum(sums, 0) / pixels
    variance = tl.maximum(tl.sum(squares, 0) / pixels - shift * shift, 0.0)
    mean = pivot + shift
    inverse_std = 1.0 / tl.sqrt(variance + epsilon)
    tl.store(means + plane, mean)
    tl.store(inverse_stds + plane, inverse_std)
    scale = tl.load(weight + plane) * inverse_std
    offset = tl.load(bias + plane)
    for first in range(0, pixels, BLOCK):
        inside = first + offsets < pixels
        values = tl.load(maps + start + first + offsets, mask=inside, other=0.0).to(tl.float32)
        results = (values - mean) * scale + offset
        results = tl.where(results > 0, results, slope * results)
        tl.store(normalised + start + first + offsets, results.to(normalised.dtype.element_ty), mask=inside)


@triton.jit
def _differentiate(
    gradient, maps, weight, bias, means, inverse_stds, to_maps, to_weight, to_bias, pixels, slope, BLOCK: tl.constexpr
):
    plane = tl.program_id(0)
    start = plane.to(tl.int64) * pixels
    offsets = tl.arange(0, BLOCK)
    mean = tl.load(means + plane)
    inverse_std = tl.load(inverse_stds + plane)
    scale = tl.load(weight + plane)
    offset = tl.load(bias + plane)
    sums = tl.zeros([BLOCK], tl.float32)
    products = tl.zeros([BLOCK], tl.float32)
    for first in range(0, pixels, BLOCK):
        inside = first + offsets < pixels
        standard = (tl.load(maps + start + first + offsets, mask=inside, other=0.0).to(tl.float32) - mean) * inverse_std
        slopes = tl.where(standard * scale + offset > 0, 1.0, slope)
        inner = tl.load(gradient + start + first + offsets, mask=inside, other=0.0).to(tl.float32) * slopes
        sums += inner
        products += inner * standard
    to_offset = tl.sum(sums, 0)
    to_scale = tl.sum(products, 0)
    tl.store(to_bias + plane, to_offset)
    tl.store(to_weight + plane, to_scale)
    for first in range(0, pixels, BLOCK):
        inside = first + offsets < pixels
        standard = (tl.load(maps + start + first + offsets, mask=inside, other=0.0).to(tl.float32) - mean) * inverse_std
        slopes = tl.where(standard * scale + offset > 0, 1.0, slope)
        inner = tl.load(gradient + start + first + offsets, mask=inside, other=0.0).to(tl.float32) * slopes
        centred = inner - (to_offset + standard * to_scale) / pixels
        results = scale * inverse_std * centred
        tl.store(to_maps + start + first + offsets, results.to(to_maps.dtype.element_ty), mask=inside)


def _block(pixels: int) -> int:
    return int(min(max(triton.next_power_of_2(pixels), SMALLEST_BLOCK), LARGEST_BLOCK))


class _Normalise(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, slope: float, epsilon: float) -> Tensor:
        maps = maps.contiguous()
        planes, pixels = maps.shape[0] * maps.shape[1], maps.shape[2] * maps.shape[3]
        normalised = torch.empty_like(maps)
        means, inverse_stds = (torch.empty_like(weight) for _ in range(2))
        _normalise[(planes,)](
            maps, weight, bias, normalised, means, inverse_stds, pixels, slope, epsilon, BLOCK=_block(pixels)
        )
        ctx.slope = slope
        ctx.save_for_backward(maps, weight, bias, means, inverse_stds)
        return normalised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        maps, weight, bias, means, inverse_stds = ctx.saved_tensors
        planes, pixels = maps.shape[0] * maps.shape[1], maps.shape[2] * maps.shape[3]
        to_maps, to_weight, to_bias = torch.empty_like(maps), torch.empty_like(weight), torch.empty_like(bias)
        _differentiate[(planes,)](
            gradient.contiguous(),
            maps,
            weight,
            bias,
            means,
            inverse_stds,
            to_maps,
            to_weight,
            to_bias,
            pixels,
            ctx.slope,
            BLOCK=_block(pixels),
        )
        return to_maps, to_weight, to_bias, None, None


def normalise_planes(maps: Tensor, weight: Tensor, bias: Tensor, *, slope: float, epsilon: float) -> Tensor:
    """Normalise by the statistics of each member's channels, scale, shift, and apply a leaky ReLU.

    Args:
        maps: (K, C, H, W) planes.
        weight: (K, C) float32, the scale.
        bias: (K, C) float32, the shift.
        slope: of the leaky ReLU for negative values; 1 for none.
        epsilon: added to the variance.
    """
    # Weights are views of one vector; the kernels walk along them.
    normalised: Tensor = _Normalise.apply(  # type: ignore[no-untyped-call]
        maps, weight.contiguous(), bias.contiguous(), slope, epsilon
    )
    return normalised
