"""The mask of informative samples of an observation, from several sources."""

from torch import Tensor


def both(observed: Tensor | None, known: Tensor | None) -> Tensor | None:
    """Return the samples that are in both (1, C or 1, H, W) masks, where None is all."""
    if observed is None or known is None:
        return known if observed is None else observed
    return observed & known
