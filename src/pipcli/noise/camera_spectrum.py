"""The power spectrum of camera noise, from the energies of blocks: without the picture's shades and a block's blur."""

import math
from dataclasses import replace

import numpy as np

from pipcli.noise.blocks import RADII, SIDE, by_group
from pipcli.noise.patches import Floats
from pipcli.spectra import NoiseSpectrum

UNSMEARED = 8  # rounds after which the energies agree to a percent
# In luma the groups below this one are of the picture's shades too: see `without_shades`.
CLEAR = 4
# What falls by more decibels from group 2 to 4 is no picture's spectrum, so that the group between is clear too.
STEEPEST = 10.0


def without_shades(power: Floats, unfiltered: float) -> Floats:
    """Return (C, GROUPS) powers, of whose first row the coarsest groups rise no more than those of noise.

    What has been smoothed rises towards zero frequency in proportion to the square of the frequency, in logarithms;
    shades rise like a power of the frequency, without end. Noise that no filter of a camera has removed from chroma may
    rise in proportion to the frequency itself: where the second group lies below that line, half of what it has more
    than smoothed noise is left to it.

    Args:
        power: of the noise, and in luma of the picture's shades.
        unfiltered: confidence, in [0, 1], that the noise was not removed from chroma.
    """
    logarithms = np.log(power[0])
    steep = 10 / math.log(10) * (logarithms[2] - logarithms[4]) > STEEPEST
    held = _as_smoothed(logarithms, CLEAR - 1 if steep else CLEAR)
    slope = (logarithms[CLEAR] - logarithms[CLEAR + 1]) / (RADII[CLEAR + 1] - RADII[CLEAR])
    if logarithms[1] < logarithms[CLEAR] + slope * (RADII[CLEAR] - RADII[1]):
        held += unfiltered * (_as_smoothed(logarithms, 1) - held) / 2
    return np.concatenate([np.exp(held)[None], power[1:]])


def _as_smoothed(logarithms: Floats, first_clear: int) -> Floats:
    """Return (GROUPS,) logarithms of power, of which those below a group rise no more than smoothed noise does."""
    held, squares = logarithms.copy(), np.square(RADII)
    for group in reversed(range(first_clear)):
        slope = (held[group + 1] - held[group + 2]) / (squares[group + 2] - squares[group + 1])
        most = held[group + 1] + max(slope, 0.0) * (squares[group + 1] - squares[group])
        held[group] = min(held[group], most)
    return held


def seen_as(measured: Floats, curve: NoiseSpectrum) -> NoiseSpectrum:
    """Return the spectrum rescaled so that, with its curve, blocks have the measured (C, GROUPS) energies.

    A block's frequencies are wide, so that the energy at one is a mean of the power around it: where the power falls
    steeply the two differ.
    """
    power = measured.copy()
    for _ in range(UNSMEARED):
        spectrum = replace(curve, power=rows_of(power))
        power *= measured / by_group(spectrum.bands(SIDE).double().numpy())
    return replace(curve, power=rows_of(power))


def rows_of(table: Floats) -> tuple[tuple[float, ...], ...]:
    """Return an (N, M) table as tuples."""
    return tuple(tuple(float(value) for value in row) for row in table)
