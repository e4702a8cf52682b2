"""What happened to the picture: a differentiable map from the clean picture to what was observed."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from pipcli.noise import Noise


class Degradation(nn.Module, ABC):
    """A degradation. Constants are buffers, unknowns are parameters: blind means that there are parameters.

    A subclass is final and fills `forward` and `target_size`. Noise is no part of `forward`; what is known of it is in
    `noise`, whose misfit is the data term.
    """

    def __init__(self, noise: Noise) -> None:
        """Remember the noise of the observation."""
        super().__init__()
        self.noise = noise

    @abstractmethod
    def forward(self, picture: Tensor) -> Tensor:
        """Map a (N, C, H, W) picture to the (N, C, h, w) observation that it would give without noise."""

    @abstractmethod
    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of the picture whose observation has the given size."""

    def visible(self, picture: Tensor) -> Tensor:
        """Return the part of a (N, C, H, W) picture of the target size that is to be written: here, all of it."""
        return picture

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each sample, (N, C, h, w)."""
        return self.noise.misfit(prediction, observation)
