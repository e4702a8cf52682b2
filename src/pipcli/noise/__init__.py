"""The kinds of noise: each has a misfit (data term) and a form in which a Gaussian denoiser can treat it.

A new kind is a file beside these and a row of `NOISES`.
"""

from pipcli.noise.base import Evidence, Noise, Origin, Whitened
from pipcli.noise.camera import Camera
from pipcli.noise.detection import detect
from pipcli.noise.gaussian import Gaussian, clipped_noise_variance, estimate_noise_std, undo_clipping
from pipcli.noise.impulse import Impulse
from pipcli.noise.jpeg import Jpeg
from pipcli.noise.laplace import Laplace
from pipcli.noise.poisson import Poisson
from pipcli.noise.speckle import Speckle
from pipcli.settings import NoiseName

NOISES: dict[NoiseName, type[Noise]] = {
    kind.name: kind for kind in (Gaussian, Poisson, Laplace, Impulse, Speckle, Jpeg, Camera)
}

__all__ = [
    "NOISES",
    "Camera",
    "Evidence",
    "Gaussian",
    "Noise",
    "Origin",
    "Whitened",
    "clipped_noise_variance",
    "detect",
    "estimate_noise_std",
    "undo_clipping",
]
