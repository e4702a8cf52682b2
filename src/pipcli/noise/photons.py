"""Photon counting: with few photons each sample is a small integer, and the picture has few, evenly spaced levels.

Posters and dithered pictures have few levels, too. Only photon counts have Poisson statistics: the mean squared
difference of two neighbouring counts equals the mean of their sum, and they lie at random places. The test and its
thresholds are ours.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.noise.scattering import is_scattered

# A picture of two levels is a drawing: a code of bars or dots has them at random places, too.
FEWEST_LEVELS, MOST_LEVELS = 3, 128
MOST_SAMPLES = 300_000
LEAST_UNIT = 2.5 / 255  # of a level; below this 8-bit rounding hides the spacing
OFF_LEVEL = 0.6 / 255  # 8-bit rounding, and a little
# Mean squared difference of neighbours' counts over the mean of their sum, and over the share that is not clipped at
# white: 1 for photons, more where the picture itself varies. Posters have 0.3 at most, strokes of one pixel 0.5.
LEAST_DISPERSION = 0.7
# Variance over mean in blocks: 1 for photons, and more where the picture itself varies in most places.
MOST_DISPERSION, BLOCK, LEAST_MEAN = 3.5, 4, 0.25
MOST_WHITE = 0.65  # with one photon at white, 0.63 of the samples of a white picture have one or more
TRIES = 401
SMALLEST_SIDE = 16


def counted_photons(observation: Tensor, valid: Tensor | None = None) -> float | None:
    """Return the number of photons at white if every sample of a picture is a photon count, else None.

    Args:
        observation: (1, C, H, W) float32 in [0, 1], which may be rounded to 8 bits.
        valid: (1, 1, H, W) booleans of the pixels that count, see `Evidence`; None is all.
    """
    if min(observation.shape[-2:]) < SMALLEST_SIDE:
        return None
    unit = _spacing(observation if valid is None else observation[valid.expand_as(observation)])
    if unit is None:
        return None
    counts = (observation / unit).round()
    if _dispersion_of_blocks(counts) > MOST_DISPERSION:
        return None
    white = float((observation >= 1).float().mean())
    if white > MOST_WHITE:
        return None
    dispersion = _dispersion(counts) / (1 - white)
    return 1 / unit if dispersion >= LEAST_DISPERSION and is_scattered(counts) else None


def _spacing(observation: Tensor) -> float | None:
    """Return the distance of evenly spaced levels from 0 upwards, of which samples have few, else None."""
    samples = observation.detach().flatten()
    levels = torch.unique(samples[:: max(1, len(samples) // MOST_SAMPLES)]).double().cpu()
    if not FEWEST_LEVELS <= len(levels) <= MOST_LEVELS:
        return None
    middle = float(levels.diff().median())
    if middle < LEAST_UNIT:
        return None
    levels = levels[levels < 1]  # where counts are clipped
    units = torch.linspace(middle - 1 / 255, middle + 1 / 255, TRIES, dtype=torch.float64)[:, None]
    off = (levels - (levels / units).round() * units).abs().amax(dim=1)
    best = int(off.argmin())
    return float(units[best]) if float(off[best]) <= OFF_LEVEL else None


def _dispersion_of_blocks(counts: Tensor) -> float:
    """Return the index of dispersion (variance over mean) of counts: the median over small blocks with any."""
    mean = F.avg_pool2d(counts, BLOCK)
    some = mean >= LEAST_MEAN
    if not bool(some.any()):
        return 0.0
    variance = F.avg_pool2d(counts.square(), BLOCK) - mean.square()
    return float((variance / mean.clamp(min=LEAST_MEAN))[some].median()) * BLOCK**2 / (BLOCK**2 - 1)


def _dispersion(counts: Tensor) -> float:
    """Return the mean squared difference of neighbours' counts over the mean of their sum."""
    pairs = ((counts[..., 1:], counts[..., :-1]), (counts[..., 1:, :], counts[..., :-1, :]))
    differences = sum(float((first - second).square().sum()) for first, second in pairs)
    sums = sum(float((first + second).sum()) for first, second in pairs)
    return differences / max(sums, 1e-9)
