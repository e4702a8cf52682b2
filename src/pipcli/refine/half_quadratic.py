"""Half-quadratic splitting for a known linear map A: alternating denoising and data steps.

What is sought is the x that explains the observation y = A x + n best among those that look like pictures. Split in two
(half-quadratic splitting), x is by turns

    z = u without white noise of the standard deviation s_k,
    x = argmin |A x - y|^2 / (2 v) + |x - z|^2 / (2 s_k^2),
    u = x + m (x - the x before),

with v the variance of n, while s_k falls: a filter for white noise stands for all that is known of pictures. Without
the momentum m it takes several times as many rounds. Sources: Geman and Yang, "Nonlinear image recovery with
half-quadratic regularization" (IEEE Transactions on Image Processing 4(7), 1995); Venkatakrishnan, Bouman and Wohlberg,
"Plug-and-Play Priors for Model Based Reconstruction" (GlobalSIP 2013); the falling s_k, Zhang et al., "Plug-and-Play
Image Restoration with Deep Denoiser Prior" (IEEE Transactions on Pattern Analysis and Machine Intelligence 44(10),
2022); momentum, Kamilov, Mansour and Wohlberg, "A Plug-and-Play Priors Approach for Solving Nonlinear Imaging Inverse
Problems" (IEEE Signal Processing Letters 24(12), 2017). The filter here is the non-local one of this package, which is
its own pilot.

Samples that a camera cut off at the end of its range say "at least this" (or "at most this"). Such a sample counts as
long as the picture does not fulfil it, and not at all where it does: an active set, which is found anew in each step.
What they hold a picture to is more than white, which is nothing that pictures look like: the filter is shown white, and
what is above it is added again.

The second step is done in the space of the observation. With r = v / s_k^2 it is

    x = z + A^T w,    (A A^T + r) w = y - A z,

and w is found by conjugate gradients, with the adjoint A^T from automatic differentiation. For a mask, A A^T is one at
every sample that there is, and the first step of them is exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipcli.linear.conjugate_gradients import conjugate_gradients
from pipcli.refine.execution import Execution
from pipcli.refine.nonlocal_bayes import nonlocal_bayes
from pipcli.refine.spectrum import NoiseBounds
from pipcli.refine.trajectories import Motion, followed
from pipcli.settings import Round, Splitting

Degrade = Callable[[Tensor], Tensor]

# Conjugate gradients end when the residual is this share of what it was, or after so many steps.
TOLERANCE, MOST_STEPS = 1e-4, 30
# The variance of the error of rounding to 8 bits: an observation with no more than this has no other noise. The picture
# is brought to it so often, at most, that it explains each sample to a part of a grey level, though none of its own
# leaves [0, 1]: with what rounding it adds, to half of one.
ROUNDING = 1 / (12 * 255**2)
CLOSE, MOST_RETURNS = 0.3 / 255, 8
# A share of the light of a pixel, beyond the rounding of spectra: with less of it a sample does not stem from it.
OPEN = 1e-4
# How often, at most, the samples that count among the limits are looked for again.
MOST_LOOKS = 3


@dataclass(frozen=True)
class LinearProblem:
    """An observation of frames through a linear map, with white noise.

    Attributes:
        observation: (T, C, h, w) float32 in [0, 1]; a picture is one frame.
        degrade: linear and differentiable, from (T, C, H, W) to (T, C, h, w).
        variance: of the noise, in [0, 1] units squared; not above that of rounding if there is no other.
        observed: booleans that expand to (T, C, h, w), where the observation says anything; None is everywhere.
        limits: (T, C, h, w) of 1, where a sample says "at least this", -1 for "at most this", and 0; None is 0.
    """

    observation: Tensor
    degrade: Degrade
    variance: float
    observed: Tensor | None = None
    limits: Tensor | None = None


class _Data:
    """An observation and the map through which it was observed."""

    def __init__(self, like: Tensor, problem: LinearProblem) -> None:
        degrade, observed, limits = problem.degrade, problem.observed, problem.limits
        seen, self._transposed = torch.func.vjp(degrade, torch.zeros_like(like))  # type: ignore[misc]
        self._degrade = degrade
        self._known = torch.ones_like(seen) if observed is None else observed.to(seen).expand_as(seen)
        self._observation = problem.observation * self._known
        self._limits = limits
        self._open = None if limits is None else self._adjoint((limits > 0).to(seen)).abs() > OPEN

    def _forward(self, picture: Tensor) -> Tensor:
        return self._degrade(picture) * self._known

    def _adjoint(self, residual: Tensor) -> Tensor:
        picture: Tensor = self._transposed(residual * self._known)[0]
        return picture

    def above(self, picture: Tensor) -> Tensor:
        """Return what of a (T, C, H, W) picture is above white where samples at the top may stem from it."""
        if self._open is None:
            return torch.zeros_like(picture)
        return torch.where(self._open, (picture - 1).clamp(min=0), 0.0)

    def nearest(self, picture: Tensor, ratio: float) -> Tensor:
        """Return the picture between the given one and those that explain the observation.

        Args:
            picture: (T, C, H, W).
            ratio: the variance of the observation's noise as a share of the variance of the picture's error.
        """
        seen = self._forward(picture)
        residual = self._observation - seen
        limits = self._limits
        if limits is None:
            return picture + self._adjoint(self._weights(residual, ratio, None))
        counts = ~_fulfilled(limits, residual)
        for look in range(MOST_LOOKS + 1):
            weights = self._weights(residual * counts, ratio, counts)
            nearest = picture + self._adjoint(weights)
            if look == MOST_LOOKS:
                break
            # A limit whose sample pulls beyond it is none; one that is no longer fulfilled is.
            pulls_beyond = (weights * limits) < 0
            left = self._observation - self._forward(nearest)
            again = torch.where(counts, ~pulls_beyond, ~_fulfilled(limits, left))
            if torch.equal(again, counts):
                break
            counts = again
        return nearest

    def _weights(self, residual: Tensor, ratio: float, counts: Tensor | None) -> Tensor:
        """Return w of the head of this file for a residual, with samples that do not count left out."""

        def apply(weights: Tensor) -> Tensor:
            seen = self._forward(self._adjoint(weights))
            return (seen if counts is None else seen * counts) + ratio * weights

        return conjugate_gradients(apply, torch.zeros_like(residual), residual, steps=MOST_STEPS, tolerance=TOLERANCE)

    def met(self, picture: Tensor, ratio: float) -> Tensor:
        """Return a picture in [0, 1] near the given one that explains an observation without noise."""
        if self._degrade(picture) is picture:
            return torch.where(self._known > 0, self._observation, picture).clamp(0, 1)
        for _ in range(MOST_RETURNS):
            picture = picture.clamp(0, 1)
            if (self._observation - self._forward(picture)).abs().max() < CLOSE:
                break
            picture = self.nearest(picture, ratio)
        return picture.clamp(0, 1)


def _fulfilled(limits: Tensor, residual: Tensor) -> Tensor:
    """Return which samples are limits that a picture with this residual keeps to."""
    return (limits != 0) & (residual * limits <= 0)


@torch.no_grad()
def nearest_to(picture: Tensor, problem: LinearProblem, ratio: float) -> Tensor:
    """Return the picture between the given one and those that explain the observation.

    Args:
        picture: (T, C, H, W) float32.
        problem: what was observed of it; its limits and variance are left aside.
        ratio: the variance of the observation's noise as a share of the variance of the picture's error.
    """
    return _Data(picture, replace(problem, limits=None)).nearest(picture, ratio)


@torch.no_grad()
def refine_under(
    start: Tensor,
    problem: LinearProblem,
    settings: Splitting,
    execution: Execution,
) -> Tensor:
    """Return a picture in [0, 1], or some frames of a clip, that looks like one and explains the observation.

    Args:
        start: (T, C, H, W) float32, C being 1 or 3: an estimate of the frames.
        problem: what was observed of them.
        settings: the rounds. Where a picture is too small for their patches, nothing is known of how pictures look.
        execution: how to run; the motion is that of `start`.
    """
    data, variance = _Data(start, problem), problem.variance
    motion = followed(start, settings.rounds[0].patches.frames, execution.motion_of)
    picture = before = start
    ratio = math.inf
    for step in settings.rounds:
        # Once at least, so that the observation counts.
        if ratio < math.inf and execution.watch.must_end():
            break
        ahead = picture + settings.momentum * (picture - before)
        before = picture
        ratio = variance / step.std**2
        above = data.above(ahead)
        picture = data.nearest(_denoised(ahead - above, step, execution.workers, motion) + above, ratio)
    return data.met(picture, ratio) if variance <= ROUNDING else picture.clamp(0, 1)


def _denoised(frames: Tensor, step: Round, workers: int, motion: Motion | None) -> Tensor:
    if not step.patches.fit(*frames.shape[-2:]):
        return frames
    noise = NoiseBounds(step.std**2, step.std**2)
    return nonlocal_bayes(frames, frames, noise, step.patches, workers, motion).picture
