"""Blur kernels: (kh, kw) non-negative weights with sum one, centred at the pixel (kh // 2, kw // 2)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.linear.convolution import Convolution

# Steps of the power method, and how much more than its estimate the largest eigenvalue may be.
POWER_STEPS, SAFETY = 6, 1.1


def on_simplex(weights: Tensor) -> Tensor:
    """Project weights onto the simplex: non-negative, with sum one.

    Source: Duchi et al., "Efficient projections onto the l1-ball for learning in high dimensions" (ICML 2008).
    """
    falling = weights.flatten().sort(descending=True).values
    levels = (falling.cumsum(0) - 1) / torch.arange(1, len(falling) + 1)
    return (weights - levels[(falling > levels).sum() - 1]).clamp(min=0)


def delta(rows: int, columns: int) -> Tensor:
    """Return the delta kernel."""
    kernel = torch.zeros(rows, columns)
    kernel[rows // 2, columns // 2] = 1
    return kernel


def fitted(kernel: Tensor, sharp: Tensor, observed: Tensor, ridge: float, steps: int) -> Tensor:
    """Return the least-squares kernel on the simplex, given a picture and an observation.

    It minimises |k * sharp - observed|^2 + ridge |k|^2 by accelerated projected gradients: Beck and Teboulle, "A fast
    iterative shrinkage-thresholding algorithm for linear inverse problems" (SIAM Journal on Imaging Sciences 2, 2009).

    Args:
        kernel: (kh, kw), where to start from.
        sharp: (2, h + kh - 1, w + kw - 1), gradients of the picture.
        observed: (2, h, w), gradients of the observation.
        ridge: weight of the squares of the kernel.
        steps: how many.
    """
    rows, columns = kernel.shape
    convolution = Convolution((observed.shape[-2], observed.shape[-1]), (rows, columns))
    planes = convolution.spectrum(sharp)
    target = convolution.adjoint_for_kernel(planes, observed)

    def normal(weights: Tensor) -> Tensor:
        results = convolution.product(planes, convolution.spectrum(weights))
        return convolution.adjoint_for_kernel(planes, results) + ridge * weights

    # Its start is no symmetric one, to which an eigenvector could be orthogonal.
    direction, largest = torch.linspace(0.5, 1.5, kernel.numel()).view(rows, columns), 0.0
    for _ in range(POWER_STEPS):
        direction = normal(direction / direction.norm())
        largest = max(largest, float(direction.norm()))
    length = 1 / max(SAFETY * largest, 1e-12)
    ahead, momentum = kernel, 1.0
    for _ in range(steps):
        moved = on_simplex(ahead - length * (normal(ahead) - target))
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - kernel)
        kernel, momentum = moved, following
    return kernel


def without_specks(kernel: Tensor, least: float) -> Tensor:
    """Return a kernel without weights below a share of its largest, and without parts below that share of its sum.

    A part is what holds together by neighbours, the diagonal ones too.
    """
    kept = kernel.where(kernel >= least * kernel.max(), 0)
    parts = _parts(kept > 0)
    sums = torch.zeros(int(parts.max()) + 1).index_add(0, parts.flatten(), kept.flatten())
    kept = kept.where(sums[parts] >= least * kept.sum(), 0)
    return kept / kept.sum()


def _parts(mask: Tensor) -> Tensor:
    """Label the connected components of a (h, w) mask from 1; 0 outside."""
    numbers = torch.arange(1.0, mask.numel() + 1).view(mask.shape) * mask
    while True:
        spread = F.max_pool2d(numbers[None], 3, stride=1, padding=1)[0] * mask
        if bool((spread == numbers).all()):
            return numbers.long()
        numbers = spread


def centred(kernel: Tensor) -> Tensor:
    """Return a kernel moved by whole pixels, so that its centre of gravity is the centre; what leaves is lost."""
    moves = []
    for axis, length in enumerate(kernel.shape):
        gravity = float((kernel.sum(1 - axis) * torch.arange(length)).sum() / kernel.sum())
        moves.append(length // 2 - math.floor(gravity + 0.5))
    down, right = moves
    rows, columns = kernel.shape
    inside = kernel[max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)]
    moved = F.pad(inside, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    return moved / moved.sum()


def resized(kernel: Tensor, rows: int, columns: int) -> Tensor:
    """Return a kernel on a finer or coarser grid."""
    scaled = F.interpolate(kernel[None, None], (rows, columns), mode="bicubic", align_corners=False)[0, 0].clamp(min=0)
    return scaled / scaled.sum()


def trimmed(kernel: Tensor) -> Tensor:
    """Crop a kernel around its centre to the smallest odd size that holds all non-zero weights."""
    for axis, length in enumerate(kernel.shape):
        places = kernel.sum(1 - axis).nonzero().flatten() - length // 2
        reach = int(places.abs().max())
        middle = length // 2
        reach = min(reach, middle, length - 1 - middle) if length % 2 == 0 else reach
        kernel = kernel.narrow(axis, middle - reach, 2 * reach + 1)
    return kernel
