"""The sequence of filters: first each place by itself, then with those that resemble it."""

from torch import Tensor

from pipcli.filters.nonlocal_bayes import Filtered, nonlocal_bayes
from pipcli.filters.spectrum import NoiseBounds
from pipcli.filters.wiener import wiener
from pipcli.settings import Patches


def refine(
    pilot: Tensor, observation: Tensor, noise: NoiseBounds, passes: tuple[Patches, ...], workers: int
) -> Filtered:
    """Filter an observation, first each place by itself, then with those that resemble it, in some passes.

    Args:
        pilot: (1, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the picture.
        observation: (1, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        passes: what each looks at, at least one; its pilot is the result of the one before.
        workers: parts of the picture that are worked on at the same time.
    """
    pilot = wiener(pilot, observation, noise, workers)
    *earlier, last = passes
    for patches in earlier:
        pilot = nonlocal_bayes(pilot, observation, noise, patches, workers).picture
    return nonlocal_bayes(pilot, observation, noise, last, workers)
