"""Detection of the kind of noise: Gaussian, unless there is strong evidence of another kind.

The tests are ours. Each uses a property of one kind only: salt and pepper are outliers in quiet neighbourhoods; a
strongly quantised JPEG has less noise than its quantisation would leave; Poisson variance is proportional to the
level, speckle variance to its square; Laplace noise has heavy tails in flat places.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from pipcli.noise.base import Evidence
from pipcli.noise.camera import shows_camera_noise
from pipcli.noise.clipping import variance_ratio
from pipcli.noise.gaussian import noise_std_of
from pipcli.noise.impulse import shows_impulses
from pipcli.noise.jpeg import foi_std
from pipcli.noise.patches import PATCH_SIDE, Floats, PatchSample
from pipcli.noise.photons import counted_photons
from pipcli.settings import NoiseName

SMALLEST_SIDE = 48  # a smaller picture has too few flat patches to tell anything from

IMPULSE_SHARE = 0.01  # of outlying samples, at each end of the range
# JPEG: the noise that its rounding leaves is at least this, in grey levels, and this many times what is measured.
JPEG_STD, JPEG_FACTOR = 4.0, 2.0

# Noise below this, in grey levels, is not told from texture.
LEAST_STD = 4.0
BINS = 8
FLAT_IN_BIN, LEAST_IN_BIN = 0.05, 40
ENDS = 0.06  # patches whose mean is nearer to black or white are left out
# Energy of a low band over that of a high one: up to 1.3 where noise is measured, from 1.6 where lettering is.
MOST_ROUGHNESS = 1.4
LEAST_SPREAD = 0.4  # between the logarithms of the darkest and the brightest bin's level
# The growth of the variance is a power of the level: 0 for Gaussian noise, 1 for photons, 2 for speckle.
LARGEST_ERROR = 0.15
POISSON_GROWTH, SPECKLE_GROWTH = 0.6, 1.5

# Laplace: the fourth moment of second differences over the square of the second. 3 for Gaussian noise, here a little
# less since each patch is scaled by itself, and 3.4 to 3.7 for Laplace noise.
LAPLACE_STD = 7.0
LAPLACE_KURTOSIS = 3.25
FLAT_FOR_TAILS, LEAST_FOR_TAILS, MOST_FOR_TAILS = 0.1, 60, 20_000
CLIPPED_SHARE, MOST_CLIPPED_SHARE = 0.02, 0.15
# The same in the median patch: long tails of noise are in every patch, and lettering is in few of the flattest. It is
# 2.8 to 3.0 for Gaussian noise on photos and lettering, 3.26 to 3.46 for Laplace noise.
LEAST_KURTOSIS_OF_MEDIAN = 3.1
# The variance between the quarters of the flattest patches, in units of what noise alone gives.
ROUGHEST = 2.0


def detect(evidence: Evidence) -> NoiseName:
    """Return the detected kind of noise of an observation."""
    observation = evidence.observation
    if min(observation.shape[-2:]) < SMALLEST_SIDE:
        return NoiseName.GAUSSIAN
    if counted_photons(observation, evidence.valid) is not None:
        return NoiseName.POISSON
    if shows_impulses(observation, IMPULSE_SHARE):
        return NoiseName.IMPULSE
    std = noise_std_of(evidence)
    if evidence.coding is not None:
        rounding = foi_std(evidence.coding.planes[0].steps)
        if 255 * rounding > JPEG_STD and rounding > JPEG_FACTOR * std:
            return NoiseName.JPEG
    if shows_camera_noise(evidence):
        return NoiseName.CAMERA
    if 255 * std < LEAST_STD:
        return NoiseName.GAUSSIAN
    growth = _growth(evidence.patches, std)
    if growth is not None and growth.error < LARGEST_ERROR and growth.power - growth.error > POISSON_GROWTH:
        return NoiseName.SPECKLE if growth.power > SPECKLE_GROWTH else NoiseName.POISSON
    if 255 * std > LAPLACE_STD and _kurtosis(evidence, std) > LAPLACE_KURTOSIS:
        return NoiseName.LAPLACE
    return NoiseName.GAUSSIAN


@dataclass(frozen=True)
class _Growth:
    """The exponent with which the variance grows with the level, and its standard error."""

    power: float
    error: float


def _growth(sample: PatchSample, std: float) -> _Growth | None:
    """Fit the exponent of variance over level; None where the levels differ too little.

    The variance is corrected for what clipping would have taken off Gaussian noise of a standard deviation in [0, 1]
    units, so that such noise does not appear to be weaker near black.
    """
    between = (sample.mean.min(axis=1) > ENDS) & (sample.mean.max(axis=1) < 1 - ENDS)
    places = np.flatnonzero(between)
    if len(places) < BINS * LEAST_IN_BIN:
        return None
    levels = sample.mean.mean(axis=1)
    corrected = sample.high / variance_ratio(sample.mean, std)[:, :, None]
    found, rough = [], []
    for part in np.array_split(places[np.argsort(levels[places])], BINS):
        count = max(LEAST_IN_BIN, int(FLAT_IN_BIN * len(part)))
        flat = part[np.argsort(sample.low[part])[:count]]
        rough.append(np.median(sample.low[flat]) / sample.low_bands / sample.high[flat].mean(axis=2).sum(axis=1).mean())
        found.append((levels[flat].mean(), np.median(corrected[flat].mean(axis=(0, 1)))))
    level, variance = np.log(np.maximum(np.array(found, dtype=np.float64), 1e-9)).T
    if np.ptp(level) < LEAST_SPREAD or np.median(rough) > MOST_ROUGHNESS:
        return None
    return _fit_line(level, variance)


def _fit_line(x: Floats, y: Floats) -> _Growth:
    x, y = x - x.mean(), y - y.mean()
    power = float((x * y).sum() / (x * x).sum())
    residual = y - power * x
    return _Growth(power, float(np.sqrt((residual**2).sum() / (len(x) - 2) / (x * x).sum())))


def _kurtosis(evidence: Evidence, std: float) -> float:
    """Return the kurtosis of second differences along rows in the flattest patches that are hardly clipped.

    It is 0 where even those are not flat, compared with noise of a standard deviation in [0, 1] units: grass and gravel
    have long tails of their own.
    """
    picture, half = evidence.observation[0].float().cpu(), PATCH_SIDE // 2
    step = max(half, math.isqrt(picture[0].numel() // MOST_FOR_TAILS))
    patches = picture.unfold(1, PATCH_SIDE, step).unfold(2, PATCH_SIDE, step).flatten(1, 2)  # (C, N, 8, 8)
    if evidence.valid is not None:
        whole = evidence.valid[0, 0].cpu().unfold(0, PATCH_SIDE, step).unfold(1, PATCH_SIDE, step).flatten(0, 1)
        whole = whole.flatten(1).all(1)
        patches = patches[:, whole] if whole.any() else patches
    clipped = ((patches <= 0) | (patches >= 1)).float().mean((0, 2, 3))
    quarters = torch.nn.functional.avg_pool2d(patches, half)
    roughness = quarters.var((2, 3)).sum(0)
    # The least clipped come first, and where too few are hardly clipped, they must do.
    limit = max(CLIPPED_SHARE, float(clipped.quantile(0.1)))
    places = (clipped <= limit).nonzero()[:, 0]
    if limit > MOST_CLIPPED_SHARE:
        return 0.0
    count = min(len(places), max(LEAST_FOR_TAILS, int(FLAT_FOR_TAILS * len(places))))
    if float(roughness[places].sort().values[:count].mean()) > ROUGHEST * len(picture) * std**2 / half**2:
        return 0.0
    flat = patches[:, places[roughness[places].argsort()[:count]]].double()
    differences = (flat[..., :-2] - 2 * flat[..., 1:-1] + flat[..., 2:]).flatten(2)
    scaled = differences / differences.square().mean(2, keepdim=True).clamp(min=1e-12).sqrt()
    kurtosis = scaled.pow(4).mean(2).mean(0)
    return float(kurtosis.mean()) if float(kurtosis.median()) > LEAST_KURTOSIS_OF_MEDIAN else 0.0
