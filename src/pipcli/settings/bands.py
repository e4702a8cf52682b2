"""Frequency limits in the units of the user, put into a row of settings."""

import math
from dataclasses import replace

from pipcli.errors import UnusableInputError
from pipcli.settings.generators import (
    AxisWaves,
    CompassWaves,
    Coordinates,
    HashGrid,
    LearnedWaves,
    OctaveWaves,
    SirenSettings,
)
from pipcli.settings.records import Settings
from pipcli.settings.rows import geometric

# Of the speed, and its bounds in pixels a frame: slower, a still clip would be one frame, faster, frames share nothing.
PACE_SHARE, LEAST_PACE, MOST_PACE = 0.75, 0.5, 4.0


def with_max_frequency(row: Settings, cycles: float) -> Settings:
    """Return a row with another highest frequency, in cycles per longer side of the picture.

    0 is for octaves alone, and leaves the coordinates as they are.

    Raises:
        UnusableInputError: the row's encoding has no frequencies, or none that could be so low.
    """
    octaves = isinstance(row.encoding, OctaveWaves)
    if octaves and cycles == 0:
        return replace(row, encoding=Coordinates())
    if not octaves and not isinstance(row.encoding, AxisWaves | LearnedWaves | CompassWaves):
        raise UnusableInputError("--max-frequency applies to --prior pip and mlp only: leave it out")
    if not 0 < cycles < math.inf:
        least = "0 (the coordinates as they are) or more" if octaves else "above 0"
        raise UnusableInputError(f"--max-frequency is in cycles per longer side, {least}, not {cycles:g}")
    return replace(row, max_frequency=cycles)


def with_omega(row: Settings, omega: float) -> Settings:
    """Return a row with another factor before the first sine, in radians per half of the longer side.

    Raises:
        UnusableInputError: the row's network has no sines, or the factor is out of its range.
    """
    if not isinstance(row.network, SirenSettings):
        raise UnusableInputError("--omega applies to --prior siren only: leave it out")
    if not 0 < omega < math.inf:
        raise UnusableInputError(f"--omega is in radians per half of the longer side, above 0, not {omega:g}")
    return replace(row, network=replace(row.network, omega=omega))


def for_picture(row: Settings, size: tuple[int, int]) -> Settings:
    """Return a row with the highest frequency that the user named, for a picture of a size (height, width).

    Windows of the picture then get as many periods as lie in them. Half a cycle a pixel is the most that pixels show.
    """
    if row.max_frequency is None:
        return row
    encoding, longer = row.encoding, max(size)
    cycles = min(row.max_frequency, longer / 2)
    if isinstance(encoding, AxisWaves | LearnedWaves):
        lowest = encoding.frequencies[0]
        frequencies = geometric(lowest, max(lowest, 2 * math.pi * cycles), len(encoding.frequencies))
        return replace(row, encoding=replace(encoding, frequencies=frequencies))
    if isinstance(encoding, CompassWaves | OctaveWaves):
        return replace(row, encoding=replace(encoding, shortest_period=longer / cycles))
    return row


def with_speed(row: Settings, speed: float) -> Settings:
    """Return a row whose grid in time is as fine as motion of a speed, in pixels a frame, wants it.

    What moves by a cell of the grid in space is to pass about one in time. Of the speeds of two clips (1.5 and 5.1
    pixels a frame) three quarters, 1 and 4, gave the best results of a pace of 0.5, 1 and 3, or of 1 and 4.
    """
    if not isinstance(row.encoding, HashGrid):
        return row
    pace = min(max(PACE_SHARE * speed, LEAST_PACE), MOST_PACE)
    return replace(row, encoding=replace(row.encoding, pace=pace))
