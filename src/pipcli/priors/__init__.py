"""The generators. A new encoding or network is a file beside these, its settings record, and a row of a table here."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch

from pipcli.priors.base import Prior
from pipcli.priors.encodings import FixedNoise, FourierFeatures, axis_waves, compass_waves
from pipcli.priors.hourglass import Hourglass
from pipcli.settings import AxisWaves, CompassWaves, HourglassSettings, NoiseSettings, Settings

__all__ = ["ENCODINGS", "NETWORKS", "Prior", "build"]

Size = tuple[int, int]


# Fourier features learn nothing, so the many networks of one picture share theirs: 3 MB for a 128x128 window.
@lru_cache(maxsize=2)
def _axis_features(settings: AxisWaves, size: Size, precision: torch.dtype) -> FourierFeatures:
    del size
    return FourierFeatures(axis_waves(settings), precision)


@lru_cache(maxsize=2)
def _compass_features(settings: CompassWaves, size: Size, precision: torch.dtype) -> FourierFeatures:
    return FourierFeatures(compass_waves(settings, size), precision)


ENCODINGS: dict[type, Callable[[Any, Size, Sequence[torch.Generator], torch.dtype], FourierFeatures | FixedNoise]] = {
    AxisWaves: lambda settings, size, generators, precision: _axis_features(settings, size, precision),
    CompassWaves: lambda settings, size, generators, precision: _compass_features(settings, size, precision),
    NoiseSettings: lambda settings, size, generators, precision: FixedNoise(settings, size, generators),
}

NETWORKS: dict[type, Callable[[Any, int, int, Sequence[torch.Generator]], Hourglass]] = {
    HourglassSettings: lambda settings, inputs, outputs, generators: Hourglass(
        settings, inputs, outputs, generators=generators
    ),
}


def build(
    settings: Settings,
    size: Size,
    channels: int,
    *,
    generators: Sequence[torch.Generator],
    precision: torch.dtype = torch.float32,
) -> Prior:
    """Build the generators of a row of settings, on the CPU: as many members as there are random generators.

    Args:
        settings: the row.
        size: height and width of the pictures to generate.
        channels: 1 (grey) or 3 (colour).
        generators: a CPU generator a member, the only source of its weights and noise; DIP's jitter goes on reading it.
        precision: the type of the network's activations.
    """
    encoding = ENCODINGS[type(settings.encoding)](settings.encoding, size, generators, precision)
    network = NETWORKS[type(settings.hourglass)](settings.hourglass, encoding.channels, channels, generators)
    return Prior(encoding, network, precision)
