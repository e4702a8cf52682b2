"""Noise of known strength.

All samples are drawn independently, in the order of rows, columns and channels, by the generator that is handed in:
with `numpy.random.default_rng(seed)` anybody can draw the same without this package.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipcli.simulation.names import NoiseName

Picture = NDArray[np.float64]


def gaussian(picture: Picture, std: float, generator: np.random.Generator) -> Picture:
    """Add normal noise of a standard deviation in [0, 1] units."""
    return picture + generator.normal(0.0, std, picture.shape)


def laplace(picture: Picture, std: float, generator: np.random.Generator) -> Picture:
    """Add Laplace noise of a standard deviation in [0, 1] units: more small and more large errors than normal noise."""
    return picture + generator.laplace(0.0, std / np.sqrt(2), picture.shape)


def poisson(picture: Picture, level: float, generator: np.random.Generator) -> Picture:
    """Count photons, `level` of them on average at white, and scale the counts back."""
    return generator.poisson(picture * level) / level


def impulse(picture: Picture, share: float, generator: np.random.Generator) -> Picture:
    """Replace a share of the samples, half of it by black and half by white: salt and pepper."""
    draw = generator.random(picture.shape)
    return np.where(draw < share / 2, 0.0, np.where(draw < share, 1.0, picture))


def speckle(picture: Picture, relative: float, generator: np.random.Generator) -> Picture:
    """Multiply by normal noise of mean 1 and this standard deviation."""
    return picture * generator.normal(1.0, relative, picture.shape)


NOISES: dict[NoiseName, Callable[[Picture, float, np.random.Generator], Picture]] = {
    NoiseName.GAUSSIAN: gaussian,
    NoiseName.LAPLACE: laplace,
    NoiseName.POISSON: poisson,
    NoiseName.IMPULSE: impulse,
    NoiseName.SPECKLE: speckle,
}
"""Each by its name: of a picture, its strength and a generator."""
