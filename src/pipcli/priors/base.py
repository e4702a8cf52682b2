"""A prior: an encoding of the coordinates and a network that turns it into a picture."""

import torch
from torch import Tensor, nn


class Prior(nn.Module):
    """An untrained generator of pictures."""

    def __init__(self, encoding: nn.Module, network: nn.Module, precision: torch.dtype = torch.float32) -> None:
        """Join the two parts.

        Args:
            encoding: maps (N, 2, H, W) coordinates to (N, F, H, W) features.
            network: maps (N, F, H, W) features to (N, C, H, W), unbounded.
            precision: the type of the network's activations; weights, output and loss stay float32.
        """
        super().__init__()
        self.encoding = encoding
        self.network = network
        self.precision = precision

    def forward(self, coords: Tensor) -> Tensor:
        """Generate the (N, C, H, W) float32 picture in [0, 1] at (N, 2, H, W) coordinates."""
        features = self.encoding(coords).to(self.precision)
        return torch.sigmoid(self.network(features).float())
