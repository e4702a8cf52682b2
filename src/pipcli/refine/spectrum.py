"""Shared by the filters: opponent colours, DCT of patches, and the noise variance there."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# The median of the square of a standard normal variable.
MEDIAN_OF_SQUARE = 0.4549
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class NoiseBounds:
    """Bounds of the variance of the noise at any frequency, in [0, 1] units squared: equal if it is known and white.

    Attributes:
        least: the lower one.
        most: the upper one.
        seen: how many times the variance that pilot and observation show between them is counted.
    """

    least: float
    most: float = math.inf
    seen: float = 1.0

    def scaled(self, factor: float) -> "NoiseBounds":
        """Return these bounds times a factor."""
        return NoiseBounds(factor * self.least, factor * self.most, self.seen)


@dataclass(frozen=True)
class Filtered:
    """What a filter makes.

    Attributes:
        picture: (T, C, H, W); a picture is one frame.
        influence: mean derivative of a sample of the picture by the same sample of the observation, the pilot held.
    """

    picture: Tensor
    influence: float


def waves(length: int) -> Tensor:
    """Return the orthonormal cosine transform of `length` samples: a (length, length) matrix, a frequency a row."""
    frequency, place = torch.arange(length)[:, None], torch.arange(length)[None]
    matrix = torch.cos(math.pi * (2 * place + 1) * frequency / (2 * length)) * math.sqrt(2 / length)
    matrix[0] /= math.sqrt(2)
    return matrix


def cosines(side: int) -> Tensor:
    """Return the orthonormal cosine transform of side x side patches: a (side^2, side^2) matrix, a frequency a row."""
    return torch.kron(waves(side), waves(side))


def opponent(channels: int) -> Tensor:
    """Return the orthonormal transform of 1 or 3 channels to a grey one and differences of colour."""
    if channels == 1:
        return torch.ones(1, 1)
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    return F.normalize(rows, dim=1)


def turn(matrix: Tensor, picture: Tensor) -> Tensor:
    """Transform the channels of (T, C, H, W) frames by a (C, C) matrix."""
    return torch.einsum("ij,njhw->nihw", matrix.to(picture), picture)


def variances(excess: Tensor, noise: NoiseBounds) -> Tensor:
    """Return the variance of the noise at each of F frequencies, as much as the bounds leave open.

    Args:
        excess: (F, P) squared differences of observation and pilot in P patches.
        noise: its bounds.

    Returns:
        (F,) variances. A frequency at which the two differ by more in most patches has more noise.
    """
    least, most = max(noise.least, LEAST_VARIANCE), max(noise.most, LEAST_VARIANCE)
    if least == most:
        return excess.new_full((len(excess),), least)
    return (noise.seen * excess.median(1).values / MEDIAN_OF_SQUARE).clamp(least, most)
