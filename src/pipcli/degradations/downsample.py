"""Down-sampling by any factor with an anti-aliasing kernel that is stretched by the factor.

The centre of output pixel i lies at (i + 0.5) * scale - 0.5 in input pixels. Weights that fall outside of the picture
are left out and the rest scaled to sum to one, as in Pillow's reducing `resize`, which made the small pictures of the
published results. Lanczos: the sinc function windowed by its central lobe stretched three times (Duchon, Journal of
Applied Meteorology 18, 1979); bicubic: Keys, IEEE Transactions on Acoustics, Speech and Signal Processing 29(6), 1981,
with a = -1/2.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import final

import torch
from torch import Tensor

from pipcli.degradations.base import Degradation
from pipcli.noise import Noise
from pipcli.settings import KernelName

# Output rows that are one product: a matrix for all of a large picture would be nearly nothing but zeros.
ROWS = 64
# Standard deviation of the Gaussian in output pixels, and where it is cut off, in standard deviations.
_GAUSSIAN_STD, _GAUSSIAN_REACH = 0.4, 4.0


def _lanczos(at: Tensor) -> Tensor:
    return torch.where(at.abs() < 3, at.sinc() * (at / 3).sinc(), 0.0)


def _bicubic(at: Tensor) -> Tensor:
    near = at.abs()
    inner = (1.5 * near - 2.5) * near.square() + 1
    outer = ((2.5 - 0.5 * near) * near - 4) * near + 2
    return torch.where(near < 1, inner, torch.where(near < 2, outer, 0.0))


def _box(at: Tensor) -> Tensor:
    # With a broken factor a pixel's centre can lie on the edge between two boxes: half of it is in either.
    return torch.heaviside(0.5 - at.abs(), at.new_tensor(0.5))


def _gaussian(at: Tensor) -> Tensor:
    return torch.where(at.abs() < _GAUSSIAN_REACH * _GAUSSIAN_STD, (-(at / _GAUSSIAN_STD).square() / 2).exp(), 0.0)


# Each with the distance, in output pixels, beyond which it is zero.
_KERNELS: dict[KernelName, tuple[Callable[[Tensor], Tensor], float]] = {
    KernelName.LANCZOS: (_lanczos, 3.0),
    KernelName.BICUBIC: (_bicubic, 2.0),
    KernelName.BOX: (_box, 0.5),
    KernelName.GAUSSIAN: (_gaussian, _GAUSSIAN_REACH * _GAUSSIAN_STD),
}


@lru_cache(maxsize=16)
def _bands(
    length: int, scale: float, kernel: KernelName, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return how rows are reduced, in B products of up to `ROWS` output rows each.

    Returns:
        (B * S,) numbers of the input rows that each product takes, and the (B, R, S) weights that it gives them. The
        last product may have output rows too many.
    """
    shape, reach = _KERNELS[kernel]
    outputs = _reduced_length(length, scale)
    rows = min(ROWS, outputs)
    centres = (torch.arange(math.ceil(outputs / rows) * rows, dtype=torch.float64) + 0.5) * scale - 0.5
    centres = centres.view(-1, rows, 1)
    firsts = (centres[:, :1] - reach * scale).ceil()
    span = min(math.floor((rows - 1 + 2 * reach) * scale) + 2, length)
    firsts = firsts.clamp(min=0).clamp(max=length - span)
    places = firsts + torch.arange(span)
    weights = shape((places - centres) / scale)
    # Output rows too many may see nothing of the picture.
    sums = weights.sum(2, keepdim=True)
    weights = weights / torch.where(sums == 0, 1.0, sums)
    return places.long().flatten().to(device), weights.to(device, dtype)


def _reduced_length(length: int, scale: float) -> int:
    return max(1, round(length / scale))


def _reduced(picture: Tensor, scale: float, kernel: KernelName) -> Tensor:
    """Reduce the rows of a (N, C, H, W) picture: (N, C, h, W)."""
    length = picture.shape[2]
    places, weights = _bands(length, scale, kernel, picture.device, picture.dtype)
    taken = picture.index_select(2, places).reshape(*picture.shape[:2], len(weights), -1, picture.shape[3])
    return torch.matmul(weights, taken).flatten(2, 3)[:, :, : _reduced_length(length, scale)]


@final
class Downsample(Degradation):
    """The degradation of super-resolution."""

    def __init__(self, noise: Noise, scale: Fraction, kernel: KernelName) -> None:
        """Remember how pictures become small.

        Args:
            noise: of the small picture.
            scale: how many times smaller each side becomes, at least 1.
            kernel: what weighs the pixels.
        """
        super().__init__(noise)
        self.scale = scale
        self.kernel = kernel

    def forward(self, picture: Tensor) -> Tensor:
        """Map a (N, C, H, W) picture to (N, C, H / scale, W / scale), to the nearest whole numbers."""
        columns_left = _reduced(picture, float(self.scale), self.kernel).mT
        return _reduced(columns_left, float(self.scale), self.kernel).mT

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) times the factor, to the nearest whole numbers, halves upwards."""
        height, width = (math.floor(length * self.scale + Fraction(1, 2)) for length in size)
        return height, width

    def naive(self, observation: Tensor) -> Tensor:
        """Return the observation enlarged by bicubic interpolation with a = -1/2."""
        size = self.target_size((observation.shape[-2], observation.shape[-1]))
        rows, columns = (_enlarging(*lengths) for lengths in zip(size, observation.shape[-2:], strict=True))
        return (rows.to(observation) @ observation @ columns.to(observation).mT).clamp(0, 1)

    def serves(self, other: Degradation) -> bool:
        """Return whether the other makes pictures small in the same way."""
        return isinstance(other, Downsample) and (self.scale, self.kernel) == (other.scale, other.kernel)


def _enlarging(longer: int, length: int) -> Tensor:
    """Return the (longer, length) weights of samples in their bicubic interpolation."""
    centres = (torch.arange(longer, dtype=torch.float64)[:, None] + 0.5) * length / longer - 0.5
    weights = _bicubic(torch.arange(length) - centres)
    return weights / weights.sum(1, keepdim=True)
