"""Early stopping without ground truth: when to stop, and which estimate to return.

A rule sees each iterate once, says whether to stop, and keeps the estimate that it would return.
All state is in `state_dict`, so that a resumed fit stops where an uninterrupted one does.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipcli.fit.fit import Iterate
from pipcli.settings import StopName


@dataclass(frozen=True)
class Choice:
    """A picture (1, C, H, W) that a rule prefers over the fit's latest estimate, and the step that it is from."""

    image: Tensor
    step: int


class StopRule(ABC):
    """A stop rule; subclasses are final.

    Attributes:
        name: what the user calls it.
        longest_block: steps that may be made before it must look again.
    """

    name: StopName
    longest_block: int | None = None

    @abstractmethod
    def update(self, iterate: Iterate) -> bool:
        """Take in the next iterate and return whether the fit should stop now."""

    def choice(self) -> Choice | None:
        """Return the picture that this rule prefers to the latest estimate, if any."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return the rule's memory."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a memory of `state_dict`.

        Raises:
            ValueError: it is of another rule.
        """
        if state.keys() != vars(self).keys():
            raise ValueError(f"the state is not one of {self.name}")
        vars(self).update(state)


class Never(StopRule):
    """Never stops; the step and time limits do."""

    name = StopName.NONE

    def update(self, iterate: Iterate) -> bool:
        """Return False."""
        del iterate
        return False


class HeldOut(StopRule):
    """Stop when the error of the estimate on held-out pixels has not fallen for a while.

    For white noise that error is the true squared error plus the noise variance, whatever the noise level, so its
    minimum is the true error's (the self-validation of Ren et al., "Self-Validation: Early Stopping for Single-Instance
    Deep Generative Priors", BMVC 2021). The estimate at the minimum is the one returned.
    """

    name = StopName.HELD_OUT

    def __init__(self, patience: int, interval: int = 10) -> None:
        """Start with nothing seen.

        Args:
            patience: steps without a new minimum after which to stop.
            interval: steps between two looks, each of which costs one pass over the held-out pixels.
        """
        self.patience = patience
        self.interval = interval
        self.lowest = float("inf")
        self.lowest_step = 0
        self.best: Tensor | None = None

    def update(self, iterate: Iterate) -> bool:
        """Look at the held-out error every `interval` steps."""
        if iterate.held_out_error is None or iterate.step % self.interval:
            return False
        error = iterate.held_out_error()
        if error < self.lowest:
            self.lowest, self.lowest_step = error, iterate.step
            self.best = iterate.estimate.clone()
        return iterate.step - self.lowest_step >= self.patience

    def choice(self) -> Choice | None:
        """Return the estimate at the lowest held-out error."""
        return None if self.best is None else Choice(self.best, self.lowest_step)


class Discrepancy(StopRule):
    """Stop when the residual has fallen to the noise level (Morozov's discrepancy principle)."""

    name = StopName.DISCREPANCY

    def __init__(self, noise_std: float, factor: float, decay: float = 0.9) -> None:
        """Start with nothing seen.

        Args:
            noise_std: standard deviation of the noise, pictures being in [0, 1].
            factor: the residual's standard deviation at which to stop, in units of `noise_std`.
            decay: weight of the past in the running mean of the residual, which jitter makes jumpy.
        """
        self.threshold = (factor * noise_std) ** 2
        self.decay = decay
        self.smoothed = float("inf")

    def update(self, iterate: Iterate) -> bool:
        """Compare the residual, smoothed over all steps, with the threshold."""
        lowest = float("inf")
        for residual in iterate.residuals():
            if self.smoothed == float("inf"):
                self.smoothed = residual
            self.smoothed = self.decay * self.smoothed + (1 - self.decay) * residual
            lowest = min(lowest, self.smoothed)
        return lowest <= self.threshold


class MovingVariance(StopRule):
    """Stop when the variance of the outputs over a moving window has not fallen for a while: ES-EMV.

    Source: Wang et al., "Early Stopping for Deep Image Prior" (TMLR 2023), the exponential form with the authors'
    constants: weight 0.1, looked at from step 100. The output at the minimum is the one returned, as published.
    """

    name = StopName.VARIANCE
    longest_block = 1  # the published rule is of consecutive outputs
    FIRST_STEP = 100

    def __init__(self, patience: int, weight: float = 0.1) -> None:
        """Start with nothing seen.

        Args:
            patience: steps without a new minimum after which to stop; 1000 in the publication.
            weight: of the newest output in the moving mean and variance.
        """
        self.patience = patience
        self.weight = weight
        self.mean: Tensor | None = None
        self.variance = 0.0
        self.lowest = float("inf")
        self.lowest_step = 0
        self.best: Tensor | None = None

    def update(self, iterate: Iterate) -> bool:
        """Take the output into the moving mean and variance."""
        if self.mean is None:
            self.mean = torch.zeros_like(iterate.output)
        change = iterate.output - self.mean
        self.mean = self.mean.add(change, alpha=self.weight)
        self.variance = (1 - self.weight) * (self.variance + self.weight * float(change.square().mean()))
        if iterate.step < self.FIRST_STEP:
            return False
        if self.variance < self.lowest:
            self.lowest, self.lowest_step, self.best = self.variance, iterate.step, iterate.output.clone()
        return iterate.step - self.lowest_step >= self.patience

    def choice(self) -> Choice | None:
        """Return the output at the lowest variance."""
        return None if self.best is None else Choice(self.best, self.lowest_step)
