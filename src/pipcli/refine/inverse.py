"""What is made of the networks' picture where more than noise stands between picture and observation.

Rounds of filter and data (`filters.splitting`) start from what a user would have without us, or from the networks'
picture where that is a picture with holes. What they arrive at is joined with the networks' picture. How much that
counts is decided by the samples that neither has seen: those which the networks' fits held out, and which the rounds do
not see either. The last rounds, from the joined picture, see all of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipcli.fit.device import Device, workers_for
from pipcli.refine.half_quadratic import nearest_to, refine_under
from pipcli.refine.nonlocal_bayes import REGION
from pipcli.refine.patch_inpainting import fill_in
from pipcli.refine.trajectories import MotionOf, followed
from pipcli.settings import Splitting

# Of the rounds, those at the end that begin again from the joined picture.
LAST_SHARE = 0.25
# The networks' picture is brought this near to the samples it was fitted to: the variance of their noise as a share of
# that of its error.
NEARNESS = 1e-3


@dataclass(frozen=True)
class Degraded:
    """How an observation came about, but for its noise.

    Attributes:
        degrade: maps (T, C, H, W) frames to the (T, C, h, w) observations of them; linear; a picture is one frame.
        naive: maps an observation to the picture that a user has without us.
        observed: (T, C or 1, h, w) booleans of the samples that say anything of the picture; None is all.
        held_out: (h, w) or (T, h, w) booleans of the pixels that no network was fitted to; None is none.
        limits: (T, C, h, w) of 1 for samples that say "at least this", -1 for "at most this", else 0; None is 0.
    """

    degrade: Callable[[Tensor], Tensor]
    naive: Callable[[Tensor], Tensor]
    observed: Tensor | None = None
    held_out: Tensor | None = None
    limits: Tensor | None = None


@dataclass(frozen=True)
class Joined:
    """A picture, and the weight that the networks' had in it; None where there was nothing to decide by."""

    image: Tensor
    networks_weight: float | None


def join(
    image: Tensor,
    observation: Tensor,
    degraded: Degraded,
    variance: float,
    splitting: Splitting,
    device: Device,
    must_end: Callable[[], bool],
    motion_of: MotionOf | None = None,
) -> Joined:
    """Return what the networks' picture and an observation of it through a linear map become together.

    Args:
        image: (T, C, H, W) float32 in [0, 1], on the CPU: the networks' frames; a picture is one.
        observation: (T, C, h, w) float32 in [0, 1], on the CPU.
        degraded: how it came about.
        variance: of its white noise, in [0, 1] units squared.
        splitting: the rounds, and the weights to choose from.
        device: where to filter.
        must_end: asked between two rounds whether to do without the rest.
        motion_of: asked for the motion of what rounds start from; None for frames that have nothing to do with each
            other.
    """
    target = device.torch_device
    regions = len(image) * math.prod(math.ceil(length / REGION) for length in image.shape[-2:])
    with workers_for(regions, device) as workers:
        frames, seen = image.to(target), observation.to(target)
        joined = _Joining(frames, seen, degraded, variance, splitting, workers, must_end, motion_of).run()
    return replace(joined, image=joined.image.cpu())


class _Joining:
    """The way of one picture."""

    def __init__(
        self,
        image: Tensor,
        observation: Tensor,
        degraded: Degraded,
        variance: float,
        splitting: Splitting,
        workers: int,
        must_end: Callable[[], bool],
        motion_of: MotionOf | None,
    ) -> None:
        self.image = image
        self.observation = observation
        self.degrade = degraded.degrade
        self.variance = max(variance, splitting.least_std**2)
        self.splitting = splitting
        self.workers = workers
        self.must_end = must_end
        self.motion_of = motion_of
        everywhere = torch.ones_like(observation[:, :1], dtype=torch.bool)
        self.observed = everywhere if degraded.observed is None else degraded.observed.to(observation.device)
        held_out = ~everywhere if degraded.held_out is None else degraded.held_out.to(observation.device)
        held_out = held_out.view(-1, 1, *observation.shape[-2:])
        self.limits = None if degraded.limits is None else degraded.limits.to(observation.device)
        self.unseen = self.observed & held_out
        # With holes in it the observation is no start.
        whole = degraded.observed is None and splitting.weights
        self.start = degraded.naive(observation) if whole else image

    def run(self) -> Joined:
        """Refine, join and refine again."""
        if not self.splitting.weights or not self.unseen.any():
            return Joined(self._refined(self.start, self.observed, self.splitting), None)
        seen = self.observed & ~self.unseen
        refined = self._refined(self.start, seen, self.splitting)
        networks = nearest_to(self.image, self.observation, self.degrade, seen, NEARNESS).clamp(0, 1)
        weight = min(self.splitting.weights, key=lambda weight: self._error(torch.lerp(refined, networks, weight)))
        count = max(1, round(LAST_SHARE * len(self.splitting.rounds)))
        last = replace(self.splitting, rounds=self.splitting.rounds[-count:])
        together = torch.lerp(refined, networks, weight)
        if weight and last.filling and not self._gains_by_filling(together, seen, last):
            last = replace(last, filling=())
        return Joined(self._refined(together, self.observed, last), weight)

    def _gains_by_filling(self, start: Tensor, seen: Tensor, splitting: Splitting) -> bool:
        """Return whether filling in behind the rounds brings a picture nearer to the samples that it has not seen.

        What networks know and patches do not, as thin lettering, filling in takes out of the picture again.
        """
        without = self._refined(start, seen, replace(splitting, filling=()))
        return self._error(self._filled(without, seen, splitting)) < self._error(without)

    def _refined(self, start: Tensor, observed: Tensor, splitting: Splitting) -> Tensor:
        motion = followed(start, splitting.rounds[0].patches.frames, self.motion_of)
        given = (self.observation, self.degrade, observed, self.variance)
        refined = refine_under(start, *given, splitting, self.workers, self.must_end, motion, self.limits)
        return self._filled(refined, observed, splitting)

    def _filled(self, picture: Tensor, observed: Tensor, splitting: Splitting) -> Tensor:
        given = (self.observation, observed, self.variance)
        return fill_in(picture, *given, splitting.filling, self.workers, self.must_end)

    def _error(self, picture: Tensor) -> float:
        """Return the squared error of a picture at the samples that it has not seen."""
        with torch.no_grad():
            return float(((self.degrade(picture) - self.observation).square() * self.unseen).sum())
