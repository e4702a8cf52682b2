"""The deep decoder: 1x1 convolutions and bilinear up-sampling of a small noise map, without skip connections.

Source: Heckel and Hand, "Deep Decoder: Concise Image Representations from Untrained Non-convolutional Networks" (ICLR
2019). As in the code that came with it a layer is a convolution without bias, up-sampling, ReLU and normalisation of
each channel, the last one without up-sampling.

A departure: the noise need not be a whole power of two smaller than the picture. Odd sizes are doubled and cut at the
far edge, so that each scale lies on the one before. Small pictures are doubled less often.
"""

from itertools import pairwise

from torch import Tensor, nn

from pipcli.priors.base import halved
from pipcli.priors.layers import Convolution, Generators, Normalisation, doubled
from pipcli.settings import DecoderSettings


class Decoder(nn.Module):
    """Up-sampling layers, one layer without up-sampling, and the output layer."""

    def __init__(
        self,
        settings: DecoderSettings,
        inputs: int,
        outputs: int,
        size: tuple[int, int],
        *,
        generators: Generators,
    ) -> None:
        """Build the networks with random weights; see `Hourglass` for the arguments.

        Args:
            settings: its shape.
            inputs: channels of the noise.
            outputs: channels of the picture, 1 or 3.
            size: height and width of the picture.
            generators: a CPU generator a member, the only source of its weights.
        """
        super().__init__()
        targets = [*reversed(halved(size, settings.doublings)[:-1])]
        self.sizes = [*targets, *[None] * (settings.doublings + 1 - len(targets))]
        widths = [inputs, *[settings.width] * len(self.sizes)]
        self.convolutions = nn.ModuleList(
            Convolution(before, after, 1, bias=False, generators=generators) for before, after in pairwise(widths)
        )
        self.normalisations = nn.ModuleList(Normalisation(settings.width, len(generators)) for _ in self.sizes)
        self.output = Convolution(settings.width, outputs, 1, bias=False, generators=generators)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (K, inputs, h, w) noise to (K, outputs, H, W), before any squashing."""
        for size, convolution, normalisation in zip(self.sizes, self.convolutions, self.normalisations, strict=True):
            maps = convolution(maps)
            maps = normalisation((maps if size is None else doubled(maps, size)).relu())
        output: Tensor = self.output(maps)
        return output
