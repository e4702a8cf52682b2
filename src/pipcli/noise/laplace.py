"""Additive noise with a Laplace density (heavy tails).

Sources, formulas only: the median, to which the sum of absolute differences leads, is the maximum-likelihood estimate;
one step of an M-estimate from a pilot is that of Bickel, "One-Step Huber Estimates in the Linear Model" (JASA 1975).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pipcli.noise.base import Evidence, Noise, Whitened, origin_of
from pipcli.noise.gaussian import noise_std_of
from pipcli.noise.patches import PATCH_SIDE
from pipcli.settings import NoiseName

# Below this difference, half a grey level, the absolute value is rounded off, so that it has a gradient everywhere.
ROUNDING = 0.5 / 255
# What the estimate that is made for Gaussian noise reads of it, since the flattest patches of noise with long tails are
# quiet ones: the mean over six photos at two levels, which are from 0.82 to 1.09.
QUIET = 0.91
# Where the one step clips a difference, in units of the scale b, which is the standard deviation over sqrt(2).
CLIP = 2.0
LEAST_CLIP = 0.1


def smooth_absolute(difference: Tensor) -> Tensor:
    """Return the absolute value, rounded off near 0."""
    return (difference.square() + ROUNDING**2).sqrt() - ROUNDING


@dataclass(frozen=True)
class Laplace(Noise):
    """Laplace noise; its level is the standard deviation in grey levels of 255."""

    name: ClassVar[NoiseName] = NoiseName.LAPLACE
    unit: ClassVar[str] = "sigma"
    misfit_is_squared_error: ClassVar[bool] = False
    passes: ClassVar[int] = 2  # the step is the better, the nearer the pilot is to the picture

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Laplace":
        """Return the noise of an observation, whose level is estimated where none is given."""
        std = noise_std_of(evidence) / QUIET if level is None else level / 255
        return cls(255 * std, origin_of(level), std)

    @property
    def scale(self) -> float:
        """The mean absolute value, in [0, 1] units."""
        return max(self.std / math.sqrt(2), 1e-6)

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the absolute difference."""
        return smooth_absolute(prediction - observation)

    def expected_misfit(self, observation: Tensor) -> float:
        """Return the mean absolute value, less what clipping took.

        That is b (1 - (e^(-x/b) + e^(-(1-x)/b)) / 2) at a level x, which the medians of patches say: clipping does not
        move them.
        """
        down, across = (min(PATCH_SIDE, length) for length in observation.shape[-2:])
        level = observation.cpu().unfold(2, down, down).unfold(3, across, across).flatten(4).median(dim=4).values
        lost = (torch.exp(-level / self.scale) + torch.exp((level - 1) / self.scale)) / 2
        return self.scale * float((1 - lost).mean())

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return pseudo-observations: the pilot plus one step of an M-estimate towards each sample.

        A difference d is clipped to [-t, t] and divided by the mean slope of that, 1 - e^(-t/b). Near black and white t
        shrinks to the distance from the end, so that what the ends cut off one tail is cut off the other: samples at
        an end count as beyond it. The variance is 2 b^2 (1 - e^(-t/b) (1 + t/b)) / (1 - e^(-t/b))^2.
        """
        b = self.scale
        inside = torch.minimum(pilot, 1 - pilot).clamp(LEAST_CLIP * b, CLIP * b)
        difference = observation - pilot
        difference = torch.where(observation <= 0, -1.0, torch.where(observation >= 1, 1.0, difference))
        ratio = inside / b
        slope = 1 - torch.exp(-ratio)
        pseudo = pilot + torch.maximum(torch.minimum(difference, inside), -inside) / slope
        variances = 2 * b**2 * (1 - torch.exp(-ratio) * (1 + ratio)) / slope.square()
        return Whitened(pseudo, pilot, float(variances.mean()), lambda estimate: estimate)
