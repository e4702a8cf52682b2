"""Encodings of a pixel: its coordinates, Fourier features of them, or a fixed draw of noise."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.base import Encoding, halved
from pipcli.priors.batched import channels_last
from pipcli.settings import AxisWaves, CompassWaves, LearnedWaves, NoiseSettings, OctaveWaves


def axis_waves(settings: AxisWaves) -> Tensor:
    """Return the (2 F, 2) wave vectors (y, x) of the published encoding: F along x, then F along y."""
    frequencies = torch.tensor(settings.frequencies)
    zero = torch.zeros_like(frequencies)
    return torch.cat([torch.stack([zero, frequencies], dim=1), torch.stack([frequencies, zero], dim=1)])


def time_waves(frequencies: Sequence[float], frames: int) -> Tensor:
    """Return the (F, 3) wave vectors (t, y, x) of waves along time alone, in radians per block of some frames."""
    along = torch.tensor(frequencies)[:, None] / frames
    return F.pad(along, (0, 2))


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


def octave_waves(settings: OctaveWaves, size: tuple[int, int]) -> Tensor:
    """Return the (2 F, 2) wave vectors (y, x) in radians per side for a picture of a size (height, width).

    Source: Mildenhall et al., "NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis" (ECCV 2020),
    equation 4, with coordinates from -1 to 1 along the longer side; its highest octave is a choice of the picture.
    """
    longer = max(size)
    count = max(0, 1 + math.floor(math.log2(longer / settings.shortest_period) + 1e-6))
    frequencies = 2 * math.pi * 2.0 ** torch.arange(count) / longer
    zero = torch.zeros_like(frequencies)
    return torch.cat(
        [torch.stack([zero, size[1] * frequencies], dim=1), torch.stack([size[0] * frequencies, zero], dim=1)]
    )


def layout_for(maps: Tensor) -> torch.memory_format:
    """Return the memory format that the operations of `pipcli.priors.batched` are fastest with on the maps' device."""
    return channels_last(maps) if maps.device.type == "cpu" else torch.contiguous_format


class FourierFeatures(Encoding):
    """Cosines and sines of plane waves over the picture, after the coordinates themselves if they are wanted.

    Source: Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022). As in the published code
    frequencies are in radians per picture side with no factor of 2 pi.
    """

    waves: Tensor

    def __init__(
        self,
        waves: Tensor,
        precision: torch.dtype = torch.float32,
        *,
        extent: tuple[float, float] | None = None,
        frame: float | None = None,
    ) -> None:
        """Keep what follows from the settings: no part of a state, all of whose tensors lead with the member.

        Args:
            waves: (F, 2) wave vectors (y, x) in radians per picture side, or (F, 3) with the time, in radians a frame.
            precision: the type that the features shall have.
            extent: the coordinates (y, x) are features too, from minus to plus this; None for waves alone.
            frame: length of a frame in that unit, where the time is a feature as well; None where it is not.
        """
        super().__init__()
        self.precision = precision
        self.extent = extent
        self.frame = frame
        self.register_buffer("waves", waves, persistent=False)
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    def channels(self) -> int:
        """Number of feature maps: cosine and sine of each wave, and the coordinates."""
        return 2 * len(self.waves) + (0 if self.extent is None else 2) + (0 if self.frame is None else 1)

    def forward(self, coords: Tensor) -> Tensor:
        """Map (N, 2, H, W) or (N, 3, T, H, W) coordinates to (N, channels, ..., H, W) features in [-1, 1].

        Waves of two axes are those of the picture, whatever the time.
        """
        # The features of one grid are asked for at every step and never change.
        if self._last is None or self._last[0] is not coords:
            self._last = (coords, self._encode(coords))
        return self._last[1]

    def _encode(self, coords: Tensor) -> Tensor:
        phases = torch.einsum("fd,nd...->nf...", self.waves, coords[:, -self.waves.shape[1] :])
        features = [phases.cos(), phases.sin()]
        if self.extent is not None:
            lengths = torch.tensor(self.extent, device=coords.device).view(1, 2, *[1] * (coords.ndim - 2))
            features.insert(0, (2 * coords[:, -2:] - 1) * lengths)
        if self.frame is not None:
            times = coords[:, :1]
            features.insert(0, self.frame * (times - times.mean()))
        joined = torch.cat(features, dim=1).to(self.precision)
        return joined.contiguous(memory_format=layout_for(joined))


class _Draws:
    """Gaussian noise for each member of a fit, drawn by its own generator and on the device where it is wanted."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        """Keep a CPU generator for each member, which also seeds those of other devices."""
        self.generators = generators
        self._on_device: list[torch.Generator] = []

    def into(self, noise: Tensor) -> Tensor:
        """Fill (K, ...) noise with draws of unit variance and return it."""
        for member, generator in zip(noise, self._generators(noise.device), strict=True):
            member.normal_(generator=generator)
        return noise

    def _generators(self, device: torch.device) -> Sequence[torch.Generator]:
        """Return what draws on a device, which the host need not see."""
        if device.type == "cpu":
            return self.generators
        if not self._on_device:
            seeds = [int(torch.randint(2**62, (), generator=generator)) for generator in self.generators]
            self._on_device = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        return self._on_device


class LearnedFeatures(Encoding):
    """Cosines and sines along x and along y, of frequencies that are fitted, and jittered at every step of the fit.

    Source: Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022), as its code enlarges and fills
    in: one vector of frequencies a network serves both axes.
    """

    def __init__(
        self, settings: LearnedWaves, generators: Sequence[torch.Generator], precision: torch.dtype = torch.float32
    ) -> None:
        """Begin with the frequencies of the settings.

        Args:
            settings: frequencies in radians per picture side, and their jitter.
            generators: a CPU generator a member, read before every step in training mode.
            precision: the type that the features shall have.
        """
        super().__init__()
        self.jitter = settings.jitter
        self.precision = precision
        self.frequencies = nn.Parameter(torch.tensor(settings.frequencies).repeat(len(generators), 1))
        self._draws = _Draws(generators)
        self._offsets: Tensor | None = None

    @property
    def channels(self) -> int:
        """Number of feature maps: cosine and sine of each frequency along each axis."""
        return 4 * self.frequencies.shape[1]

    def before_step(self) -> None:
        """Draw fresh jitter, in training mode; it lies in the same memory at every step."""
        if not self.training or self.jitter == 0:
            self._offsets = None
            return
        if self._offsets is None:
            self._offsets = torch.empty_like(self.frequencies, requires_grad=False)
        self._draws.into(self._offsets).mul_(self.jitter)

    def forward(self, coords: Tensor) -> Tensor:
        """Map the (1, 2, H, W) coordinates of rows and columns to (K, channels, H, W) features in [-1, 1]."""
        offsets = self._offsets if self.training else None
        frequencies = self.frequencies if offsets is None else self.frequencies + offsets
        size = coords.shape[-2:]
        # Along an axis first, and then over the picture: that is where the arithmetic is.
        phases = [frequencies[:, :, None, None] * axis for axis in (coords[:, 1:, :1, :], coords[:, :1, :, :1])]
        waves = [wave.to(self.precision).expand(-1, -1, *size) for part in phases for wave in (part.cos(), part.sin())]
        return torch.cat(waves, dim=1).contiguous(memory_format=layout_for(coords))


class Guided(Encoding):
    """Another encoding, concatenated with a guide picture.

    The picture as the generator's input is what Ulyanov et al. (Deep Image Prior, CVPR 2018, section 3) do with a flash
    picture, there alone.
    """

    guides: Tensor

    def __init__(self, encoding: Encoding, guides: Tensor) -> None:
        """Put (K, G, H, W) pictures in [0, 1], a member's each, beside what the encoding says."""
        super().__init__()
        self.encoding = encoding
        # No part of the state: who builds the members again gives each its own.
        self.register_buffer("guides", guides, persistent=False)

    @property
    def channels(self) -> int:
        """Number of feature maps."""
        return self.encoding.channels + self.guides.shape[1]

    def before_step(self) -> None:
        """Prepare a fitting step on the host."""
        self.encoding.before_step()

    def forward(self, coords: Tensor) -> Tensor:
        """Map (1, 2, H, W) coordinates to (K, channels, H, W) features; or smaller ones, if the encoding's are."""
        features = self.encoding(coords)
        # Around zero and as wide as waves are: what else there is would drown it, or it that.
        guides = 2 * F.interpolate(self.guides, features.shape[-2:], mode="area").to(features) - 1
        return torch.cat([features.expand(len(guides), -1, -1, -1), guides], dim=1)


class FixedNoise(Encoding):
    """One draw of uniform noise a member, to which each fitting step adds fresh Gaussian noise.

    Source: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), section 3.
    """

    noise: Tensor

    def __init__(self, settings: NoiseSettings, size: tuple[int, ...], generators: Sequence[torch.Generator]) -> None:
        """Draw the noise.

        Args:
            settings: its amplitude and jitter, and how much smaller than the picture it is.
            size: height and width of the picture, or before them the number of frames, each with noise of its own:
                repeated in time, it would be one picture for all of them.
            generators: a CPU generator a member, read again before every step in training mode.
        """
        super().__init__()
        self.settings = settings
        self.size = size
        self._draws = _Draws(generators)
        *frames, height, width = size
        shape = (settings.channels, *frames, *halved((height, width), settings.halvings)[-1])
        noise = torch.stack([torch.rand(shape, generator=generator) for generator in generators]) * settings.amplitude
        self.register_buffer("noise", noise.contiguous(memory_format=channels_last(noise)))
        self._jittered: Tensor | None = None

    @property
    def channels(self) -> int:
        """Number of noise maps."""
        return self.settings.channels

    def forward(self, coords: Tensor) -> Tensor:
        """Return (K, channels, ..., h, w) noise for the coordinates of the picture or block that it was drawn for.

        h and w are those of the picture, halved as often as the settings say.
        """
        got = tuple(coords.shape[2:])
        if got != self.size:
            raise ValueError(f"the noise was drawn for {self.size} pixels, the coordinates are those of {got}")
        return self._jittered if self.training and self._jittered is not None else self.noise

    def before_step(self) -> None:
        """Draw fresh jitter, in training mode; it lies in the same memory at every step."""
        if not self.training or self.settings.jitter == 0:
            self._jittered = None
            return
        # Into contiguous memory, since anything else is drawn number by number, eight times slower.
        jitter = torch.empty_like(self.noise.movedim(1, -1), memory_format=torch.contiguous_format)
        jittered = self.noise + self.settings.jitter * self._draws.into(jitter).movedim(-1, 1)
        if self._jittered is None:
            self._jittered = jittered.contiguous(memory_format=layout_for(jittered))
        else:
            self._jittered.copy_(jittered)
