"""Refinement of linear inverse problems (super-resolution, inpainting, deblurring).

Rounds of filter and data (`filters.splitting`) start from the naive reconstruction, or from the networks'
picture where that is a picture with holes. What they arrive at is joined with the networks' picture. How much that
counts is decided by the samples that neither has seen: those which the networks' fits held out, and which the rounds do
not see either. The last rounds, from the joined picture, see all of them.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipcli.fit.device import Device, workers_for
from pipcli.refine.execution import Execution
from pipcli.refine.half_quadratic import LinearProblem, nearest_to, refine_under
from pipcli.refine.nonlocal_bayes import REGION
from pipcli.refine.observation import Degraded, Observation
from pipcli.refine.patch_inpainting import fill_in
from pipcli.settings import Splitting
from pipcli.watch import UNWATCHED, Watch

# Of the rounds, those at the end that begin again from the joined picture.
LAST_SHARE = 0.25
# The networks' picture is brought this near to the samples it was fitted to: the variance of their noise as a share of
# that of its error.
NEARNESS = 1e-3


@dataclass(frozen=True)
class Joined:
    """A picture, and the weight that the networks' had in it; None where there was nothing to decide by."""

    image: Tensor
    networks_weight: float | None


def join(
    image: Tensor, observation: Observation, splitting: Splitting, device: Device, watch: Watch = UNWATCHED
) -> Joined:
    """Combine the networks' picture with an observation of it through a linear map.

    Args:
        image: (T, C, H, W) float32 in [0, 1], on the CPU: the networks' frames; a picture is one.
        observation: of the frames, with white noise; how it was degraded must be known.
        splitting: the rounds, and the weights to choose from.
        device: where to filter.
        watch: asked between two rounds whether to do without the rest.

    Raises:
        ValueError: it is not known how the observation was degraded.
    """
    if observation.degraded is None:
        raise ValueError("nothing is known of the map from the picture to the observation")
    regions = len(image) * math.prod(math.ceil(length / REGION) for length in image.shape[-2:])
    with workers_for(regions, device) as workers:
        execution = Execution(workers, watch, observation.motion_of)
        joined = _Joining(image.to(device.torch_device), observation, observation.degraded, splitting, execution).run()
    return replace(joined, image=joined.image.cpu())


class _Joining:
    """The way of one picture."""

    def __init__(
        self, image: Tensor, observation: Observation, degraded: Degraded, splitting: Splitting, execution: Execution
    ) -> None:
        samples, device = observation.samples.to(image.device), image.device
        self.image = image
        self.splitting = splitting
        self.execution = execution
        everywhere = torch.ones_like(samples[:, :1], dtype=torch.bool)
        observed = everywhere if degraded.observed is None else degraded.observed.to(device)
        held_out = ~everywhere if degraded.held_out is None else degraded.held_out.to(device)
        self.observed = observed
        self.unseen = observed & held_out.view(-1, 1, *samples.shape[-2:])
        variance = max(observation.noise.std**2, splitting.least_std**2)
        limits = None if degraded.limits is None else degraded.limits.to(device)
        self.problem = LinearProblem(samples, degraded.degrade, variance, observed, limits)
        # With holes in it the observation is no start.
        whole = degraded.observed is None and splitting.weights
        self.start = degraded.naive(samples) if whole else image

    def run(self) -> Joined:
        """Refine, join and refine again."""
        if not self.splitting.weights or not self.unseen.any():
            return Joined(self._refined(self.start, self.observed, self.splitting), None)
        seen = self.observed & ~self.unseen
        refined = self._refined(self.start, seen, self.splitting)
        networks = nearest_to(self.image, replace(self.problem, observed=seen), NEARNESS).clamp(0, 1)
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
        refined = refine_under(start, replace(self.problem, observed=observed), splitting, self.execution)
        return self._filled(refined, observed, splitting)

    def _filled(self, picture: Tensor, observed: Tensor, splitting: Splitting) -> Tensor:
        return fill_in(picture, replace(self.problem, observed=observed), splitting.filling, self.execution)

    def _error(self, picture: Tensor) -> float:
        """Return the squared error of a picture at the samples that it has not seen."""
        with torch.no_grad():
            residual = self.problem.degrade(picture) - self.problem.observation
            return float((residual.square() * self.unseen).sum())
