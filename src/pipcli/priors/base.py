"""A prior: an encoding of the coordinates and a network that turns it into a picture."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

# Fewer pixels than this along the longer side are no picture: a map of one pixel normalises to nothing.
SMALLEST_MAP = 4


def halved(size: tuple[int, int], halvings: int) -> list[tuple[int, int]]:
    """Return a size (height, width), half of it upwards, and so on, while the longer side keeps a few pixels."""
    scales = [(-(-size[0] // 2**count), -(-size[1] // 2**count)) for count in range(halvings + 1)]
    return [scales[0], *(scale for scale in scales[1:] if max(scale) >= SMALLEST_MAP)]


class Encoding(nn.Module, ABC):
    """The input of a network: features of each pixel."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of feature maps."""

    def before_step(self) -> None:
        """Prepare a fitting step on the host."""

    @abstractmethod
    def forward(self, coords: Tensor) -> Tensor:
        """Map (1, 2, H, W) coordinates to (K, channels, H, W) features, or (1, channels, H, W) that K members share."""


class Prior(nn.Module):
    """Untrained generators of pictures: one, or several of the same shape in one batch."""

    def __init__(self, encoding: Encoding, network: nn.Module, precision: torch.dtype = torch.float32) -> None:
        """Join the two parts.

        Args:
            encoding: maps (1, 2, H, W) coordinates to (K, F, H, W) features, or (1, F, H, W) that the K members share.
            network: maps those to (K, C, H, W), unbounded.
            precision: the type of the network's activations; weights, output and loss stay float32.
        """
        super().__init__()
        self.encoding = encoding
        self.network = network
        self.precision = precision

    def before_step(self) -> None:
        """Prepare a fitting step on the host: draw fresh jitter, if the encoding has any."""
        self.encoding.before_step()

    def forward(self, coords: Tensor) -> Tensor:
        """Generate the (K, C, H, W) float32 pictures in [0, 1] at (1, 2, H, W) coordinates."""
        features = self.encoding(coords).to(self.precision)
        return torch.sigmoid(self.network(features).float())
