"""Refinement of denoising: filters guided by the networks' picture, and the second network.

The networks' picture is smooth where they had not yet explained the picture. As the pilot of filters it tells them what
to take from the observation itself. For `--quality best` a branch that sees the noisy picture is joined with that, and
the two together are the pilot of a last pass. A picture of few colours is joined with the expected colours of its
palette instead.

For a clip the filters and the branch see the frames before and after each, along their motion, which is estimated anew
from each better estimate of them.

The weight of the branch in that pilot is the one whose result has the least estimated error. The estimate is Stein's
(Annals of Statistics 1981), which knows the noise and not the picture: the squared residual, less the variance of the
noise, plus twice that variance times the derivative of each sample by itself. That the pilot depends on the observation
too is left out; it is much the same for all that are compared. In a clip it is not: the filtered frames, of which many
others have been part in every pass, are flattered, and the branch is believed if it is not clearly worse.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from pipcli.fit.device import Device, workers_for
from pipcli.refine.coloured import refine_coloured
from pipcli.refine.execution import Execution
from pipcli.refine.inverse import join
from pipcli.refine.nonlocal_bayes import REGION, nonlocal_bayes
from pipcli.refine.observation import Observation
from pipcli.refine.palette import with_palette
from pipcli.refine.passes import refine
from pipcli.refine.r2r import Branch
from pipcli.refine.spectrum import Filtered, NoiseBounds
from pipcli.refine.stein import Seen
from pipcli.refine.trajectories import followed
from pipcli.settings import BranchSettings, FinishSettings
from pipcli.watch import UNWATCHED, Watch

# Of the branch in the pilot of the last pass. More was never best where we measured it.
WEIGHTS = (0.0, 0.25, 0.5)
# By how much of the variance of the noise the estimate may flatter the filters of a clip: it was 0.0009 at most on
# three clips, on each of which half the branch was best by 0.14 to 0.2 dB and looked worst.
FLATTERED = 0.0025
# A filter that takes out this many times what the noise is has taken out picture too. Less may be an error of sigma.
MOST_TAKEN = 1.25
# Where sigma is an estimate, of flat places and the finest detail, noise may be stronger elsewhere. With more than this
# the result could be farther from the picture than the observation is.
MOST_TAKEN_UNKNOWN = 2.0
# Weaker noise than this is not told from texture: what was taken out may be white and a part of the picture.
WEAK_STD = 4 / 255
# What was taken out is white if neighbours are correlated by no more than this, up or down. If it is not, it may be
# texture; and it is not the noise that recorrupted pairs are for.
LARGEST_CORRELATION = 0.15

# Noise below this is hardly more than rounding, which says little of colours.
LEAST_STD = 1 / 255
# Standard errors by which the mean of the result is clearly not that of the observation.
CLEAR_ERRORS = 5.0


class BranchUse(StrEnum):
    """What became of the branch that sees the noisy picture."""

    JOINED = "joined"
    CUT_SHORT = "cut short"
    UNSUITABLE = "not for this noise"
    UNNEEDED = "not needed"
    FAILED = "failed"


@dataclass(frozen=True)
class Finished:
    """The end of a restoration.

    Attributes:
        image: (T, C, H, W) float32 in [0, 1]; a picture is one frame.
        given_back: share of what the filters took that was given back, since it was more than noise.
        branch: what became of the branch; None where none was asked for.
        branch_weight: of the branch in the pilot of the last pass; None where it was not joined.
        networks_weight: of the networks' picture beside what filters made; None where it was not weighed so.
    """

    image: Tensor
    given_back: float = 0.0
    branch: BranchUse | None = None
    branch_weight: float | None = None
    networks_weight: float | None = None


def finish(
    image: Tensor,
    observation: Observation,
    settings: FinishSettings,
    device: Device,
    seed: int,
    watch: Watch = UNWATCHED,
) -> Finished:
    """Make the best of the networks' picture, the observation, and what is known of the noise.

    Args:
        image: (T, C, H, W) float32 in [0, 1], on the CPU: the networks' frames; a picture is one.
        observation: of the frames; settings with a splitting want to know how it was degraded.
        settings: which filters, and whether there is a branch.
        device: where to train and filter.
        seed: of the branch.
        watch: is told of the branch, and may end the work between two passes and between two steps of the branch.
    """
    finished = Finished(image)
    if settings.splitting is not None and observation.degraded is not None:
        # The map would have to be known in the form in which noise of other kinds is white: here all are Gaussian.
        joined = join(image, observation, settings.splitting, device, watch)
        return Finished(joined.image, networks_weight=joined.networks_weight)
    if not settings.passes:
        return finished
    for _ in range(observation.noise.passes):
        finished = _Finish(finished.image, observation, settings, device, seed, watch).run()
    return finished


class _Finish:
    """The way of some frames in the form in which its noise is white."""

    def __init__(
        self,
        image: Tensor,
        observation: Observation,
        settings: FinishSettings,
        device: Device,
        seed: int,
        watch: Watch,
    ) -> None:
        self.noise = noise = observation.noise
        self.whitened = whitened = noise.whitened(observation.samples, image)
        self.settings = settings
        self.device = device
        self.seed = seed
        self.watch = watch
        self.motion_of = observation.motion_of
        target = device.torch_device
        self.observation, self.pilot = whitened.observation.to(target), whitened.pilot.to(target)
        # Of noise whose level we had to estimate we do not know either that it is white.
        least = whitened.variance
        seen = noise.strength**2
        self.bounds = NoiseBounds(least, seen=seen) if noise.estimated else NoiseBounds(least, least)
        places = math.prod(math.ceil(length / REGION) for length in self.observation.shape[-2:])
        self.regions = len(self.observation) * places

    def run(self) -> Finished:
        """Filter, join and restore."""
        if self.whitened.variance == 0:
            return Finished(self.whitened.restore(self.whitened.observation))
        passes = self.settings.passes
        with workers_for(self.regions, self.device) as workers:
            execution = Execution(workers, self.watch, self.motion_of)
            if self.whitened.spectrum is None or not any(one.fit(*self.observation.shape[-2:]) for one in passes):
                filtered = refine(self.pilot, self.observation, self.bounds, passes, execution)
            else:
                filtered = refine_coloured(self.observation, self.whitened.spectrum, passes, execution)
            flat = self._with_palette(filtered, execution)
        use, weight = None, None
        if flat is not None:
            filtered, use = flat, None if self.settings.branch is None else BranchUse.UNNEEDED
        elif self.settings.branch is not None:
            filtered, use, weight = self._with_branch(filtered, self.settings.branch)
        share = self._share_of_picture_taken(filtered)
        picture = self._of_right_mean(torch.lerp(filtered.picture, self.observation, share)).cpu()
        return Finished(self.whitened.restore(picture.clamp(0, 1)), share, use, weight)

    def _with_palette(self, filtered: Filtered, execution: Execution) -> Filtered | None:
        """Return the filtered frames joined with those of a palette; None where they have no few colours."""
        whitened = self.whitened
        std = whitened.gaussian_std
        if whitened.variances is None or std < LEAST_STD or self.watch.must_end():
            return None

        def again(frames: Tensor) -> Tensor:
            return refine(self.pilot, frames, self.bounds, self.settings.passes, execution).picture

        seen = Seen(self.observation, std, whitened.clipped, whitened.variances)
        return with_palette(filtered, again, seen, self.seed)

    def _of_right_mean(self, picture: Tensor) -> Tensor:
        """Return the picture with the mean of each channel that the observation has, if it is clearly another one.

        The noise has a mean of zero in this form, so that the mean of many samples is known well. Where noise is much
        stronger than the differences in the picture, filters draw colours towards each other.
        """
        if self.whitened.spectrum is not None:
            return picture  # of correlated noise the mean is not known as well
        difference = (self.observation - picture).mean(dim=(0, 2, 3), keepdim=True)
        error = math.sqrt(self.whitened.variance / (self.observation.numel() / self.observation.shape[1]))
        return picture + torch.where(difference.abs() > CLEAR_ERRORS * error, difference, 0.0)

    def _share_of_picture_taken(self, filtered: Filtered) -> float:
        """Return how much of what was taken from the observation to give back, so that it is never worse than before.

        The residual should be as large as the noise that the filter can take. One less the ratio of the two is the
        share of the observation at which Stein's estimate is least. Where sigma is an estimate, what is white is noise,
        however much it is, unless the noise is weak: then no more is taken than was measured.
        """
        residual = self.observation - filtered.picture
        is_weak = self.noise.estimated and self.noise.std < WEAK_STD and self.whitened.spectrum is None
        if self.noise.estimated and not is_weak and _correlation(residual) <= LARGEST_CORRELATION:
            return 0.0
        taken = float(residual.square().mean())
        expected = self.whitened.variance * (1 - filtered.influence)
        most = MOST_TAKEN_UNKNOWN if self.noise.estimated else MOST_TAKEN
        most = 1.0 if is_weak else most
        return 0.0 if taken <= most * expected else 1 - expected / taken

    def _with_branch(self, filtered: Filtered, settings: BranchSettings) -> tuple[Filtered, BranchUse, float | None]:
        """Return the best last pass over a mean of the filtered picture and the branch's as its pilot.

        With it, what became of the branch, and its weight in that mean.
        """
        branch = self._branch(filtered, settings)
        if branch is None:
            return filtered, BranchUse.UNSUITABLE, None
        if not branch.train(self.watch):
            return filtered, BranchUse.CUT_SHORT, None
        denoised = branch.denoise(self.observation).clamp(0, 1)
        if not torch.isfinite(denoised).all():
            return filtered, BranchUse.FAILED, None
        passes = {weight: self._last_pass(torch.lerp(filtered.picture, denoised, weight)) for weight in WEIGHTS}
        weight = self._weight({weight: self._risk(filtered) for weight, filtered in passes.items()}, branch.frames)
        return passes[weight], BranchUse.JOINED, weight

    def _weight(self, risks: dict[float, float], frames: int) -> float:
        """Return the weight of the least risk, or of a branch that sees some frames the largest one hardly above."""
        flattered = FLATTERED * self.whitened.variance if frames > 1 else 0.0
        return max(weight for weight, risk in risks.items() if risk <= min(risks.values()) + flattered)

    def _branch(self, filtered: Filtered, settings: BranchSettings) -> Branch | None:
        """Return the branch, untrained; None where the noise is not for it, or the picture is too small."""
        fits = self.settings.passes[-1].fit(*self.observation.shape[-2:])
        if self.whitened.variances is None or not fits:
            return None
        if _correlation(self.observation - filtered.picture) > LARGEST_CORRELATION:
            return None
        std = self.whitened.variances(filtered.picture.cpu()).sqrt().to(self.observation)
        motion = followed(filtered.picture, settings.frames, self.motion_of)
        return Branch(self.observation, std, settings, self.device.precision, self.seed, motion)

    def _last_pass(self, pilot: Tensor) -> Filtered:
        patches = self.settings.passes[-1]
        motion = followed(pilot, patches.frames, self.motion_of)
        with workers_for(self.regions, self.device) as workers:
            return nonlocal_bayes(pilot, self.observation, self.bounds, patches, workers, motion)

    def _risk(self, filtered: Filtered) -> float:
        """Return the estimate of the squared error, up to what the pilot's own dependence adds to it."""
        residual = float((self.observation - filtered.picture).square().mean())
        return residual + self.whitened.variance * (2 * filtered.influence - 1)


def _correlation(residual: Tensor) -> float:
    """Return the largest correlation of neighbouring samples of a (T, C, H, W) residual, up or down."""
    pairs = ((residual[..., 1:], residual[..., :-1]), (residual[..., 1:, :], residual[..., :-1, :]))
    energy = max(float(residual.square().mean()), 1e-12)
    return max((abs(float((first * second).mean())) / energy for first, second in pairs if first.numel()), default=0.0)
