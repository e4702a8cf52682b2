"""The noise of a camera's photo, after demosaicing, the camera's own filter and JPEG.

Neighbours are correlated, colours are blotchy, and the strength depends on the brightness; `NoiseSpectrum` says how,
and `camera_look` reads it in the photo. A filter that knows it needs no whitening (see `filters.coloured`).
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import Evidence, Noise, Whitened, origin_of
from pipcli.noise.blocks import opponent
from pipcli.noise.camera_look import look_for_camera_noise
from pipcli.noise.patches import PATCH_SIDE
from pipcli.settings import NoiseName
from pipcli.spectra import NoiseSpectrum

# A photo that shows a camera's noise with less trust is not taken for one, unless the user says so.
LEAST_TRUST = 0.4
# Pixels that are this far apart along a row are correlated by less than this share, or more.
CORRELATED, FARTHEST = 0.2, 16
# The side of the square, in pixels, whose mean is the brightness at its middle.
BRIGHTNESS_SIDE = 9


@dataclass(frozen=True)
class Camera(Noise):
    """A camera's noise; its level is the overall standard deviation in grey levels of 255."""

    name: ClassVar[NoiseName] = NoiseName.CAMERA
    unit: ClassVar[str] = "sigma"
    misfit_is_squared_error: ClassVar[bool] = True
    # Networks reproduce what is correlated, and pixels held out do not tell it from the picture.
    filtered_alone: ClassVar[bool] = True

    spectrum: NoiseSpectrum

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Camera":
        """Return the noise of an observation, with the spectrum that is read in it.

        What is read with doubt counts less. A level that is given is that of the whole, with the spectrum as it is.
        """
        look = look_for_camera_noise(evidence)
        if look is None:
            std = 0.0 if level is None else level / 255
            return cls(255 * std, origin_of(level), std, _white(evidence.observation.shape[1], std))
        found = _std(look.spectrum, evidence.observation)
        trusted = look.trust if look.trust >= LEAST_TRUST else 1.0
        std = found * math.sqrt(trusted) if level is None else level / 255
        return cls(255 * std, origin_of(level), std, look.spectrum.scaled((std / max(found, 1e-6)) ** 2))

    def scaled(self, strength: float) -> Self:
        """Return the noise with so many times the standard deviation at every frequency."""
        return replace(super().scaled(strength), spectrum=self.spectrum.scaled(strength**2))

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the squared difference."""
        return (prediction - observation).square()

    def drawn(self, observation: Tensor, generator: torch.Generator) -> Tensor | None:
        """Return fresh noise of the spectrum, at the brightness around each pixel; None where it is not correlated."""
        if self._reach() == 1:
            return None
        mixing = torch.from_numpy(opponent(observation.shape[1]))
        drawn = self.spectrum.drawn(_brightness(observation), generator)
        return torch.einsum("ji,njhw->nihw", mixing.to(drawn), drawn).to(observation)

    def expected_misfit(self, observation: Tensor) -> float:
        """Return the mean variance at the observation's brightnesses."""
        return _std(self.spectrum, observation) ** 2

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return both as they are, with the spectrum of the noise."""
        return Whitened(
            observation, pilot, self.expected_misfit(observation), lambda estimate: estimate, spectrum=self.spectrum
        )

    @property
    def words(self) -> str:
        """The noise in words for the user."""
        shadows, lights = self._grey_levels()
        return (
            f"{self.name} noise, correlated over {self._reach()} pixels, {shadows:.1f} grey levels in shadows, "
            f"{lights:.1f} in lights{self._in_colour()} ({self._origin_in_words})"
        )

    def _grey_levels(self) -> tuple[float, float]:
        """Return the standard deviations of the brightness at the darkest and the brightest level."""
        variance = self.spectrum.variances()[0] / len(self.spectrum.power)
        first, last = self.spectrum.strengths[0][0], self.spectrum.strengths[-1][0]
        return 255 * math.sqrt(variance * first), 255 * math.sqrt(variance * last)

    def _in_colour(self) -> str:
        variances = self.spectrum.variances()
        if len(variances) == 1:
            return ""
        return f", {math.sqrt(variances[1:].mean() / max(variances[0], 1e-12)):.1f} times in colour"

    def _reach(self) -> int:
        """The correlation length along a row, in pixels, at least 1."""
        covariances = self.spectrum.covariances(FARTHEST)
        below = np.flatnonzero(covariances < CORRELATED * max(covariances[0], 1e-12))
        return max(1, int(below[0])) if len(below) else FARTHEST


def shows_camera_noise(evidence: Evidence) -> bool:
    """Return whether an observation clearly has the noise of a camera."""
    look = look_for_camera_noise(evidence)
    return look is not None and look.trust >= LEAST_TRUST


def _brightness(observation: Tensor) -> Tensor:
    """Return the (N, h, w) brightness around each pixel of a (N, C, h, w) observation, in [0, 1]."""
    grey = observation.cpu().mean(1, keepdim=True)
    side = min(BRIGHTNESS_SIDE, *(2 * ((length - 1) // 2) + 1 for length in grey.shape[-2:]))
    around = torch.nn.functional.avg_pool2d(grey, side, 1, side // 2, count_include_pad=False)
    return around[:, 0].clamp(0, 1)


def _std(spectrum: NoiseSpectrum, observation: Tensor) -> float:
    """Return the standard deviation over a whole (N, C, h, w) observation."""
    level = torch.nn.functional.avg_pool2d(observation.cpu(), PATCH_SIDE, ceil_mode=True).mean(1)
    relative = spectrum.relative(level).flatten(0, -2).double().mean(0).numpy()
    return math.sqrt(float((spectrum.variances() * relative).mean()))


def _white(channels: int, std: float) -> NoiseSpectrum:
    """Return the spectrum of white noise of the same strength everywhere."""
    return NoiseSpectrum((0.0, 0.5), ((std**2, std**2),) * channels, (0.0, 1.0), ((1.0,) * channels,) * 2)
