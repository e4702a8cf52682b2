"""The generators. A new encoding or network is a file here, a settings record, and a row of a table below."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipcli.priors.base import Encoding, Prior
from pipcli.priors.decoder import Decoder
from pipcli.priors.encodings import (
    FixedNoise,
    FourierFeatures,
    Guided,
    LearnedFeatures,
    axis_waves,
    compass_waves,
    octave_waves,
    time_waves,
)
from pipcli.priors.hashgrid import HashFeatures
from pipcli.priors.hourglass import Hourglass
from pipcli.priors.layers import Block, temporal_basis
from pipcli.priors.perceptron import Perceptron, Siren
from pipcli.priors.resnet import ResNet
from pipcli.priors.unet import UNet
from pipcli.settings import (
    AxisWaves,
    CompassWaves,
    Coordinates,
    DecoderSettings,
    HashGrid,
    HourglassSettings,
    LearnedWaves,
    MlpSettings,
    NoiseSettings,
    OctaveWaves,
    ResNetSettings,
    Settings,
    SirenSettings,
    UNetSettings,
)

__all__ = ["ENCODINGS", "IN_ROWS", "NETWORKS", "OF_BLOCKS", "Prior", "build", "precision_for"]

# Height and width of pictures, or before them the number of frames of blocks.
Size = tuple[int, ...]
Generators = Sequence[torch.Generator]


# Fourier features that learn nothing are the same for all networks of one picture: 3 MB for a 128x128 window.
@lru_cache(maxsize=2)
def _axis_features(settings: AxisWaves, size: Size, precision: torch.dtype) -> FourierFeatures:
    waves = axis_waves(settings)
    if len(size) == 3:
        waves = torch.cat([F.pad(waves, (1, 0)), time_waves(settings.times, size[0])])
    return FourierFeatures(waves, precision)


@lru_cache(maxsize=2)
def _compass_features(settings: CompassWaves, size: Size, precision: torch.dtype) -> FourierFeatures:
    return FourierFeatures(compass_waves(settings, _sides(size)), precision)


@lru_cache(maxsize=2)
def _octave_features(settings: OctaveWaves, size: Size, precision: torch.dtype) -> FourierFeatures:
    return FourierFeatures(octave_waves(settings, _sides(size)), precision, extent=_extent(size))


@lru_cache(maxsize=2)
def _coordinates(settings: Coordinates, size: Size, precision: torch.dtype) -> FourierFeatures:
    frame = 2 * settings.pace / max(_sides(size)) if len(size) == 3 else None
    return FourierFeatures(torch.zeros(0, 2), precision, extent=_extent(size), frame=frame)


def _sides(size: Size) -> tuple[int, int]:
    return size[-2], size[-1]


def _extent(size: Size) -> tuple[float, float]:
    height, width = _sides(size)
    return height / max(height, width), width / max(height, width)


def _block(settings: HourglassSettings, size: Size) -> Block | None:
    """Return the settings of layers for blocks of frames; None for pictures."""
    if len(size) == 2:
        return None
    return Block(None if settings.shortest_course is None else temporal_basis(size[0], settings.shortest_course))


ENCODINGS: dict[type, Callable[[Any, Size, Generators, torch.dtype], Encoding]] = {
    AxisWaves: lambda settings, size, generators, precision: _axis_features(settings, size, precision),
    LearnedWaves: lambda settings, size, generators, precision: LearnedFeatures(settings, generators, precision),
    CompassWaves: lambda settings, size, generators, precision: _compass_features(settings, size, precision),
    OctaveWaves: lambda settings, size, generators, precision: _octave_features(settings, size, precision),
    Coordinates: lambda settings, size, generators, precision: _coordinates(settings, size, precision),
    HashGrid: lambda settings, size, generators, precision: HashFeatures(settings, size, generators),
    NoiseSettings: lambda settings, size, generators, precision: FixedNoise(settings, size, generators),
}

NETWORKS: dict[type, Callable[[Any, int, int, Any, Generators], nn.Module]] = {
    HourglassSettings: lambda settings, inputs, outputs, size, generators: Hourglass(
        settings, inputs, outputs, generators=generators, block=_block(settings, size)
    ),
    UNetSettings: lambda settings, inputs, outputs, size, generators: UNet(
        settings, inputs, outputs, generators=generators
    ),
    ResNetSettings: lambda settings, inputs, outputs, size, generators: ResNet(
        settings, inputs, outputs, generators=generators
    ),
    MlpSettings: lambda settings, inputs, outputs, size, generators: Perceptron(
        settings, inputs, outputs, generators=generators
    ),
    SirenSettings: lambda settings, inputs, outputs, size, generators: Siren(
        settings, inputs, outputs, generators=generators
    ),
    DecoderSettings: lambda settings, inputs, outputs, size, generators: Decoder(
        settings, inputs, outputs, size, generators=generators
    ),
}

# What makes blocks of frames, with any of the encodings but learned waves.
OF_BLOCKS = (HourglassSettings, MlpSettings, SirenSettings)

# What can be asked at the places of rows and columns alone, and not where motion has taken them.
IN_ROWS = (HashGrid, LearnedWaves)

# With the eight bits of bfloat16 neighbours among more than 256 pixels would have the same coordinates, and sines large
# phases without their fractions.
NEED_FLOAT32 = (Coordinates,)


def precision_for(settings: Settings, wanted: torch.dtype) -> torch.dtype:
    """Return the dtype of the activations of a generator: the requested one, or float32 where it is needed."""
    return torch.float32 if isinstance(settings.encoding, NEED_FLOAT32) else wanted


def build(
    settings: Settings,
    size: Size,
    channels: int,
    *,
    generators: Generators,
    precision: torch.dtype = torch.float32,
    guides: Tensor | None = None,
) -> Prior:
    """Build the generators of a row of settings, on the CPU: as many members as there are random generators.

    Args:
        settings: the row.
        size: height and width of the pictures to generate, or before them the number of frames of the blocks to
            generate, by the networks of `OF_BLOCKS`.
        channels: 1 (grey) or 3 (colour).
        generators: a CPU generator a member, the only source of its weights and noise; jitter goes on reading it.
        precision: the type of the network's activations, where the generator does not need float32.
        guides: (K, G, H, W) in [0, 1], what each member sees besides; None for nothing.
    """
    precision = precision_for(settings, precision)
    encoding = ENCODINGS[type(settings.encoding)](settings.encoding, size, generators, precision)
    if guides is not None:
        encoding = Guided(encoding, guides)
    network = NETWORKS[type(settings.network)](settings.network, encoding.channels, channels, size, generators)
    return Prior(encoding, network, precision)
