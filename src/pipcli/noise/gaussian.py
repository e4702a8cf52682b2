"""White Gaussian noise: blind estimation of its level, with a correction for clipping to [0, 1].

The level is estimated in flat patches; the correction for clipping and the preference for patches that are hardly
clipped are ours. That preference fails where the only flat places are at or near black or white, as on paper: `grounds`
then finds the lower level.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import Evidence, Noise, Origin, Whitened, origin_of
from pipcli.noise.clipping import censored_mean, normal_cdf, variance_ratio
from pipcli.noise.grounds import has_few_distant_levels, leaves_out_the_middle, lower_std, neighbours_are_too_alike
from pipcli.noise.patches import PATCH_SIDE, Floats, PatchSample, variance_of_flattest
from pipcli.noise.photons import counted_photons
from pipcli.settings import NoiseName

HARDLY_CLIPPED = 0.85  # variance ratio above which clipping bends the statistics too little to matter
MIN_POOL_SHARE = 0.1  # share of the patches always eligible, however badly the picture is clipped
SMALLEST_STD = 1e-4  # a fortieth of an 8-bit step: keeps the clipping model's divisions finite
LARGEST_STD = 1.0  # the whole range: clipping then leaves nearly two values, and sigma cannot be told from them
MAX_ROUNDS = 20


@dataclass(frozen=True)
class Gaussian(Noise):
    """Noise of one standard deviation everywhere; its level is sigma in grey levels of 255.

    Attributes:
        coded: whether the level was estimated in a JPEG file, whose own error is in it and is not Gaussian.
    """

    name: ClassVar[NoiseName] = NoiseName.GAUSSIAN
    unit: ClassVar[str] = "sigma"
    misfit_is_squared_error: ClassVar[bool] = True

    coded: bool = False

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Gaussian":
        """Return the noise of an observation, whose level is estimated where none is given."""
        std = noise_std_of(evidence) if level is None else level / 255
        return cls(255 * std, origin_of(level), std, coded=level is None and evidence.coding is not None)

    @classmethod
    def known(cls, std: float) -> "Gaussian":
        """Return noise of a standard deviation that is known, in [0, 1] units."""
        return cls(255 * std, Origin.GIVEN, std)

    @classmethod
    def of_rounding(cls, bit_depth: int, span: float = 1.0) -> "Gaussian":
        """Return the rounding noise of a picture of 8, 16 or 32 bits that has no other noise.

        Args:
            bit_depth: of a sample.
            span: the share of the samples' range that is [0, 1] here.
        """
        std = max(1 / (2**bit_depth - 1) / span / math.sqrt(12), SMALLEST_STD)
        return cls(255 * std, Origin.ROUNDING, std)

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the squared difference."""
        return (prediction - observation).square()

    def expected_misfit(self, observation: Tensor) -> float:
        """Return the variance after clipping."""
        return clipped_noise_variance(observation, self.std)

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return both unchanged; `restore` removes the bias of clipping."""
        return Whitened(
            observation,
            pilot,
            self.expected_misfit(observation),
            lambda estimate: undo_clipping(estimate, observation, self.std),
            self._variances,
            gaussian_std=0.0 if self.coded else self.std,
            clipped=self._shows_clipping(observation, pilot),
        )

    def _shows_clipping(self, observation: Tensor, pilot: Tensor) -> bool:
        if self.std <= SMALLEST_STD:
            return False
        return shows_clipping(observation, levels_before_clipping(pilot, self.std), self.std)

    def _variances(self, clipped_mean: Tensor) -> Tensor:
        """Return the variance that clipping leaves of the noise of each sample, given its mean after clipping."""
        ratio = variance_ratio(clipped_mean.double().cpu().numpy(), max(self.std, SMALLEST_STD))
        return self.std**2 * torch.from_numpy(ratio).to(clipped_mean)


def noise_std_of(evidence: Evidence) -> float:
    """Estimate the standard deviation of white Gaussian noise, in [0, 1] units."""
    if NoiseName.GAUSSIAN not in evidence.levels:
        evidence.levels[NoiseName.GAUSSIAN] = _estimated_std(evidence)
    return evidence.levels[NoiseName.GAUSSIAN]


def estimate_noise_std(observation: Tensor, valid: Tensor | None = None) -> float:
    """Estimate the standard deviation of white Gaussian noise.

    Args:
        observation: (1, C, H, W) float32 in [0, 1], C = 1 or 3, any H and W from 1.
        valid: (1, 1, H, W) booleans of the pixels that may be measured, see `Evidence`; None is all.

    Returns:
        Nominal sigma in [0, 1] units, before clipping to [0, 1] and 8-bit rounding. Between 0 and 1; 0.0 where
        nothing varies or there is a single pixel.
    """
    return noise_std_of(Evidence(observation, valid=valid))


def _estimated_std(evidence: Evidence) -> float:
    observation, valid = evidence.observation, evidence.valid
    if observation.shape[-2] * observation.shape[-1] < 2:
        return 0.0
    std = _std_of_hardly_clipped(evidence.patches)
    if std <= SMALLEST_STD or (
        has_few_distant_levels(observation, valid) and counted_photons(observation, valid) is None
    ):
        return 0.0
    std = lower_std(evidence.patches, std, coded=evidence.coding is not None)
    is_picture = std > 0 and (
        leaves_out_the_middle(observation, std) or neighbours_are_too_alike(observation, std, valid)
    )
    return 0.0 if is_picture else std


def _std_of_hardly_clipped(sample: PatchSample) -> float:
    """Return the level estimated in the flattest patches among those that are hardly clipped."""
    std = float(np.sqrt(sample.high.mean(dtype=np.float64)))
    for _ in range(MAX_ROUNDS):
        # The clipping correction needs sigma and sigma needs the correction: iterate to their fixed point.
        previous = max(std, SMALLEST_STD)
        ratio = variance_ratio(sample.mean, previous)
        # Clipping bounds the noise, so quiet low frequencies no longer mean independent high ones: avoid it if we can.
        worst = ratio.min(axis=1)
        hardly_clipped = worst >= min(HARDLY_CLIPPED, float(np.quantile(worst, 1 - MIN_POOL_SHARE)))
        std = min(math.sqrt(variance_of_flattest(sample, ratio, hardly_clipped)), LARGEST_STD)
        if abs(std - previous) < 1e-3 * previous:
            break
    return std


def clipped_noise_variance(observation: Tensor, noise_std: float) -> float:
    """Return the mean variance of noise of a nominal sigma in a picture after clipping to [0, 1].

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        noise_std: nominal sigma, in [0, 1] units.
    """
    if noise_std <= SMALLEST_STD:
        return noise_std**2
    local_means = torch.nn.functional.avg_pool2d(observation.cpu(), PATCH_SIDE, ceil_mode=True).double().numpy()
    return float(variance_ratio(local_means, noise_std).mean()) * noise_std**2


def undo_clipping(estimate: Tensor, observation: Tensor, noise_std: float) -> Tensor:
    """Remove from an estimate the bias that clipping of the noise to [0, 1] caused.

    A least-squares fit arrives at the mean of the observation. Noise that is cut off at 0 or 1 has a mean that is not
    zero, so black comes out too light, by 0.4 sigma, and white too dark. The mean after clipping is a known function of
    the level, and is inverted pixel by pixel.

    Args:
        estimate: (1, C, H, W) float32 in [0, 1], fitted to the observation.
        observation: (1, C, H, W) float32 in [0, 1].
        noise_std: nominal sigma, in [0, 1] units.

    Returns:
        (1, C, H, W) float32 in [0, 1]; the estimate itself where the observation shows no sign of clipped noise, that
        is when fewer than half as many samples lie at 0 and 1 as clipping would have put there.
    """
    if noise_std <= SMALLEST_STD:
        return estimate
    restored = levels_before_clipping(estimate, noise_std)
    if not shows_clipping(observation, restored, noise_std):
        return estimate
    return torch.from_numpy(restored).to(estimate.dtype)


def levels_before_clipping(mean: Tensor, noise_std: float) -> Floats:
    """Return the levels in [0, 1] whose noise has these means after it was clipped to [0, 1]."""
    level = np.linspace(0, 1, 1001)
    levels: Floats = np.interp(mean.double().cpu().numpy(), censored_mean(level, noise_std), level)
    return levels


def shows_clipping(observation: Tensor, levels: Floats, noise_std: float) -> bool:
    """Return whether at least half as many samples lie at 0 and 1 as clipping would have put there."""
    expected = normal_cdf(-levels / noise_std) + normal_cdf((levels - 1) / noise_std)
    at_the_ends = float(((observation <= 0) | (observation >= 1)).double().mean())
    return at_the_ends > 0 and at_the_ends >= 0.5 * float(expected.mean())
