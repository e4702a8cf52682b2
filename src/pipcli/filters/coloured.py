"""Filtering noise whose spectrum and curve over the brightness are known, such as that of a camera's photo.

The non-local filter weighs what similar patches have in common against the noise, coefficient by coefficient, so that
noise that is not white needs no whitening, which would amplify frequencies that hold next to nothing: each
coefficient's variance is that which the spectrum gives it, times the curve at the brightness of the patches (Lebrun,
Buades and Morel, "A Nonlocal Bayesian Image Denoising Algorithm", SIAM Journal on Imaging Sciences 2013, allow for any
covariance of the noise).

Coarse noise, the blotches of colour, is wider than a patch. So a picture of a quarter of the size is filtered first,
whose patches see four times as far, then one of half the size, and each gives the next finer pilot its coarse part.
That noise is to be taken out at several scales is of Lebrun, Colom and Morel, "Multiscale Image Blind Denoising" (IEEE
Transactions on Image Processing 24(10), 2015). Ours is that only the pilots are passed on: at the last scale all is
weighed once more against the observation itself.

The first pilot of each scale is the observation: the variance of the noise is then taken off the covariance of the
patches, as in the first of the two steps of Lebrun et al.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.filters.nonlocal_bayes import LEAST_VARIANCE, Pass, passed
from pipcli.filters.spectrum import Filtered, NoiseBounds
from pipcli.settings import Patches
from pipcli.spectra import NoiseSpectrum
from pipcli.trajectories import Motion, MotionOf, followed

# The noise is counted this many times, in grey and in the differences of colour: patches that the pilot shows as
# similar share some of their noise, all the more as it is coarse. Of 1.5 to 4, and 3 to 6, the most were best.
COUNTED = (4.0, 6.0)
# The pixels of which a sample of each scale is the mean, from coarse to fine.
SCALES = (4, 2)


class _ColouredPass(Pass):
    """One pass over frames, whose noise has a spectrum and a curve."""

    def __init__(
        self,
        pilot: Tensor,
        observation: Tensor,
        spectrum: NoiseSpectrum,
        patches: Patches,
        *,
        coarseness: int = 1,
        noisy_pilot: bool = False,
        motion: Motion | None = None,
    ) -> None:
        """Take the frames in opponent colours, whose pixels are means of those that the spectrum is of."""
        super().__init__(pilot, observation, NoiseBounds(0.0, 0.0), patches, motion)
        self.spectrum = spectrum
        self.noisy_pilot = noisy_pilot
        self.channels = pilot.shape[1]
        factors = torch.tensor([COUNTED[0]] + [COUNTED[1]] * (self.channels - 1))
        bands = spectrum.bands(patches.side, coarseness) * factors[:, None]
        self.variance = bands.flatten().to(pilot).clamp(min=LEAST_VARIANCE)

    def _variance_at(self, mean: Tensor) -> Tensor:
        if len(self.pilot) > 1:  # the mean of a frequency in time tells no brightness
            return self.variance[None]
        level = mean[:, 0, 0] / (self.patches.side * self.channels**0.5)
        relative = self.spectrum.relative(level)
        by_colour = self.variance.view(1, self.channels, -1) * relative[:, :, None]
        return by_colour.flatten(1).clamp(min=LEAST_VARIANCE)

    def _covariance(self, covariance: Tensor, variance: Tensor) -> Tensor:
        if not self.noisy_pilot:
            return covariance
        values, vectors = torch.linalg.eigh(covariance - variance.diag_embed())
        positive: Tensor = (vectors * values.clamp(min=0)[:, None]) @ vectors.mT
        return positive


def refine_coloured(
    observation: Tensor,
    spectrum: NoiseSpectrum,
    passes: tuple[Patches, ...],
    workers: int,
    must_end: Callable[[], bool],
    motion_of: MotionOf | None = None,
) -> Filtered:
    """Filter an observation, coarse scales first, then in some passes.

    Args:
        observation: (T, C, H, W) float32 in [0, 1], C being 1 or 3.
        spectrum: of its noise.
        passes: what each looks at; the first is of the coarse scales too. Those that do not fit the picture are left
            out.
        workers: parts of the picture that are worked on at the same time.
        must_end: asked between two passes whether to do without the rest.
        motion_of: asked before each pass for the motion; None for frames that have nothing to do with each other.
    """
    fitting = [patches for patches in passes if patches.fit(*observation.shape[-2:])]
    if not fitting:
        return Filtered(observation, 1.0)
    filtered = Filtered(_pilot(observation, spectrum, fitting[0], workers, must_end), 1.0)
    for patches in fitting:
        if must_end():
            break
        motion = followed(filtered.picture, patches.frames, motion_of)
        filtered = _filtered(filtered.picture, observation, spectrum, patches, workers, motion=motion)
    return filtered


def _filtered(
    pilot: Tensor,
    observation: Tensor,
    spectrum: NoiseSpectrum,
    patches: Patches,
    workers: int,
    *,
    coarseness: int = 1,
    noisy_pilot: bool = False,
    motion: Motion | None = None,
) -> Filtered:
    def made(known: Tensor, seen: Tensor) -> Pass:
        return _ColouredPass(
            known, seen, spectrum, patches, coarseness=coarseness, noisy_pilot=noisy_pilot, motion=motion
        )

    return passed(made, pilot, observation, patches, workers)


def _pilot(
    observation: Tensor, spectrum: NoiseSpectrum, patches: Patches, workers: int, must_end: Callable[[], bool]
) -> Tensor:
    """Return the first pilot, which all scales have had a part in."""
    coarser: tuple[int, Tensor] | None = None
    for scale in SCALES:
        seen = _coarse(observation, scale)
        if patches.fit(*seen.shape[-2:]) and not must_end():
            pilot = _first(seen, spectrum, patches, workers, scale, coarser)
            coarser = scale, _filtered(pilot, seen, spectrum, patches, workers, coarseness=scale).picture
    return _first(observation, spectrum, patches, workers, 1, coarser)


def _first(
    seen: Tensor,
    spectrum: NoiseSpectrum,
    patches: Patches,
    workers: int,
    scale: int,
    coarser: tuple[int, Tensor] | None,
) -> Tensor:
    """Return the pilot of a scale: the first step's, with the coarse part of the next coarser scale's picture."""
    pilot = _filtered(seen, seen, spectrum, patches, workers, coarseness=scale, noisy_pilot=True).picture
    if coarser is None:
        return pilot
    factor, picture = coarser[0] // scale, coarser[1]
    change = F.interpolate(picture - _coarse(pilot, factor), scale_factor=factor, mode="bilinear")
    return (pilot + change[..., : pilot.shape[-2], : pilot.shape[-1]]).clamp(0, 1)


def _coarse(picture: Tensor, scale: int) -> Tensor:
    """Return the means of squares of pixels, whose last row and column are repeated as needed."""
    missing = [-length % scale for length in picture.shape[-2:]]
    return F.avg_pool2d(F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate"), scale)
