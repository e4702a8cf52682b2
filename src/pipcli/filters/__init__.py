"""Filters of the observation that take an estimate of the picture as their pilot, and their sequence."""

from torch import Tensor

from pipcli.filters.nonlocal_bayes import Filtered, Patches, nonlocal_bayes
from pipcli.filters.spectrum import NoiseBounds
from pipcli.filters.wiener import wiener

__all__ = ["Filtered", "NoiseBounds", "Patches", "refine"]


def refine(pilot: Tensor, observation: Tensor, noise: NoiseBounds, passes: tuple[Patches, ...], workers: int) -> Filtered:
    """Filter an observation, first each place by itself, then with those that resemble it, in some passes.

    Args:
        pilot: (1, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the picture.
        observation: (1, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        passes: what each looks at; its pilot is the result of the one before.
        workers: parts of the picture that are worked on at the same time.
    """
    filtered = wiener(pilot, observation, noise, workers)
    for patches in passes:
        filtered = nonlocal_bayes(filtered.picture, observation, noise, patches, workers)
    return filtered
