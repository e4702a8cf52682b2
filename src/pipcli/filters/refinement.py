"""The sequence of filters: first each place by itself, then with those that resemble it."""

from collections.abc import Callable

from torch import Tensor

from pipcli.filters.nonlocal_bayes import nonlocal_bayes
from pipcli.filters.spectrum import Filtered, NoiseBounds
from pipcli.filters.wiener import wiener
from pipcli.settings import Patches


def refine(
    pilot: Tensor,
    observation: Tensor,
    noise: NoiseBounds,
    passes: tuple[Patches, ...],
    workers: int,
    must_end: Callable[[], bool],
) -> Filtered:
    """Filter an observation, first each place by itself, then with those that resemble it, in some passes.

    Args:
        pilot: (1, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the picture.
        observation: (1, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        passes: what each looks at; its pilot is the result of the one before. Those that do not fit the picture are
            left out.
        workers: parts of the picture that are worked on at the same time.
        must_end: asked between two passes whether to do without the rest.
    """
    filtered = wiener(pilot, observation, noise, workers)
    for patches in passes:
        if patches.fit(*observation.shape[-2:]) and not must_end():
            filtered = nonlocal_bayes(filtered.picture, observation, noise, patches, workers)
    return filtered
