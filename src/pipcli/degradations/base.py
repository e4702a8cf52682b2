"""What happened to the picture: a differentiable map from the clean picture to what was observed."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Degradation(nn.Module, ABC):
    """A degradation. Constants are buffers, unknowns are parameters: blind means that there are parameters.

    A subclass is final and fills `forward` and `target_size`. Noise is no part of `forward`; what is known of it is in
    `noise_std` and in the data term.
    """

    def __init__(self, noise_std: float | None) -> None:
        """Remember the noise.

        Args:
            noise_std: standard deviation of the noise, pictures being in [0, 1]; None when it is not known.
        """
        super().__init__()
        self.noise_std = noise_std

    @abstractmethod
    def forward(self, picture: Tensor) -> Tensor:
        """Map a (N, C, H, W) picture to the (N, C, h, w) observation that it would give without noise."""

    @abstractmethod
    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of the picture whose observation has the given size."""

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each sample, (N, C, h, w): for Gaussian noise the squared difference."""
        return (prediction - observation).square()
