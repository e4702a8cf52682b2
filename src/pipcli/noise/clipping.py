"""The first two moments of a censored normal variable: Gaussian noise clipped to [0, 1]."""

import numpy as np
import torch

from pipcli.noise.patches import Floats


def censored_mean(level: Floats, std: float) -> Floats:
    """Mean of normal variables of the given levels after clipping to [0, 1]; rises with the level."""
    below, above = -level / std, (1 - level) / std
    density_below, density_above = (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) for z in (below, above))
    inside = normal_cdf(above) - normal_cdf(below)
    mean: Floats = level * inside + std * (density_below - density_above) + 1 - normal_cdf(above)
    return mean


def variance_ratio(clipped_mean: Floats, std: float) -> Floats:
    """Variance that clipping to [0, 1] leaves of Gaussian noise, over `std` squared.

    The first two moments of a normal variable censored at 0 and 1, with the clean level eliminated: levels are
    tabulated against the mean they show after clipping, and the table is read backwards.

    Args:
        clipped_mean: any shape, mean after clipping, in [0, 1].
        std: nominal sigma, above 0, in [0, 1] units.

    Returns:
        Ratio in (0, 1], shaped like `clipped_mean`; near 0 where everything is clipped.
    """
    level = np.linspace(-3 * std, 1 + 3 * std, 2001)
    below, above = -level / std, (1 - level) / std
    inside = normal_cdf(above) - normal_cdf(below)
    density_below, density_above = (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) for z in (below, above))
    ones = 1 - normal_cdf(above)
    mean = censored_mean(level, std)
    square = (level**2 + std**2) * inside + std * (level * density_below - (1 + level) * density_above) + ones
    ratio: Floats = np.interp(clipped_mean, mean, (square - mean**2) / std**2)
    return np.clip(ratio, 1e-6, 1.0)


def normal_cdf(z: Floats) -> Floats:
    """Standard normal distribution function, elementwise."""
    values: Floats = torch.special.ndtr(torch.from_numpy(z)).numpy()
    return values
