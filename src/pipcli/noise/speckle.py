"""Multiplicative noise: each sample is its level times 1 + s n, n being standard normal, as in radar and ultrasound.

The transform is the logarithm of the level plus an offset. The logarithm makes such noise additive; without the offset
it diverges at black and makes outliers of samples near it.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import Evidence, origin_of
from pipcli.noise.patches import Floats, sample_patches, variance_of_flattest
from pipcli.noise.stabilised import Stabilised
from pipcli.settings import LEVELS, NoiseName

OFFSET = 0.1
DARKEST = 0.1  # below this, 8-bit rounding weighs in on the noise
MIN_POOL_SHARE = 0.05
CLEAR_OF_WHITE = 2.5  # standard deviations of the noise between a patch and white, where clipping begins to tell
ROUNDS = 4
QUANTILES = 256


@dataclass(frozen=True)
class Speckle(Stabilised):
    """Speckle; its level is the standard deviation of the noise as a share of the signal."""

    name: ClassVar[NoiseName] = NoiseName.SPECKLE
    unit: ClassVar[str] = "share of the signal"

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Speckle":
        """Return the noise of an observation, whose level is estimated where none is given."""
        share = estimate_share(evidence.observation, evidence.valid) if level is None else level
        power = float(evidence.observation.square().mean()) / (1 + share**2)
        return cls(share, origin_of(level), share * math.sqrt(power))

    def shares_misfit(self, other: object) -> bool:
        """Return whether the shares agree."""
        return isinstance(other, Speckle) and other.level == self.level

    def stabilised(self, sample: Tensor) -> Tensor:
        """Return the logarithm of the sample plus an offset, scaled from 0 to 1."""
        return torch.log1p(sample / OFFSET) / math.log1p(1 / OFFSET)

    def mean_stabilised(self, level: Tensor) -> Tensor:
        """Return the mean at a level, to the second order of the noise."""
        bend = (self.level * level / (level + OFFSET)).square() / 2
        return self.stabilised(level) - bend / math.log1p(1 / OFFSET)

    def moments(self, levels: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the transform of clipped samples."""
        normal = torch.special.ndtri((torch.arange(QUANTILES, dtype=torch.float64) + 0.5) / QUANTILES).numpy()
        sample = np.clip(levels[:, None] * (1 + self.level * normal), 0, 1)
        value = self.stabilised(torch.from_numpy(sample)).numpy()
        return value.mean(axis=1), value.var(axis=1)


def estimate_share(observation: Tensor, valid: Tensor | None = None) -> float:
    """Estimate the standard deviation as a share of the signal, in flat patches that are neither dark nor clipped.

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        valid: (1, 1, H, W) booleans of the pixels that may be measured, see `Evidence`; None is all.
    """
    low, high = LEVELS[NoiseName.SPECKLE].least, LEVELS[NoiseName.SPECKLE].most
    if observation.shape[-2] * observation.shape[-1] < 2:
        return low
    sample = sample_patches(observation, valid)
    mean = sample.mean.astype(np.float64)
    share = 0.0
    for _ in range(ROUNDS):
        room = 1 - mean * (1 + CLEAR_OF_WHITE * share)
        # Where the whole picture is dark or bright, the patches that come nearest to what is wanted must do.
        merit = np.minimum(np.minimum(mean - DARKEST, 0), np.minimum(room, 0)).min(axis=1)
        eligible = merit >= min(0.0, float(np.quantile(merit, 1 - MIN_POOL_SHARE)))
        share = math.sqrt(variance_of_flattest(sample, np.maximum(mean, 1e-3) ** 2, eligible))
    return min(max(share, low), high)
