"""Non-local filtering of coloured noise with a known spectrum and variance over brightness (camera noise).

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

In a clip patches are followed along the motion as if the noise of each frame were its own. On noise that was made with
a correlation of 0.4 between frames, telling the filter so made the result 0.7 dB worse: the means of frames were
smoothed more, their differences less.

The first pilot of each scale is the observation: the variance of the noise is then taken off the covariance of the
patches, as in the first of the two steps of Lebrun et al.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.execution import Execution
from pipcli.refine.nonlocal_bayes import LEAST_VARIANCE, Pass, passed
from pipcli.refine.spectrum import Filtered, NoiseBounds, opponent, turn
from pipcli.refine.trajectories import Motion, followed
from pipcli.settings import Patches
from pipcli.spectra import NoiseSpectrum

# The noise is counted this many times, in grey and in the differences of colour: patches that the pilot shows as
# similar share some of their noise, all the more as it is coarse. Of (1.5, 4), (2.5, 5) and (3.5, 6) the last was best
# on three photos of cameras and on one with much texture, and the one between on a fourth.
COUNTED = (3.0, 6.0)
# Of more passes than these the first is left out at the finest scale: it gains 0.05 dB.
FEW = 2
# The side of a place, in pixels, over which what was taken is compared with the noise. Of sides of 11 to 25 the largest
# lost least on photos with noise and gave as much of a texture back.
PLACE = 25
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
    execution: Execution,
) -> Filtered:
    """Filter an observation, coarse scales first, then in some passes.

    Args:
        observation: (T, C, H, W) float32 in [0, 1], C being 1 or 3.
        spectrum: of its noise.
        passes: what each looks at; the first is of the first pilot and the coarse scales, and of the finest only where
            there is one more at most. Those that do not fit the picture are left out; one must
            fit.
        execution: how to run.
    """
    fitting = [patches for patches in passes if patches.fit(*observation.shape[-2:])]
    filtered = Filtered(_pilot(observation, spectrum, fitting[0], execution), 1.0)
    for patches in fitting[1:] if len(fitting) > FEW else fitting:
        if execution.watch.must_end():
            break
        motion = followed(filtered.picture, patches.frames, execution.motion_of)
        filtered = _filtered(filtered.picture, observation, spectrum, patches, execution.workers, motion=motion)
    return Filtered(give_back(filtered.picture, observation, spectrum).clamp(0, 1), filtered.influence)


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


def _pilot(observation: Tensor, spectrum: NoiseSpectrum, patches: Patches, execution: Execution) -> Tensor:
    """Return the first pilot, which all scales have had a part in."""
    workers = execution.workers
    coarser: tuple[int, Tensor] | None = None
    for scale in SCALES:
        seen = _coarse(observation, scale)
        if patches.fit(*seen.shape[-2:]) and not execution.watch.must_end():
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


def give_back(picture: Tensor, observation: Tensor, spectrum: NoiseSpectrum) -> Tensor:
    """Give back to a filtered picture what was taken from places where that is more than noise.

    What is taken from a place is noise and, where it is more than the noise, texture. With r, its mean square in units
    of the noise's variance, the texture lost is r - 1 of these and the noise in the observation 1: the sum of both
    errors is least with 1 - 1/r of what was taken given back. In a place there are few samples that are independent, so
    that r counts from one standard deviation above that of noise.

    Args:
        picture: (T, C, H, W) float32 in [0, 1], filtered.
        observation: (T, C, H, W) float32 in [0, 1].
        spectrum: of its noise.
    """
    colours = opponent(picture.shape[1])
    taken = turn(colours, observation - picture)
    level = _local_mean(picture.mean(1, keepdim=True))[:, 0].clamp(0, 1)
    variances = torch.from_numpy(spectrum.variances()).to(picture)[:, None, None]
    noise = spectrum.relative(level).movedim(-1, 1) * variances
    samples = PLACE**2 / torch.from_numpy(spectrum.correlated()).to(picture)[:, None, None]
    excess = _local_mean(taken.square()) / noise.clamp(min=LEAST_VARIANCE) / (1 + (2 / samples).sqrt())
    share = _local_mean(1 - 1 / excess.clamp(min=1.0))
    return picture + turn(colours.T, share * taken)


def _local_mean(picture: Tensor) -> Tensor:
    """Return the means around each pixel."""
    side = min(PLACE, *(2 * ((length - 1) // 2) + 1 for length in picture.shape[-2:]))
    return F.avg_pool2d(picture, side, 1, side // 2, count_include_pad=False)
