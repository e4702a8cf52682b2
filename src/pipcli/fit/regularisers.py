"""Regularisers of the generated pictures, added to the data term in its unit: means over the samples."""

from torch import Tensor
from torch.nn import functional as F

from pipcli.settings import FitSettings

# Where a picture is flat the root would have an infinite slope. Far below a grey level of 255.
FLATNESS = 1e-8


def _squared_gradients(pictures: Tensor) -> Tensor:
    """Return the squared length of the gradient at each sample, (K, C, ..., H, W), by differences to the next."""
    down = F.pad(pictures.diff(dim=-2), (0, 0, 0, 1))
    right = F.pad(pictures.diff(dim=-1), (0, 1))
    return down.square() + right.square()


def total_variation(pictures: Tensor) -> Tensor:
    """Return the isotropic total variation of (K, C, ..., H, W) pictures, a mean over samples for each: (K).

    Source: Rudin, Osher and Fatemi, "Nonlinear total variation based noise removal algorithms" (Physica D, 1992).
    """
    return (_squared_gradients(pictures) + FLATNESS).sqrt().mean(tuple(range(1, pictures.ndim)))


def tikhonov(pictures: Tensor) -> Tensor:
    """Return the squared gradient of (K, C, ..., H, W) pictures, a mean over samples for each: (K)."""
    return _squared_gradients(pictures).mean(tuple(range(1, pictures.ndim)))


def penalties(pictures: Tensor, settings: FitSettings) -> list[Tensor]:
    """Return the weighted penalties (K) of the settings that are not off."""
    weighted = ((settings.tv, total_variation), (settings.tikhonov, tikhonov))
    return [weight * penalty(pictures) for weight, penalty in weighted if weight]
