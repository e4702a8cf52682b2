"""Noise whose spread follows from the level: what is shared by the kinds that a transform makes nearly Gaussian.

Source, principle only: Makitalo and Foi, "Optimal Inversion of the Generalized Anscombe Transformation for
Poisson-Gaussian Noise" (IEEE TIP 2013): the transform's mean at each level is tabulated, and the table read backwards
is its unbiased inverse. Here the table includes that samples are clipped at white.
"""

from abc import abstractmethod
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import Noise, Whitened
from pipcli.noise.patches import PATCH_SIDE, Floats

# Levels of the table, denser near black where the transforms bend.
TABULATED = np.linspace(0, 1, 513) ** 2


class Stabilised(Noise):
    """Noise whose spread is nearly the same everywhere after a transform of [0, 1] onto [0, 1]."""

    misfit_is_squared_error: ClassVar[bool] = False

    @abstractmethod
    def stabilised(self, sample: Tensor) -> Tensor:
        """Return the transform of noisy samples in [0, 1]."""

    @abstractmethod
    def mean_stabilised(self, level: Tensor) -> Tensor:
        """Return the mean that the transform of unclipped noisy samples has at clean levels in [0, 1]."""

    @abstractmethod
    def moments(self, levels: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance that the transform of samples, clipped at white, has at clean levels."""

    @cached_property
    def _table(self) -> tuple[Floats, Floats]:
        """Mean and variance at `TABULATED`; the mean rises."""
        mean, variance = self.moments(TABULATED)
        return np.maximum.accumulate(mean), variance

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the squared difference of the transform from its mean."""
        return (self.mean_stabilised(prediction) - self.stabilised(observation)).square()

    def expected_misfit(self, observation: Tensor) -> float:
        """Return the mean squared difference at the observation's local means."""
        level = torch.nn.functional.avg_pool2d(observation.cpu(), PATCH_SIDE, ceil_mode=True)
        mean, variance = self._table
        bias = mean - self.mean_stabilised(torch.from_numpy(TABULATED)).numpy()
        return float(np.interp(level.double().numpy(), TABULATED, variance + bias**2).mean())

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return both after the transform; restoring is its unbiased inverse."""
        mean, variance = self._table
        level = torch.nn.functional.avg_pool2d(pilot, PATCH_SIDE, ceil_mode=True)

        def variances(filtered: Tensor) -> Tensor:
            return torch.from_numpy(np.interp(filtered.double().numpy(), mean, variance)).to(filtered)

        return Whitened(
            self.stabilised(observation),
            self.mean_stabilised(pilot).clamp(0, 1),
            float(np.interp(level.double().numpy(), TABULATED, variance).mean()),
            partial(_inverse, mean),
            variances,
        )


def _inverse(mean: Floats, stabilised: Tensor) -> Tensor:
    """Return the clean levels at which the transform has the given means."""
    return torch.from_numpy(np.interp(stabilised.double().numpy(), mean, TABULATED)).to(stabilised.dtype)
