"""What a generator sees of a pixel: Fourier features of its coordinates, or a fixed draw of noise."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pipcli.priors.base import Encoding
from pipcli.settings import AxisWaves, CompassWaves, NoiseSettings


def axis_waves(settings: AxisWaves) -> Tensor:
    """Return the (2 F, 2) wave vectors (y, x) of the published encoding: F along x, then F along y."""
    frequencies = torch.tensor(settings.frequencies)
    zero = torch.zeros_like(frequencies)
    return torch.cat([torch.stack([zero, frequencies], dim=1), torch.stack([frequencies, zero], dim=1)])


def compass_waves(settings: CompassWaves, size: tuple[int, int]) -> Tensor:
    """Return the (4 F, 2) wave vectors (y, x) in radians per side for a picture of a size (height, width).

    A departure from PIP, whose waves follow the axes alone and whose finest period is a fixed share of the side (12.5
    pixels of 512): too coarse for texture. The axes keep their waves, because what people build follows them.
    """
    longer = max(size)
    highest = max(2 * math.pi * longer / settings.shortest_period, settings.lowest)
    frequencies = torch.logspace(math.log10(settings.lowest), math.log10(highest), settings.count)
    half = math.sqrt(0.5)
    directions = torch.tensor([[0, 1], [1, 0], [half, half], [half, -half]])
    vectors = torch.einsum("f,dk->dfk", frequencies, directions).flatten(0, 1)
    # Coordinates run from 0 to 1 along both sides: the shorter side must see fewer periods, for the same pixels each.
    return vectors * torch.tensor(size) / longer


def _layout(device: torch.device) -> torch.memory_format:
    """Return the memory format that the operations of `pipcli.priors.batched` are fastest with on a device."""
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format


class FourierFeatures(Encoding):
    """Cosines and sines of plane waves over the picture.

    Source: Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022). As in the published code
    frequencies are in radians per picture side with no factor of 2 pi.
    """

    waves: Tensor

    def __init__(self, waves: Tensor, precision: torch.dtype = torch.float32) -> None:
        """Keep (F, 2) wave vectors (y, x) in radians per picture side, and the type that the features shall have."""
        super().__init__()
        self.precision = precision
        # They follow from the settings: no part of a state, all of whose tensors lead with the member.
        self.register_buffer("waves", waves, persistent=False)
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    def channels(self) -> int:
        """Number of feature maps: cosine and sine of each wave."""
        return 2 * len(self.waves)

    def forward(self, coords: Tensor) -> Tensor:
        """Map (N, 2, H, W) coordinates to (N, channels, H, W) features in [-1, 1]."""
        # The features of one grid are asked for at every step and never change.
        if self._last is None or self._last[0] is not coords:
            self._last = (coords, self._encode(coords))
        return self._last[1]

    def _encode(self, coords: Tensor) -> Tensor:
        phases = torch.einsum("fd,ndhw->nfhw", self.waves, coords)
        features = torch.cat([phases.cos(), phases.sin()], dim=1).to(self.precision)
        return features.contiguous(memory_format=_layout(features.device))


class FixedNoise(Encoding):
    """One draw of uniform noise a member, to which each fitting step adds fresh Gaussian noise.

    Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), section 3.
    """

    noise: Tensor

    def __init__(self, settings: NoiseSettings, size: tuple[int, int], generators: Sequence[torch.Generator]) -> None:
        """Draw the noise.

        Args:
            settings: its amplitude and jitter.
            size: height and width of the picture.
            generators: a CPU generator a member, read again before every step in training mode.
        """
        super().__init__()
        self.settings = settings
        self.generators = generators
        shape = (settings.channels, *size)
        noise = torch.stack([torch.rand(shape, generator=generator) for generator in generators]) * settings.amplitude
        self.register_buffer("noise", noise.contiguous(memory_format=torch.channels_last))
        self._jittered: Tensor | None = None
        self._on_device: list[torch.Generator] = []

    @property
    def channels(self) -> int:
        """Number of noise maps."""
        return self.settings.channels

    def forward(self, coords: Tensor) -> Tensor:
        """Return (K, channels, H, W) noise for the (1, 2, H, W) coordinates of the picture that it was drawn for."""
        if coords.shape[-2:] != self.noise.shape[-2:]:
            expected, got = tuple(self.noise.shape[-2:]), tuple(coords.shape[-2:])
            raise ValueError(f"the noise was drawn for {expected} pixels, the coordinates are those of {got}")
        return self._jittered if self.training and self._jittered is not None else self.noise

    def before_step(self) -> None:
        """Draw fresh jitter, in training mode; it lies in the same memory at every step."""
        if not self.training or self.settings.jitter == 0:
            self._jittered = None
            return
        # Into contiguous memory, since anything else is drawn number by number, eight times slower.
        jitter = torch.empty_like(self.noise.permute(0, 2, 3, 1), memory_format=torch.contiguous_format)
        for member, generator in zip(jitter, self._jitter_generators(), strict=True):
            member.normal_(generator=generator)
        jittered = self.noise + self.settings.jitter * jitter.permute(0, 3, 1, 2)
        if self._jittered is None:
            self._jittered = jittered.contiguous(memory_format=_layout(jittered.device))
        else:
            self._jittered.copy_(jittered)

    def _jitter_generators(self) -> Sequence[torch.Generator]:
        """Return what draws the jitter of each member on the device of the noise, whose draws the host need not see."""
        device = self.noise.device
        if device.type == "cpu":
            return self.generators
        if not self._on_device:
            seeds = [int(torch.randint(2**62, (), generator=generator)) for generator in self.generators]
            self._on_device = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        return self._on_device
