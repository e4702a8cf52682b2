"""Poisson (shot) noise: the variance of a sample is proportional to its level.

Sources, formulas only: Anscombe, "The transformation of Poisson, binomial and negative-binomial data" (Biometrika
1948): 2 sqrt(k + 3/8) has a variance near 1 and, from a few photons on, a mean near 2 sqrt(k + 1/8).
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import Evidence, Origin, Whitened, origin_of
from pipcli.noise.patches import Floats, sample_patches, variance_of_flattest
from pipcli.noise.photons import counted_photons
from pipcli.noise.stabilised import TABULATED, Stabilised
from pipcli.settings import LEVELS, NoiseName

DARKEST = 0.02  # below this, 8-bit rounding weighs in on a few photons' noise
MIN_POOL_SHARE = 0.05
CLEAR_OF_WHITE = 2.5  # standard deviations of the noise between a patch and white, where clipping begins to tell
ROUNDS = 4
# Above this peak counts are summed as if they were normal: a sum over photons would be long, and the same.
MOST_COUNTED = 4096
QUANTILES = 256
# Few photons are less than this in a sample, in the mean: there the transform bends within the noise's own spread.
FEW = 5.0
# How fast the mean of 2 sqrt(k + 3/8) passes from 2 sqrt(3/8) without photons to 2 sqrt(k + 1/8), fitted by us to
# within 0.005 of the noise's standard deviation.
VANISHING = 1.22


@dataclass(frozen=True)
class Poisson(Stabilised):
    """Poisson noise; its level is the number of photons at white."""

    name: ClassVar[NoiseName] = NoiseName.POISSON
    unit: ClassVar[str] = "photons at white"

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Poisson":
        """Return the noise of an observation, whose level is estimated where none is given."""
        peak = estimate_peak(evidence.observation, evidence.valid) if level is None else level
        origin = origin_of(level)
        if level is None and counted_photons(evidence.observation, evidence.valid) is not None:
            origin = Origin.COUNTED  # the level is exact, and filters need not allow for an error
        return cls(peak, origin, math.sqrt(float(evidence.observation.mean()) / peak))

    def scaled(self, strength: float) -> Self:
        """Return the noise of a smaller number of photons."""
        return replace(super().scaled(strength), level=self.level / strength**2)

    def shares_misfit(self, other: object) -> bool:
        """Return whether the peaks agree."""
        return isinstance(other, Poisson) and other.level == self.level

    def stabilised(self, sample: Tensor) -> Tensor:
        """Return the Anscombe transform, scaled from 0 to 1."""
        first, last = math.sqrt(3 / 8), math.sqrt(self.level + 3 / 8)
        return ((self.level * sample.clamp(min=0) + 3 / 8).sqrt() - first) / (last - first)

    def mean_stabilised(self, level: Tensor) -> Tensor:
        """Return the mean at a level; the term that goes from 1/8 to 3/8 as the photons run out is fitted by us."""
        first, last = math.sqrt(3 / 8), math.sqrt(self.level + 3 / 8)
        photons = self.level * level
        offset = 1 / 8 + torch.exp(-VANISHING * photons) / 4
        return ((photons + offset).sqrt() - first) / (last - first)

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return both after the transform; restoring keeps each channel's mean where there are few photons.

        Where places of different levels were averaged, the transform, which bends near black, makes them too dark. The
        mean of all samples is known better than that.
        """
        whitened = super().whitened(observation, pilot)
        if float(observation.mean()) * self.level > FEW:
            return whitened
        wanted = observation.mean(dim=(0, 2, 3), keepdim=True)

        def restore(filtered: Tensor) -> Tensor:
            picture = whitened.restore(filtered)
            for _ in range(ROUNDS):
                mean = self._clipped_mean(picture).mean(dim=(0, 2, 3), keepdim=True)
                picture = (picture * (wanted / mean.clamp(min=1e-6))).clamp(0, 1)
            return picture

        return replace(whitened, restore=restore)

    def _clipped_mean(self, levels: Tensor) -> Tensor:
        """Return the mean that samples have at clean levels, those above white being clipped."""
        share, count = self._counts(TABULATED)
        mean = (share * np.minimum(count / self.level, 1)).sum(axis=1)
        return torch.from_numpy(np.interp(levels.double().numpy(), TABULATED, mean)).to(levels)

    def moments(self, levels: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the transform of min(photons / peak, 1)."""
        share, count = self._counts(levels)
        value = self.stabilised(torch.from_numpy(np.minimum(count / self.level, 1))).numpy()
        mean = (share * value).sum(axis=1)
        return mean, (share * value**2).sum(axis=1) - mean**2

    def _counts(self, levels: Floats) -> tuple[Floats, Floats]:
        """Return the shares (N, K) that counts have at clean levels (N), and the counts (K) or (N, K)."""
        photons = self.level * levels[:, None]
        if self.level <= MOST_COUNTED:
            most = math.ceil(self.level + 10 * math.sqrt(self.level) + 10)
            count = np.arange(most + 1, dtype=np.float64)
            factorial = torch.lgamma(torch.from_numpy(count) + 1).numpy()
            share = np.exp(count * np.log(np.maximum(photons, 1e-300)) - photons - factorial)
        else:
            normal = torch.special.ndtri((torch.arange(QUANTILES, dtype=torch.float64) + 0.5) / QUANTILES).numpy()
            count = np.maximum(photons + np.sqrt(photons) * normal, 0)
            share = np.full_like(count, 1 / QUANTILES)
        return share, count


def estimate_peak(observation: Tensor, valid: Tensor | None = None) -> float:
    """Estimate the number of photons at white, from the levels of counts or from the variance of flat patches.

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        valid: (1, 1, H, W) booleans of the pixels that may be measured, see `Evidence`; None is all.
    """
    low, high = LEVELS[NoiseName.POISSON].least, LEVELS[NoiseName.POISSON].most
    if observation.shape[-2] * observation.shape[-1] < 2:
        return high
    counted = counted_photons(observation, valid)
    if counted is not None:
        return float(np.clip(counted, low, high))
    sample = sample_patches(observation, valid)
    mean = sample.mean.astype(np.float64)
    variance = 0.0  # at white
    for _ in range(ROUNDS):
        room = 1 - mean - CLEAR_OF_WHITE * np.sqrt(variance * mean)
        # Where the whole picture is dark or bright, the patches that come nearest to what is wanted must do.
        merit = np.minimum(np.minimum(mean - DARKEST, 0), np.minimum(room, 0)).min(axis=1)
        eligible = merit >= min(0.0, float(np.quantile(merit, 1 - MIN_POOL_SHARE)))
        variance = variance_of_flattest(sample, np.maximum(mean, 1e-3), eligible)
    return float(np.clip(1 / max(variance, 1 / high), low, high))
