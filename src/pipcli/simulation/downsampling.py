"""Reduction by a whole factor with a kernel that is stretched by the factor, so that nothing aliases.

An output pixel lies at the centre of its block of input pixels. The kernels are those of Pillow's reducing `resize`,
which made the low-resolution pictures of the published results, and like there the weights that fall outside of the
picture are left out and the rest scaled to sum to one. Lanczos: the sinc function windowed by its central lobe
stretched three times (Duchon, Journal of Applied Meteorology 18, 1979); bicubic: Keys, IEEE Transactions on Acoustics,
Speech and Signal Processing 29(6), 1981, with a = -1/2.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipcli.simulation.names import KernelName

Values = NDArray[np.float64]

# Standard deviation of the Gaussian in blocks, and where it is cut off, in standard deviations.
GAUSSIAN_STD, _GAUSSIAN_REACH = 0.4, 4.0


def _lanczos(at: Values) -> Values:
    return np.where(np.abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0.0)


def _bicubic(at: Values) -> Values:
    near = np.abs(at)
    inner = 1.5 * near**3 - 2.5 * near**2 + 1
    outer = -0.5 * near**3 + 2.5 * near**2 - 4 * near + 2
    return np.where(near < 1, inner, np.where(near < 2, outer, 0.0))


def _box(at: Values) -> Values:
    return np.where(np.abs(at) < 0.5, 1.0, 0.0)


def _gaussian(at: Values) -> Values:
    return np.where(np.abs(at) < _GAUSSIAN_REACH * GAUSSIAN_STD, np.exp(-((at / GAUSSIAN_STD) ** 2) / 2), 0.0)


# Each with the distance, in blocks, from which on it is zero.
_KERNELS: dict[KernelName, tuple[Callable[[Values], Values], float]] = {
    KernelName.LANCZOS: (_lanczos, 3.0),
    KernelName.BICUBIC: (_bicubic, 2.0),
    KernelName.BOX: (_box, 0.5),
    KernelName.GAUSSIAN: (_gaussian, _GAUSSIAN_REACH * GAUSSIAN_STD),
}


def weights(kernel: KernelName, scale: int) -> Values:
    """Return the kernel's values, summing to one, at the input pixels around the centre of a block, symmetrically."""
    shape, reach = _KERNELS[kernel]
    beyond = int(np.ceil(reach * scale - scale / 2))  # input pixels on each side of the block that it may touch
    offsets = np.arange(-beyond, scale + beyond) + 0.5 - scale / 2
    values = shape(offsets / scale)
    return np.asarray(values / values.sum())


def downsampled(picture: Values, scale: int, kernel: KernelName) -> Values:
    """Reduce a (scale * h, scale * w, C) picture to (h, w, C)."""
    profile = weights(kernel, scale)
    columns = _reduced(picture, profile, scale)
    return _reduced(columns.swapaxes(0, 1), profile, scale).swapaxes(0, 1)


def _reduced(picture: Values, profile: Values, scale: int) -> Values:
    """Return the weighted means along the first axis."""
    length = picture.shape[0] // scale
    beyond = (len(profile) - scale) // 2
    edges = [(beyond, beyond), *[(0, 0)] * (picture.ndim - 1)]
    padded = np.pad(picture, edges)
    inside = np.pad(np.ones(picture.shape[0]), beyond)
    total = np.zeros((length, *picture.shape[1:]))
    share = np.zeros(length)
    for at, weight in enumerate(profile):
        taken = slice(at, at + scale * length, scale)
        total += weight * padded[taken]
        share += weight * inside[taken]
    return total / share.reshape(-1, *[1] * (picture.ndim - 1))
