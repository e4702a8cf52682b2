"""The residual network of the Deep Image Prior paper; all its maps have the size of the picture.

Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018) and its code.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.layers import LEAKY_SLOPE, Activation, Convolution, Generators, Normalisation
from pipcli.settings import ResNetSettings


class _Block(nn.Module):
    """Two normalised convolutions with a residual connection."""

    def __init__(self, settings: ResNetSettings, generators: Generators) -> None:
        super().__init__()
        width, zeros, members = settings.width, settings.zero_padding, len(generators)
        self.branch = nn.Sequential(
            Convolution(width, width, 3, bias=False, generators=generators, zero_padding=zeros),
            Activation(width, members),
            Convolution(width, width, 3, bias=False, generators=generators, zero_padding=zeros),
            Normalisation(width, members),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, width, H, W) to the same shape."""
        branch: Tensor = self.branch(maps)
        return maps + branch


class ResNet(nn.Module):
    """A convolution, residual blocks, a normalised convolution, and one that makes the picture."""

    def __init__(self, settings: ResNetSettings, inputs: int, outputs: int, *, generators: Generators) -> None:
        """Build the networks with random weights; see `Hourglass` for the arguments."""
        super().__init__()
        width = settings.width
        self.input = Convolution(inputs, width, 3, bias=True, generators=generators)
        self.blocks = nn.Sequential(
            *[_Block(settings, generators) for _ in range(settings.blocks)],
            Convolution(width, width, 3, bias=True, generators=generators, zero_padding=settings.zero_padding),
            Normalisation(width, len(generators)),
        )
        self.output = Convolution(width, outputs, 3, bias=True, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, H, W), or (1, inputs, H, W) for all, to (K, outputs, H, W), before any squashing."""
        output: Tensor = self.output(self.blocks(F.leaky_relu_(self.input(maps), LEAKY_SLOPE)))
        return output
