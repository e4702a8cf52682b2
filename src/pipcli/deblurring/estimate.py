"""Blind estimation of a blur kernel from one picture: several coarse-to-fine estimates, of which the best is chosen.

At the coarsest scale a blur is a few pixels long and easy to estimate; each finer scale starts with the kernel of the
one before. The estimate alternates between a sharp picture with sparse gradients, given the kernel, and the kernel,
given the gradients of that picture. Source: Cho and Lee, "Fast motion deblurring" (SIGGRAPH Asia 2009); see
`sharpening`.

The tries are compared by the evidence of the observation (`evidence`): it is highest under the right kernel, and lower
under one that its window truncates or that is too small. The chosen kernel is then refined by the same evidence, and
once more against the picture that was restored with it (`refit_kernel`).
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.deblurring.evidence import more_probable, surprise
from pipcli.deblurring.kernels import centred, delta, fitted, resized, trimmed, without_specks
from pipcli.deblurring.sharpening import Sharpening, gradients
from pipcli.settings import KernelSettings, KernelTry
from pipcli.watch import UNWATCHED, Watch

# From one scale to the next, along each axis.
FINER = math.sqrt(2)
SMALLEST_KERNEL = 3
# The picture has to be this many times as large as the kernel's window.
PICTURE_PER_KERNEL = 3
# A kernel with this share of its sum in one pixel is no blur.
SHARP_SHARE = 0.85


class KernelOutcome(StrEnum):
    """The outcome of an estimate."""

    FOUND = "found"
    SHARP = "sharp"  # no try found a blur
    TOO_SMALL = "too-small"  # the picture, to tell anything


@dataclass(frozen=True)
class KernelEstimate:
    """An estimated kernel.

    Attributes:
        kernel: (kh, kw) float32 on the simplex, kh and kw odd, its centre of gravity at its middle pixel; a single
            pixel unless the outcome is `FOUND`.
        outcome: what became of it.
        surprise: of the observation, in units of half a nat a gradient, given the kernel; lower is better.
        sharp_surprise: the same for no blur.
    """

    kernel: Tensor
    outcome: KernelOutcome
    surprise: float
    sharp_surprise: float


@torch.no_grad()
def estimate_kernel(
    observation: Tensor,
    settings: KernelSettings,
    size: int | None,
    noise_std: float,
    watch: Watch = UNWATCHED,
) -> KernelEstimate:
    """Estimate the kernel that a picture was blurred with.

    Args:
        observation: (1, C, H, W) float32 in [0, 1], on the CPU; any C, H and W.
        settings: the tries.
        size: of the kernel's window, odd, in pixels; None tries several.
        noise_std: standard deviation of the picture's white noise, in [0, 1] units.
        watch: asked between two tries whether to do with those that there are.

    The same picture gives the same kernel: nothing is drawn.
    """
    plane = _busiest(observation.float().mean((0, 1)), settings.side)
    largest = min(plane.shape) // PICTURE_PER_KERNEL
    sizes = [tried for tried in (settings.sizes if size is None else (size,)) if tried <= largest]
    if not sizes and largest >= SMALLEST_KERNEL:
        sizes = [largest - 1 + largest % 2]
    std = max(noise_std, settings.least_std)
    if not sizes:
        return KernelEstimate(delta(1, 1), KernelOutcome.TOO_SMALL, math.nan, math.nan)
    sharp = KernelEstimate(delta(1, 1), KernelOutcome.SHARP, *[surprise(plane, delta(1, 1), std)] * 2)
    best = sharp
    for tried in sizes:
        for way in settings.tries:
            if best is not sharp and watch.must_end():
                return best
            kernel = trimmed(_coarse_to_fine(plane, tried, way, settings))
            if float(kernel.max()) > SHARP_SHARE:
                continue
            value = surprise(plane, kernel, std)
            if best is sharp or value < best.surprise:
                best = KernelEstimate(kernel, KernelOutcome.FOUND, value, sharp.surprise)
    return best if best is sharp or watch.must_end() else _polished(best, plane, std, settings)


def _polished(estimate: KernelEstimate, plane: Tensor, std: float, settings: KernelSettings) -> KernelEstimate:
    """Return a refined estimate, slightly larger if that helps, with at least the evidence of the given one."""
    rows, columns = estimate.kernel.shape
    growth = min(settings.growth, (min(plane.shape) - 2 - max(rows, columns)) // 2)
    kernel = F.pad(estimate.kernel, (growth,) * 4)
    kernel = more_probable(plane, kernel, std, settings.polish_rounds, settings.steps)
    kernel = trimmed(centred(without_specks(kernel, settings.least_polished_part)))
    value = surprise(plane, kernel, std)
    return replace(estimate, kernel=kernel, surprise=value) if value < estimate.surprise else estimate


@torch.no_grad()
def refit_kernel(kernel: Tensor, picture: Tensor, observation: Tensor, settings: KernelSettings) -> Tensor:
    """Refit the kernel to the observation, given a picture that was restored with a nearby kernel.

    Args:
        kernel: (kh, kw), kh and kw odd.
        picture: (1, C, h + kh - 1, w + kw - 1) float32 in [0, 1], on the CPU.
        observation: (1, C, h, w) float32 in [0, 1], on the CPU.
        settings: of the estimate.
    """
    sharp, observed = (gradients(image.float().mean((0, 1))) for image in (picture, observation))
    ridge = settings.refit_ridge * observed[0].numel()
    kernel = fitted(kernel, sharp, observed, ridge, settings.refit_steps)
    return trimmed(centred(without_specks(kernel, settings.least_polished_part)))


def _coarse_to_fine(plane: Tensor, size: int, way: KernelTry, settings: KernelSettings) -> Tensor:
    """Return the (size, size) kernel of a (h, w) observation."""
    scales = math.ceil(math.log(size / SMALLEST_KERNEL, FINER)) if size > SMALLEST_KERNEL else 0
    kernel = torch.tensor([[0.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 0.0]])
    sparsity = way.sparsity
    for scale in range(scales, -1, -1):
        share = FINER**-scale
        length = max(SMALLEST_KERNEL, size if scale == 0 else round(size * share) // 2 * 2 + 1)
        kernel = resized(kernel, length, length)
        observed = _shrunk(plane, share)
        reach = length // 2
        sharpening = Sharpening(observed, 2 * length)
        slopes = gradients(observed)[:, reach:-reach, reach:-reach]
        for _ in range(settings.rounds):
            picture = sharpening.sharpened(kernel, sparsity)
            kernel = fitted(kernel, gradients(picture), slopes, way.ridge * plane.numel(), settings.steps)
            kernel = without_specks(kernel, way.least_part)
            sparsity = max(sparsity * settings.sparsity_decay, settings.least_sparsity)
        kernel = centred(kernel)
    return kernel


def _shrunk(plane: Tensor, share: float) -> Tensor:
    """Return a (h, w) plane scaled by a factor along each axis."""
    if share == 1:
        return plane
    size = (round(plane.shape[0] * share), round(plane.shape[1] * share))
    return F.interpolate(plane[None, None], size, mode="bicubic", antialias=True, align_corners=False)[0, 0]


def _busiest(plane: Tensor, side: int) -> Tensor:
    """Return the part of a (H, W) plane, at most `side` along each axis, with the most edges."""
    height, width = min(side, plane.shape[0]), min(side, plane.shape[1])
    if (height, width) == plane.shape:
        return plane
    edges = F.pad(gradients(plane).abs().sum(0), (0, 1, 0, 1))
    sums = F.pad(edges.double().cumsum(0).cumsum(1), (1, 0, 1, 0))
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    place = int(inside.argmax())
    top, left = place // inside.shape[1], place % inside.shape[1]
    return plane[top : top + height, left : left + width]
