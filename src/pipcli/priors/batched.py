"""Batched operations of K networks of one shape, each with its own weights: products, normalisation, convolution.

Maps have the logical shape (K, C, H, W), or (K, C, T, H, W) where K members make T frames each; what is said here of
pixels holds for those of all frames. In memory they are either rows, a pixel's channels side by side (channels last),
which is what a CPU is fast with, or planes (contiguous), which a GPU takes as well; each operation answers in the
layout that it is given. The two layouts need different operations:

  * rows: a 1x1 convolution is a matrix product of pixels by channels. Where all members look at the same maps (the
    Fourier features), a product a member is made, since the batched one would copy the maps for each. Normalisation is
    one call a member, straight into its part of the result, since there is no operation for statistics of K maps in
    this layout.
  * planes: K members of C channels are one map of K C channels, which normalises in a single call, and on a GPU with
    Triton in the single kernel of `pipcli.priors.fused`. What all members look at takes one product of all weights.

The gradients of the rows are written out, so that they too land in one piece; a test holds both layouts against
float64.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

EPSILON = 1e-5
_log = logging.getLogger(__name__)
# A batched product that sums over many pixels takes up to twice the time of a product a member.
MANY_PIXELS = 4096


def channels_last(maps: Tensor) -> torch.memory_format:
    """Return the channels-last memory format for maps with so many axes."""
    return torch.channels_last if maps.ndim == 4 else torch.channels_last_3d


def in_rows(maps: Tensor) -> bool:
    """Return whether (K, C, ..., H, W) maps hold a pixel's channels side by side."""
    return maps.is_contiguous(memory_format=channels_last(maps))


def frames_of(maps: Tensor) -> Tensor:
    """View (K, C, T, H, W) maps as 4-D maps, one for each frame; pictures are returned unchanged.

    Rows give (K T, C, H, W), planes (K, C T, H, W).
    """
    if maps.ndim == 4:
        return maps
    return maps.transpose(1, 2).flatten(0, 1) if in_rows(maps) else maps.flatten(1, 2)


def from_frames(frames: Tensor, like: Tensor) -> Tensor:
    """Undo `frames_of`: view maps with the members, channels and frames of others."""
    if like.ndim == 4:
        return frames
    members, channels, count = like.shape[:3]
    size = frames.shape[-2:]
    if in_rows(like):
        return frames.view(members, count, channels, *size).transpose(1, 2)
    return frames.view(members, channels, count, *size)


def _rows(maps: Tensor) -> Tensor:
    """View (K, C, ..., H, W) maps as (K, pixels, C), copying them if they are not rows."""
    return maps.movedim(1, -1).flatten(1, -2)


def _maps(rows: Tensor, size: torch.Size) -> Tensor:
    """View (K, pixels, C) rows as (K, C, *size) maps."""
    return rows.view(len(rows), *size, rows.shape[-1]).movedim(-1, 1)


class _PointwiseRows(Function):
    """(K or 1, P, inputs) rows times (K, outputs, inputs) weights: (K, P, outputs)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor) -> Tensor:
        cast = weight.to(rows.dtype)
        ctx.save_for_backward(rows, cast)
        if len(rows) == len(weight):
            return torch.bmm(rows, cast.mT)
        products = rows.new_empty(len(weight), rows.shape[1], weight.shape[1])
        for member, product in zip(cast, products, strict=True):
            torch.mm(rows[0], member.T, out=product)
        return products

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        rows, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        shared = len(rows) != len(weight)
        if shared or rows.shape[1] >= MANY_PIXELS:
            own = rows.expand(len(weight), -1, -1)
            to_weight = torch.stack([torch.mm(part.T, maps) for part, maps in zip(gradient, own, strict=True)])
        else:
            to_weight = torch.bmm(gradient.mT, rows)
        to_rows = torch.bmm(gradient, weight) if ctx.needs_input_grad[0] else None
        if to_rows is not None and shared:
            to_rows = to_rows.sum(0, keepdim=True)
        return to_rows, to_weight.float()


def pointwise(maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve with kernels of one pixel.

    Args:
        maps: (K, inputs, ..., H, W), or (1, inputs, ..., H, W) that all members share.
        weight: (K, outputs, inputs) float32.
        bias: (K, outputs) float32.
    """
    if in_rows(maps):
        products: Tensor = _PointwiseRows.apply(_rows(maps), weight)  # type: ignore[no-untyped-call]
        biased = products if bias is None else products + bias.to(maps.dtype)[:, None, :]
        return _maps(biased, maps.shape[2:])
    cast, planes = weight.to(maps.dtype), maps.flatten(2)
    if len(maps) == len(weight):
        planes = torch.bmm(cast, planes)
    else:
        planes = torch.mm(cast.flatten(0, 1), planes[0]).view(*weight.shape[:2], -1)
    biased = planes if bias is None else planes + bias.to(maps.dtype)[:, :, None]
    return biased.view(*biased.shape[:2], *maps.shape[2:])


class _PointwiseRowsOnto(Function):
    """Adds (K, P, inputs) rows times (K, outputs, inputs) weights to (K, P, outputs) sums, in place."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
        cast = weight.to(rows.dtype)
        ctx.save_for_backward(rows, cast)
        # Not told to autograd, which would copy where the sums are a view: what made them keeps nothing of them.
        return sums.detach().baddbmm_(rows, cast.mT)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        to_weight = torch.stack([torch.mm(part.T, maps) for part, maps in zip(gradient, rows, strict=True)])
        return gradient, torch.bmm(gradient, weight), to_weight.float()


def pointwise_onto(sums: Tensor, maps: Tensor, weight: Tensor) -> Tensor:
    """Convolve with kernels of one pixel and add to maps in place, without a temporary map.

    Args:
        sums: (K, outputs, ..., H, W), which is changed, and which nothing needs for its gradient.
        maps: (K, inputs, ..., H, W).
        weight: (K, outputs, inputs) float32.
    """
    if in_rows(maps):
        rows = _rows(sums.contiguous(memory_format=channels_last(sums)))
        added: Tensor = _PointwiseRowsOnto.apply(rows, _rows(maps), weight)  # type: ignore[no-untyped-call]
        return _maps(added, maps.shape[2:])
    return torch.baddbmm(sums.flatten(2), weight.to(maps.dtype), maps.flatten(2)).view_as(sums)


def convolve(padded: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """Convolve without padding.

    Args:
        padded: (K, inputs, H, W) or (K, inputs, T, H, W), or those of one member that all share.
        weight: (K, outputs, inputs, k, k) or (K, outputs, inputs, k, k, k) float32.
        bias: (K, outputs) float32.
        stride: the same along both sides; frames are not left out.
    """
    cast = weight.to(padded.dtype)
    layout = channels_last(padded)
    biases = [None] * len(weight) if bias is None else bias.to(padded.dtype)
    # A call a member: grouped convolutions have slow gradients everywhere.
    return torch.cat(
        [
            F.conv2d(part, kernel.contiguous(memory_format=layout), own_bias, stride=stride)
            if part.ndim == 4
            else F.conv3d(part, kernel.contiguous(memory_format=layout), own_bias, stride=(1, stride, stride))
            for part, kernel, own_bias in zip(
                torch.split(padded.expand(len(weight), *padded.shape[1:]), 1), cast, biases, strict=True
            )
        ]
    )


def convolve_transposed(maps: Tensor, weight: Tensor, bias: Tensor, *, stride: int, padding: int) -> Tensor:
    """Transposed convolution, one call for each member.

    Args:
        maps: (K, inputs, H, W).
        weight: (K, inputs, outputs, k, k) float32.
        bias: (K, outputs) float32.
        stride: factor of enlargement.
        padding: rows and columns to leave out at each edge.
    """
    parts = zip(torch.split(maps, 1), weight.to(maps.dtype), bias.to(maps.dtype), strict=True)
    return torch.cat([F.conv_transpose2d(part, kernel, own, stride, padding) for part, kernel, own in parts])


class _NormaliseRows(Function):
    """Batch normalisation of each member and leaky ReLU; see `normalise`."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, slope: float) -> Tensor:
        normalised = torch.empty_like(maps)
        mean, inverse_std = torch.empty_like(weight), torch.empty_like(weight)
        for k in range(len(maps)):
            out = (normalised[k : k + 1], mean[k], inverse_std[k])
            torch.native_batch_norm(maps[k : k + 1], weight[k], bias[k], None, None, True, 0.0, EPSILON, out=out)
        if slope != 1:
            F.leaky_relu_(normalised, slope)
        ctx.slope = slope
        ctx.save_for_backward(maps, normalised, weight, mean, inverse_std)
        return normalised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        maps, normalised, weight, mean, inverse_std = ctx.saved_tensors

        def of_member(k: int) -> tuple[Tensor, Tensor, Tensor]:
            part = gradient[k : k + 1]
            if ctx.slope != 1:
                # The result has the sign of what went in, or is 0 with a slope of 0, which is all that is asked.
                part = torch.ops.aten.leaky_relu_backward(part, normalised[k : k + 1], ctx.slope, True)
            own = (maps[k : k + 1], weight[k], None, None, mean[k], inverse_std[k])
            results: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm_backward(
                part, *own, True, EPSILON, [True, True, True]
            )
            return results

        if len(maps) == 1:  # taken as they are: to put them in place would copy them
            to_maps, to_weight, to_bias = of_member(0)
            return to_maps, to_weight[None], to_bias[None], None
        joined, scales, shifts = torch.empty_like(maps), torch.empty_like(weight), torch.empty_like(weight)
        for k in range(len(maps)):
            joined[k : k + 1], scales[k], shifts[k] = of_member(k)
        return joined, scales, shifts, None


@cache
def kernel_problem(device: torch.device) -> str | None:
    """Return why the kernels of `pipcli.priors.fused` are not used on a device; None if they are."""
    if device.type != "cuda":
        return "they are for CUDA devices"
    try:
        normalise_planes = _fused_normalise()
        maps = torch.ones(1, 1, 2, 2, dtype=torch.bfloat16, device=device, requires_grad=True)
        one = torch.ones(1, 1, device=device)
        normalise_planes(maps, one, one, slope=1.0, epsilon=EPSILON).sum().backward()  # type: ignore[no-untyped-call]
    except ImportError:
        return "Triton is not installed"
    except Exception as error:  # Triton compiles for this device, with whatever it finds: anything can be amiss
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        _log.warning("Triton's kernels do not work here and torch's own operations are used: %s", reason)
        return reason
    return None


def _fused_normalise() -> Callable[..., Tensor]:
    from pipcli.priors.fused import normalise_planes  # Triton is slow to import, and not everywhere

    return normalise_planes


def _in_frames(numbers: Tensor, maps: Tensor) -> Tensor:
    """Return (K, C, T) numbers of a channel in a frame as those of the channels of `frames_of` (K, C, T, H, W) maps."""
    return (numbers.transpose(1, 2).flatten(0, 1) if in_rows(maps) else numbers.flatten(1, 2)).contiguous()


def normalise(maps: Tensor, weight: Tensor, bias: Tensor, *, slope: float) -> Tensor:
    """Normalise by the statistics of each member's channels, scale, shift, and apply a leaky ReLU.

    Args:
        maps: (K, C, H, W) or (K, C, T, H, W).
        weight: (K, C) float32, the scale; or (K, C, T), for frames that have statistics of their own, so that each is
            the same whichever others there are.
        bias: the shift, of the same shape.
        slope: of the leaky ReLU for negative values, not negative; 1 for none.
    """
    if weight.ndim == 3:
        return from_frames(
            normalise(frames_of(maps), _in_frames(weight, maps), _in_frames(bias, maps), slope=slope), maps
        )
    if maps.ndim == 5:
        return normalise(maps.flatten(2, 3), weight, bias, slope=slope).view_as(maps)
    if in_rows(maps):
        normalised: Tensor = _NormaliseRows.apply(maps, weight, bias, slope)  # type: ignore[no-untyped-call]
        return normalised
    if kernel_problem(maps.device) is None:
        return _fused_normalise()(maps, weight, bias, slope=slope, epsilon=EPSILON)
    # torch.batch_norm rather than F.batch_norm, which refuses the single pixel that a tiny picture's deepest scale has;
    # its variance is zero and the epsilon keeps value and gradient finite.
    planes = torch.batch_norm(
        maps.flatten(0, 1)[None],
        weight.flatten(),
        bias.flatten(),
        None,
        None,
        True,
        0.0,
        EPSILON,
        torch.backends.cudnn.enabled,
    )
    activated = planes if slope == 1 else F.leaky_relu_(planes, slope)
    return activated.view_as(maps)
