"""Stein's estimate of the squared error of a denoised picture, place by place, and the best mean of two such pictures.

The expected squared error of an estimate is its squared distance from the observation, less the variance of the noise,
plus twice the nominal variance times the derivative of each sample by itself (Stein, Annals of Statistics 1981).
Samples that the noise was cut off at have no derivative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# Change of the observation that probes a filter, in standard deviations of the noise.
PROBE = 0.3
# Radius in pixels of the neighbourhood for which one weight is told.
RADIUS = 6


def cut_off(samples: Tensor, *, clipped: bool) -> tuple[Tensor, Tensor]:
    """Return ones where the noise was cut off at 0 and where at 1; zeros everywhere if it was not clipped."""
    if not clipped:
        return torch.zeros_like(samples), torch.zeros_like(samples)
    return (samples <= 0).to(samples), (samples >= 1).to(samples)


@dataclass(frozen=True)
class Seen:
    """Frames as they were observed, and the noise in them.

    Attributes:
        frames: (T, C, H, W) float32.
        std: standard deviation of the noise, before it was cut off at 0 and 1 where it was.
        clipped: whether it was.
        variances: maps frames to the variance of the noise of each of their samples.
    """

    frames: Tensor
    std: float
    clipped: bool
    variances: Callable[[Tensor], Tensor]

    def inside(self) -> Tensor:
        """Return ones where a sample was not cut off, (T, C, H, W)."""
        low, high = cut_off(self.frames, clipped=self.clipped)
        return 1 - low - high


@dataclass(frozen=True)
class Probed:
    """A picture, and how much each of its samples follows the same sample of the observation: both (T, C, H, W)."""

    picture: Tensor
    influence: Tensor

    def risk(self, seen: Seen, variance: Tensor) -> float:
        """Return the estimate of its mean squared error, given the (T, C, H, W) variance of the noise."""
        residual = (seen.frames - self.picture).square()
        return float((residual + 2 * seen.std**2 * self.influence - variance).mean())


def probed(picture: Tensor, again: Callable[[Tensor], Tensor], seen: Seen, seed: int) -> Probed:
    """Return a filtered picture with the influence of each sample of the observation.

    It is told by filtering a slightly changed observation once more (Ramani, Blu and Unser, IEEE Transactions on Image
    Processing 2008), so that what the samples do by way of the filters' pilots is in it.

    Args:
        picture: (T, C, H, W), what the filters made of the frames.
        again: filters (T, C, H, W) frames in the same way.
        seen: the frames.
        seed: of the signs of the changes.
    """
    generator = torch.Generator().manual_seed(seed)
    signs = (torch.randint(0, 2, seen.frames.shape, generator=generator) * 2 - 1).to(seen.frames)
    step = PROBE * seen.std
    changed = again(seen.frames + step * signs)
    return Probed(picture, seen.inside() * signs * (changed - picture) / step)


def joined(first: Probed, second: Probed, seen: Seen) -> Probed:
    """Return the mean of two pictures with, at each place, the weight of the least estimated squared error."""
    difference = second.picture - first.picture
    flattery = seen.std**2 * (second.influence - first.influence)
    gain = _around(difference * (seen.frames - first.picture) - flattery)
    weight = (gain / _around(difference.square()).clamp_min(1e-12)).clamp(0, 1)
    picture, influence = (first.picture, second.picture), (first.influence, second.influence)
    return Probed(torch.lerp(*picture, weight), torch.lerp(*influence, weight))


def _around(values: Tensor) -> Tensor:
    """Return means of (T, C, H, W) values over neighbourhoods and channels, (T, C, H, W)."""
    mean = values.mean(1, keepdim=True)
    smooth = F.avg_pool2d(mean, 2 * RADIUS + 1, stride=1, padding=RADIUS, count_include_pad=False)
    return smooth.expand_as(values)
