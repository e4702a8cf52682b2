"""The network of the branch: a U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) without normalisation.

Statistics over a picture would tie each pixel to the noise of all others, which the estimate of the error does not
expect.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.settings import BranchSettings

LEAKY_SLOPE = 0.1


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each followed by a leaky ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.LeakyReLU(LEAKY_SLOPE)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Maps noisy pictures to clean ones."""

    def __init__(self, inputs: int, channels: int, settings: BranchSettings, generator: torch.Generator) -> None:
        """Draw the weights.

        Args:
            inputs: channels of what is seen.
            channels: of the clean pictures.
            settings: width and number of scales.
            generator: the only source of the weights, on the CPU.
        """
        super().__init__()
        width = settings.width
        self.settings = settings
        self.down = nn.ModuleList(_convolutions(width if scale else inputs, width) for scale in range(settings.scales))
        self.up = nn.ModuleList(_convolutions(2 * width, width) for _ in range(settings.scales - 1))
        self.output = nn.Conv2d(width, channels, 1)
        self._draw(generator)

    def _draw(self, generator: torch.Generator) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, LEAKY_SLOPE, generator=generator)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        # The first answers are near the middle grey instead of far off the scale.
        nn.init.normal_(self.output.weight, 0, 0.01, generator=generator)

    @property
    def multiple(self) -> int:
        """What both sides of a picture must be divisible by."""
        return 1 << (self.settings.scales - 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map what is seen (N, inputs, H, W), in [0, 1] and beyond by its noise, to N pictures of the same size."""
        maps = pictures - 0.5
        skipped: list[Tensor] = []
        for scale, convolutions in enumerate(self.down):
            maps = convolutions(F.avg_pool2d(maps, 2) if scale else maps)
            skipped.append(maps)
        for convolutions, skip in zip(self.up, reversed(skipped[:-1]), strict=True):
            maps = convolutions(torch.cat([F.interpolate(maps, scale_factor=2.0), skip], dim=1))
        picture: Tensor = self.output(maps).float() + 0.5
        return picture


def turned(pictures: Iterable[Tensor], turn: int) -> list[Tensor]:
    """Turn pictures by `turn` modulo 4 quarters and, if it is 4 or more, mirror them then: the 8 symmetries."""
    quarters = [torch.rot90(picture, turn % 4, (-2, -1)) for picture in pictures]
    return [quarter.flip(-1) for quarter in quarters] if turn >= 4 else quarters


def turned_back(picture: Tensor, turn: int) -> Tensor:
    """Undo `turned`."""
    return torch.rot90(picture.flip(-1) if turn >= 4 else picture, -(turn % 4), (-2, -1))
