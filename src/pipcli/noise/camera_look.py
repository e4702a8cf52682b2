"""Blind estimate of camera noise from one photo: power spectrum, variance over brightness, and a confidence.

The principle is the lower envelope of Ponomarenko et al. (see `patches`): in the flattest blocks there is little but
noise. What follows is ours. Taking the quietest blocks would find too little, so that for each group of frequencies of
each colour the blocks are chosen by all the others: the noises of different groups are independent, so that the choice
does not favour quiet ones, while a texture shows in many groups at once. The choice is made within each of some ranges
of brightness, since else all chosen blocks would be from where the noise is weakest.

Four things tell noise from texture. Flat blocks with noise have much the same energy, and many of them have it: a
texture's energy is spread wide, and the quietest blocks are but its tail. What is chosen by some groups of frequencies
has in others the spread that independent coefficients have. And noise that has been through a camera falls steeply to
the finest frequencies, but does not rise without end to the coarsest ones, where a picture's own shades are. The
grey of a camera's noise and its colours hardly go together, while those of a texture of one hue do.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipcli.noise.base import Evidence
from pipcli.noise.blocks import COUNTS, RADII, SIDE, Blocks, by_group, sample_blocks
from pipcli.noise.patches import Floats
from pipcli.spectra import NoiseSpectrum

RANGES = 8  # of brightness, each with as many blocks
# Of the blocks of a range, this share is chosen. Where more blocks have the energy of noise, so large a part of those
# is, since the more are chosen of them the less quiet they are.
SHARE, LEAST_CHOSEN = 0.05, 30
PART_OF_FLAT, MOST_SHARE = 0.2, 0.3
ENVELOPE = 0.08  # the quantile that the first choice begins with
ROUNDS = 5
UNSMEARED = 8  # rounds after which the energies agree to a percent
MOST_RATIO = 20.0  # a block with a coarse edge is judged as one with a clear one
LEAST_ENERGY = 1e-3 / 255**2  # far below the rounding to 8 bits
# In the grey channel the groups below this one are of the picture's shades too: see `_without_shades`.
CLEAR = 4
# What falls by more decibels from group 2 to 4 is no picture's spectrum, so that the group between is clear too.
STEEPEST = 10.0
# The power of noise may fall from a group to the next coarser one, but not by more than this factor: a drawn ramp has
# some frequencies and not others.
DEEPEST_DIP = 4.0
# Where the noise is white or the finest texture, the fall from group 3 to 7 is below the first, in photos of cameras
# above the second.
FALL = (9.0, 12.0)
# The share of the blocks that have the energy of the noise, divided by how much wider than noise the chosen ones are
# spread. Of eleven photos of cameras the least was 0.019, the next 0.05; of eight textures the largest was 0.07.
AS_NOISE = (0.7, 1.3)
EVIDENCE = (0.035, 0.065)
# In grey pictures, or where colour has less than this share of the grey standard deviation, there is no cross-check
# between colours, and more is asked for. Of six textures in grey the largest was 0.07, and of eleven photos of cameras
# the median is 0.2.
LEAST_COLOUR, EVIDENCE_IN_GREY = 0.04, (0.085, 0.12)
# The correlation of the flattest blocks' coefficients in grey and in colour: up to 0.34 in photos of cameras, whose
# sensor has other pixels for other colours, and from 0.8 in textures of one hue.
OF_ONE_HUE = (0.45, 0.7)
MIDDLE = slice(2, 6)  # the groups that are neither of shades nor of the finest detail
# Blocks that are spread less than this share of what noise is are drawn, such as a ramp of colours, and not random.
LEAST_SPREAD = 0.6
# Standard deviations in grey levels: weaker noise is not told from the picture, stronger comes from no camera.
LEVEL = (1.0, 1.6)
TOO_MUCH = (14.0, 20.0)


@dataclass(frozen=True)
class CameraLook:
    """An estimate of the noise of a camera, with its confidence.

    Attributes:
        spectrum: of the noise, as it was measured.
        trust: from 0 (no noise of a camera) to 1, how surely it is that.
    """

    spectrum: NoiseSpectrum
    trust: float


def look_for_camera_noise(evidence: Evidence) -> CameraLook | None:
    """Estimate the noise of a camera from a photo; None if there are too few usable blocks."""
    blocks = sample_blocks(evidence)
    if blocks is None:
        return None
    look = _Look(blocks)
    return CameraLook(look.spectrum(), look.trust())


class _Look:
    """The noise of some blocks, estimated on construction."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.energy = blocks.energy + LEAST_ENERGY
        self.ranges = np.array_split(np.argsort(blocks.level), RANGES)
        self.range_of = np.empty(len(blocks.level), dtype=np.int64)
        for number, members in enumerate(self.ranges):
            self.range_of[members] = number
        found = np.stack([np.quantile(self.energy[members], ENVELOPE, axis=0) for members in self.ranges])
        self.share = SHARE
        self._separate(found)
        for _ in range(ROUNDS):
            self._separate(self._measured())
            self.share = min(max(SHARE, PART_OF_FLAT * self._share()), MOST_SHARE)

    def _separate(self, found: Floats) -> None:
        """Factor (RANGES, C, GROUPS) energies into a spectrum and a brightness curve for each colour."""
        logarithms = np.log(found)
        self.power = np.exp(logarithms.mean(axis=0))  # (C, GROUPS)
        self.strengths = np.exp(np.median(logarithms - logarithms.mean(axis=0), axis=2))  # (RANGES, C)
        expected = self.power[None] * self.strengths[:, :, None]
        self.ratio = np.minimum(self.energy / expected[self.range_of], MOST_RATIO)

    def _measured(self) -> Floats:
        """Return, by brightness range, the mean energy of blocks that are flat in all other frequency groups."""
        weights = np.sqrt(COUNTS)
        total = (self.ratio * weights).sum(axis=(1, 2))
        found = np.empty((RANGES, *self.power.shape))
        for colour, group in np.ndindex(*self.power.shape):
            others = total - self.ratio[:, colour, group] * weights[group]
            for number, chosen in enumerate(self._flattest(others)):
                found[number, colour, group] = self.energy[chosen, colour, group].mean()
        return found

    def _flattest(self, roughness: Floats) -> list[NDArray[np.int64]]:
        """Return the blocks of each range with the least roughness."""
        chosen = []
        for members in self.ranges:
            count = min(len(members), max(LEAST_CHOSEN, int(self.share * len(members))))
            chosen.append(members[np.argpartition(roughness[members], count - 1)[:count]])
        return chosen

    def spectrum(self) -> NoiseSpectrum:
        """Return the spectrum and the curve."""
        levels = [float(self.blocks.level[members].mean()) for members in self.ranges]
        return _seen_as(_without_shades(self.power), NoiseSpectrum(RADII, (), tuple(levels), _rows(self.strengths)))

    def trust(self) -> float:
        """Return the confidence, in [0, 1], that the estimate is noise and not texture."""
        fall = 10 * math.log10(self.power[0, 3] / self.power[0, 7])
        spectrum = self.spectrum()
        std = 255 * math.sqrt(spectrum.variances().mean() * np.median(self.strengths))
        spread = self._spread()
        drawn = spread < LEAST_SPREAD or (self.power[0, 1:] > DEEPEST_DIP * self.power[0, :-1]).any()
        evidence = 0.0 if drawn else self._share() / spread
        enough = EVIDENCE if self._is_coloured() else EVIDENCE_IN_GREY
        colours = 1 - _ramp(self._correlation(), OF_ONE_HUE)
        return colours * _ramp(fall, FALL) * _ramp(evidence, enough) * _ramp(std, LEVEL) * (1 - _ramp(std, TOO_MUCH))

    def _correlation(self) -> float:
        """Return the correlation of luma and chroma energies in the flattest blocks, in [0, 1]."""
        if not self._is_coloured():
            return 0.0
        chosen = np.concatenate(self._flattest((self.ratio * np.sqrt(COUNTS)).sum(axis=(1, 2))))
        energy = self.energy[chosen].mean(axis=0)
        together = np.abs(self.blocks.together[chosen].mean(axis=0)) / np.sqrt(energy[:1] * energy[1:])
        return float(together.max(axis=0)[MIDDLE].mean())

    def _is_coloured(self) -> bool:
        energy = (self.power * COUNTS)[:, MIDDLE].sum(axis=1)
        return bool(energy[1:].sum() > LEAST_COLOUR**2 * energy[0])

    def _share(self) -> float:
        """Return the share of blocks whose luma energy equals that of the noise."""
        weights = np.sqrt(COUNTS[2:])
        typical = (self.ratio[:, 0, 2:] * weights).sum(axis=1) / weights.sum()
        low, high = AS_NOISE
        return float(((typical > low) & (typical < high)).mean())

    def _spread(self) -> float:
        """Return the spread of block energies in frequency groups, chosen by the others, relative to that of noise."""
        chosen_by, seen = [0, 2, 4, 6], [3, 5, 7]
        roughness = (self.ratio[:, 0, chosen_by] * np.sqrt(COUNTS[chosen_by])).sum(axis=1)
        chosen = np.concatenate(self._flattest(roughness))
        energy = (self.ratio[chosen][:, 0, seen] * COUNTS[seen]).sum(axis=1)
        return float(energy.std() / energy.mean() / math.sqrt(2 / COUNTS[seen].sum()))


def _without_shades(power: Floats) -> Floats:
    """Return (C, GROUPS) powers whose coarsest luma groups are limited to what noise can have.

    What has been smoothed rises towards zero frequency in proportion to the square of the frequency, in logarithms, at
    the most; shades rise like a power of the frequency, without end.
    """
    held, squares = np.log(power), np.square(RADII)
    steep = 10 * math.log10(power[0, 2] / power[0, 4]) > STEEPEST
    for group in reversed(range(CLEAR - 1 if steep else CLEAR)):
        slope = (held[0, group + 1] - held[0, group + 2]) / (squares[group + 2] - squares[group + 1])
        most = held[0, group + 1] + max(slope, 0.0) * (squares[group + 1] - squares[group])
        held[0, group] = min(held[0, group], most)
    capped: Floats = np.exp(held)
    return capped


def _seen_as(measured: Floats, curve: NoiseSpectrum) -> NoiseSpectrum:
    """Return the spectrum rescaled so that, with its curve, blocks have the measured (C, GROUPS) energies.

    A block's frequencies are wide, so that the energy at one is a mean of the power around it: where the power falls
    steeply the two differ.
    """
    power = measured.copy()
    for _ in range(UNSMEARED):
        spectrum = replace(curve, power=_rows(power))
        power *= measured / by_group(spectrum.bands(SIDE).double().numpy())
    return replace(curve, power=_rows(power))


def _ramp(value: float, between: tuple[float, float]) -> float:
    """Return a linear ramp: 0 below a range, 1 above it."""
    return float(np.clip((value - between[0]) / (between[1] - between[0]), 0, 1))


def _rows(table: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in table)
