"""How the kernel of an unknown blur is estimated."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelTry:
    """What differs between two tries to estimate a kernel.

    Attributes:
        sparsity: weight of a pixel with a gradient in the sharp picture, at the start.
        ridge: weight of the squares of the kernel, for each pixel of the part that is looked at.
        least_part: share of the kernel's sum below which a part of it is a speck.
    """

    sparsity: float
    ridge: float
    least_part: float


@dataclass(frozen=True)
class KernelSettings:
    """How the kernel of an unknown blur is estimated.

    Attributes:
        tries: made with each size of the window.
        sizes: of the window where none is given, odd, in pixels.
        rounds: of picture and kernel at each scale.
        steps: of each fit of the kernel.
        sparsity_decay: by which the weight of sparsity falls every round.
        least_sparsity: down to which it falls.
        least_std: standard deviation up to which noise is taken for granted, in [0, 1] units: no blur is quite the same
            all over a picture.
        side: of the part of the picture that is looked at, in pixels.
        polish_rounds: of gradients and kernel, with which the best try is made more probable.
        growth: by how many pixels it may then reach further.
        least_polished_part: share of the kernel's sum below which a part of it is then a speck.
        refit_ridge: weight of the squares of a kernel that is fitted to a restored picture, for each of its pixels.
        refit_steps: of that fit.
    """

    tries: tuple[KernelTry, ...]
    sizes: tuple[int, ...]
    rounds: int
    steps: int
    sparsity_decay: float
    least_sparsity: float
    least_std: float
    side: int
    polish_rounds: int
    growth: int
    least_polished_part: float
    refit_ridge: float
    refit_steps: int


KERNEL = KernelSettings(
    tries=(KernelTry(4e-3, 3e-5, 0.03), KernelTry(8e-3, 1e-5, 0.05)),
    sizes=(15, 23, 31, 47),
    rounds=5,
    steps=40,
    sparsity_decay=0.95,
    least_sparsity=1e-4,
    least_std=0.006,
    side=320,
    polish_rounds=8,
    growth=2,
    least_polished_part=0.02,
    refit_ridge=1e-5,
    refit_steps=60,
)
