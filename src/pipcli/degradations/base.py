"""The degradation (forward operator): a differentiable map from the clean picture to the observation."""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import ClassVar

from torch import Tensor, nn

from pipcli.noise import Noise


class Degradation(nn.Module, ABC):
    """A degradation. Constants are buffers, unknowns are parameters: blind means that there are parameters.

    A subclass is final and fills `forward` and `target_size`, and what else here is not true of it. Noise is no part of
    `forward`; what is known of it is in `noise`, whose misfit is the data term.

    Attributes:
        scale: how many pixels of the picture one of the observation is wide and high. A part of the observation that
            begins at a multiple of its denominator is the observation of a part of the picture.
        notes: sentences for the user on what was found of it in the observation.
        tells_error: whether the misfit of held-out samples exceeds that of the clean picture by the error of the
            picture itself.
    """

    scale: Fraction = Fraction(1)
    notes: tuple[str, ...] = ()
    tells_error: ClassVar[bool] = False

    def __init__(self, noise: Noise) -> None:
        """Remember the noise of the observation."""
        super().__init__()
        self.noise = noise

    @property
    def misfit_tells_error(self) -> bool:
        """Whether the misfit on held-out samples estimates the squared error of a picture, up to a constant."""
        return self.noise.misfit_is_squared_error and self.tells_error

    @abstractmethod
    def forward(self, picture: Tensor) -> Tensor:
        """Map a (N, C, H, W) picture to the (N, C, h, w) observation that it would give without noise."""

    @abstractmethod
    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of the picture whose observation has the given size."""

    def naive(self, observation: Tensor) -> Tensor:
        """Return the naive reconstruction (N, C, H, W): the (N, C, h, w) observation at the size of the picture."""
        return observation

    def limits(self, observation: Tensor) -> Tensor | None:
        """Return which samples of a (N, C, h, w) observation are clipped: bounds of the value, not the value.

        1 stands for "at least this", -1 for "at most this", 0 for "this"; None is 0 everywhere.
        """
        del observation
        return None

    def explicable(self, observation: Tensor) -> Tensor | None:
        """Return the (N, C, h, w) mask of samples that a picture in [0, 1] can explain; None is all."""
        del observation
        return None

    def visible(self, picture: Tensor) -> Tensor:
        """Return the part of a (..., H, W) picture that is written: all of it, unless a margin was generated."""
        return picture

    def serves(self, other: "Degradation") -> bool:
        """Return whether another degradation is the same map, apart from the noise."""
        return type(self) is type(other)

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each sample, (N, C, h, w)."""
        return self.noise.misfit(prediction, observation)
