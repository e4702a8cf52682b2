"""How strong noise is at each frequency, in each colour and at each brightness, and what a transform sees of it.

Noise of a camera's photo has been through demosaicing, the camera's own filter and JPEG: neighbours are correlated, the
finest frequencies are nearly empty, and the strength depends on the brightness. Here it is taken to be a stationary
process in each of the opponent colours (see `opponent` of the filters), times a curve over the brightness.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

# Frequencies along each axis, from 0 to a half cycle a pixel, over which a power is summed: finer than any basis here.
GRID = 64
_AXIS = (np.arange(GRID) + 0.5) / (2 * GRID)
_RADIUS = np.hypot(_AXIS[:, None], _AXIS[None])
LEAST_POWER = 1e-12


@dataclass(frozen=True)
class NoiseSpectrum:
    """The power of noise.

    Attributes:
        radii: (R,) rising frequencies in cycles a pixel.
        power: (C, R) at them in each opponent colour, in [0, 1] units squared: white noise of variance v has v at all.
        levels: (B,) rising brightnesses, in [0, 1].
        strengths: (B, C) variance there in units of that of `power`.
    """

    radii: tuple[float, ...]
    power: tuple[tuple[float, ...], ...]
    levels: tuple[float, ...]
    strengths: tuple[tuple[float, ...], ...]

    def scaled(self, factor: float) -> "NoiseSpectrum":
        """Return this spectrum with a factor for the variance."""
        return NoiseSpectrum(
            self.radii,
            tuple(tuple(factor * value for value in row) for row in self.power),
            self.levels,
            self.strengths,
        )

    def variances(self) -> Floats:
        """Return the (C,) variances of a sample, in each opponent colour."""
        return np.array([self._table(colour).mean() for colour in range(len(self.power))])

    def correlated(self) -> Floats:
        """Return in each opponent colour how many samples say as much as one of independent noise: (C,)."""
        tables = [self._table(colour) for colour in range(len(self.power))]
        return np.array([np.square(table).mean() / table.mean() ** 2 for table in tables])

    def covariances(self, farthest: int) -> Floats:
        """Return the (farthest + 1,) mean covariances of samples so many pixels apart in a row, over all colours."""
        rows = np.mean([self._table(colour) for colour in range(len(self.power))], axis=(0, 1))
        waves = np.cos(2 * np.pi * np.outer(np.arange(farthest + 1), _AXIS))
        covariances: Floats = (waves * rows).mean(axis=1)
        return covariances

    def bands(self, side: int, coarseness: int = 1) -> Tensor:
        """Return the (C, side^2) variances of the coefficients of an orthonormal cosine transform of patches.

        Args:
            side: of a patch, in samples.
            coarseness: side of the square of pixels of which a sample is the mean.
        """
        basis = _response(side, coarseness)
        rows = [(basis @ self._table(colour) @ basis.T / GRID**2).ravel() for colour in range(len(self.power))]
        return torch.from_numpy(np.stack(rows)).float()

    def relative(self, level: Tensor) -> Tensor:
        """Return the (..., C) variances at (...) brightnesses in [0, 1], in units of those of `bands`."""
        at = level.detach().double().cpu().numpy()
        columns = [np.interp(at, self.levels, column) for column in zip(*self.strengths, strict=True)]
        return torch.from_numpy(np.stack(columns, axis=-1)).to(level)

    def drawn(self, level: Tensor, generator: torch.Generator) -> Tensor:
        """Return fresh noise, (N, C, h, w) in the opponent colours, at (N, h, w) brightnesses in [0, 1].

        Args:
            level: on the CPU.
            generator: draws it.
        """
        size = (level.shape[-2], level.shape[-1])
        radius = torch.hypot(torch.fft.fftfreq(size[0]).abs()[:, None], torch.fft.rfftfreq(size[1]))
        powers = np.stack([self._power_at(colour, radius.double().numpy()) for colour in range(len(self.power))])
        white = torch.randn(len(level), len(powers), *size, generator=generator)
        coloured: Tensor = torch.fft.irfft2(torch.fft.rfft2(white) * torch.from_numpy(powers).sqrt().float(), s=size)
        return coloured * self.relative(level).movedim(-1, 1).sqrt()

    def _power_at(self, colour: int, radius: Floats) -> Floats:
        logarithms = np.log(np.maximum(self.power[colour], LEAST_POWER))
        power: Floats = np.exp(np.interp(radius, self.radii, logarithms))
        return power

    def _table(self, colour: int) -> Floats:
        """Return the power on the grid of frequencies."""
        return self._power_at(colour, _RADIUS)


@lru_cache
def _response(side: int, coarseness: int) -> Floats:
    """Return (side, GRID) squared magnitudes of the cosines of means of pixels at the frequencies of the grid."""
    place, number = np.arange(side)[None], np.arange(side)[:, None]
    cosines = np.cos(np.pi * (2 * place + 1) * number / (2 * side)) * np.sqrt(2 / side)
    cosines[0] /= np.sqrt(2)
    spread = np.repeat(cosines, coarseness, axis=1) / coarseness
    phases = np.exp(-2j * np.pi * np.outer(np.arange(side * coarseness), _AXIS))
    squared: Floats = np.abs(spread @ phases) ** 2
    return squared
