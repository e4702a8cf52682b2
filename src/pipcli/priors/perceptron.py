"""Coordinate networks, which work pixel by pixel: with ReLUs (mlp, and after the hash grid) or sines (SIREN).

Source of the sines: Sitzmann et al., "Implicit Neural Representations with Periodic Activation Functions" (NeurIPS
2020), with its initial weights, which keep the phases of all layers in one range. Its last layer gives the picture;
here that goes through the sigmoid which all generators share.

Phases are large: bfloat16, with its eight bits, would be off by a tenth of a radian. What SIREN sees, the coordinates,
is float32 on all devices, and so are its activations.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from pipcli.priors.batched import pointwise
from pipcli.priors.layers import Convolution, Generators, uniform
from pipcli.settings import MlpSettings, SirenSettings


class Perceptron(nn.Module):
    """Layers of 1x1 convolutions with ReLUs in between, beginning with He's variance."""

    def __init__(self, settings: MlpSettings, inputs: int, outputs: int, *, generators: Generators) -> None:
        """Build the networks with random weights; see `Hourglass` for the arguments."""
        super().__init__()
        widths = [inputs, *[settings.width] * settings.layers]
        self.hidden = nn.ModuleList(
            Convolution(before, after, 1, bias=True, generators=generators, bound=math.sqrt(6 / before))
            for before, after in pairwise(widths)
        )
        self.output = Convolution(widths[-1], outputs, 1, bias=True, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing."""
        for layer in self.hidden:
            maps = torch.relu_(layer(maps))
        output: Tensor = self.output(maps)
        return output


class _Sine(nn.Module):
    """The sine of a 1x1 convolution times omega, which begins with weights in [-bound, bound]."""

    def __init__(self, inputs: int, outputs: int, omega: float, bound: float, generators: Generators) -> None:
        super().__init__()
        self.omega = omega
        self.weight = uniform((outputs, inputs), bound, generators)
        self.bias = uniform((outputs,), 1 / math.sqrt(inputs), generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W) in [-1, 1]."""
        # The factor goes to the weights, of which there are fewer than of pixels.
        return torch.sin(pointwise(maps, self.omega * self.weight, self.omega * self.bias))


class Siren(nn.Module):
    """Layers of 1x1 convolutions with sines in between."""

    def __init__(self, settings: SirenSettings, inputs: int, outputs: int, *, generators: Generators) -> None:
        """Build the networks with random weights; see `Hourglass` for the arguments."""
        super().__init__()
        width, omega = settings.width, settings.hidden_omega
        bound = math.sqrt(6 / width) / omega
        self.hidden = nn.Sequential(
            _Sine(inputs, width, settings.omega, 1 / inputs, generators),
            *[_Sine(width, width, omega, bound, generators) for _ in range(settings.layers - 1)],
        )
        self.output = Convolution(width, outputs, 1, bias=True, generators=generators, bound=bound)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing."""
        output: Tensor = self.output(self.hidden(maps))
        return output
