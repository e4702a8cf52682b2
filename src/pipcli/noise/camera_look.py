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

Textures are weak in chroma. Where both chroma channels show noise of about the same strength, it is a camera's even if
luma is full of texture. Where JPEG or the camera has removed the noise of chroma, luma alone must show it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipcli.noise.base import Evidence, once_each
from pipcli.noise.blocks import COUNTS, RADII, SIDE, Blocks, sample_blocks
from pipcli.noise.camera_spectrum import rows_of, seen_as, without_shades
from pipcli.noise.patches import Floats
from pipcli.spectra import NoiseSpectrum

GREY = 0  # of the opponent colours
RANGES = 8  # of brightness, each with as many blocks
# Of the blocks of a range, this share is chosen. Where more blocks have the energy of noise, so large a part of those
# is, since the more are chosen of them the less quiet they are.
SHARE, LEAST_CHOSEN = 0.05, 30
PART_OF_FLAT, MOST_SHARE = 0.2, 0.3
# The share of the blocks that have the energy of noise from which the chosen ones hold less and less texture.
SHARE_OF_FLAT = (0.3, 0.5)
# The share that chroma of JPEG files is read in. In six photos of cameras chroma has 2 to 5 dB more in it than in the
# flattest blocks; luma of two of them has 0.
SHARE_OF_CODED = 0.3
ENVELOPE = 0.08  # the quantile that the first choice begins with
ROUNDS = 5
MOST_RATIO = 20.0  # a block with a coarse edge is judged as one with a clear one
LEAST_ENERGY = 1e-3 / 255**2  # far below the rounding to 8 bits
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
# The same of the two differences of colour, in which most textures are weak: in photos without noise the weaker of the
# two has less than the first level, or falls less, or its evidence is below the first.
LEVEL_OF_COLOUR, FALL_OF_COLOUR, EVIDENCE_OF_COLOUR = (1.6, 2.6), (8.0, 10.5), (0.045, 0.07)
# White noise in a JPEG file falls by up to 2 in luma and by 28 in chroma; luma with noise of cameras by 10 and more.
FALL_BESIDE_COLOURS = (4.0, 8.0)
# The standard deviation of one of them over that of the other: up to 1.5 in photos of cameras, from 2.7 in brown fur.
IMBALANCE = (1.8, 2.6)
# Where a colour has more than this, it falls in photos of cameras by 9 and more, in clean photos by 4 to 15.
LEAST_LEVEL_OF_COLOUR, LEAST_FALL_OF_COLOUR = 0.7, (5.5, 8.0)
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


@once_each
def look_for_camera_noise(evidence: Evidence) -> CameraLook | None:
    """Estimate the noise of a camera from a photo; None if there are too few usable blocks."""
    blocks = sample_blocks(evidence)
    if blocks is None:
        return None
    coded = evidence.coding is not None and len(evidence.coding.planes) > 1
    return _Look(blocks).look(coded=coded)


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
            self._separate(self._measured(self.share))
            self.share = min(max(SHARE, PART_OF_FLAT * self._share(GREY)), MOST_SHARE)

    def _separate(self, found: Floats) -> None:
        """Factor (RANGES, C, GROUPS) energies into a spectrum and a brightness curve for each colour."""
        logarithms = np.log(found)
        self.power = np.exp(logarithms.mean(axis=0))  # (C, GROUPS)
        self.strengths = np.exp(np.median(logarithms - logarithms.mean(axis=0), axis=2))  # (RANGES, C)
        expected = self.power[None] * self.strengths[:, :, None]
        self.ratio = np.minimum(self.energy / expected[self.range_of], MOST_RATIO)

    def _measured(self, share: float) -> Floats:
        """Return the mean energy of the share of each range that all other groups of frequencies show as flattest."""
        weights = np.sqrt(COUNTS)
        total = (self.ratio * weights).sum(axis=(1, 2))
        found = np.empty((RANGES, *self.power.shape))
        for colour, group in np.ndindex(*self.power.shape):
            others = total - self.ratio[:, colour, group] * weights[group]
            for number, chosen in enumerate(self._flattest(others, share)):
                found[number, colour, group] = self.energy[chosen, colour, group].mean()
        return found

    def _flattest(self, roughness: Floats, share: float) -> list[NDArray[np.int64]]:
        """Return the share of each range with the least roughness."""
        chosen = []
        for members in self.ranges:
            count = min(len(members), max(LEAST_CHOSEN, int(share * len(members))))
            chosen.append(members[np.argpartition(roughness[members], count - 1)[:count]])
        return chosen

    def look(self, *, coded: bool) -> CameraLook:
        """Return what was found.

        JPEG rounds the chroma of flat blocks to nothing, so that chroma noise is read in more blocks of such files.
        Where the confidence in luma is lower than that in chroma, luma noise is lowered towards that of chroma: what a
        camera does to its noise leaves no less of it in luma.
        """
        grey, colours = self._trust_of_grey(), self._trust_of_colours()
        power = without_shades(self.power * self._without_texture(colours), colours)
        if coded:
            busier = np.exp(np.log(self._measured(SHARE_OF_CODED)).mean(axis=0))
            power[1:] = np.maximum(power[1:], np.minimum(busier[1:], power[GREY]))
        if colours > grey:
            least = np.minimum(power[GREY], power[1:].mean(axis=0))
            power[GREY] = np.maximum(least, grey / colours * power[GREY])
        spectrum = self._with_power(power)
        std = 255 * math.sqrt(spectrum.variances().mean() * np.median(self.strengths))
        return CameraLook(spectrum, max(grey, colours) * _ramp(std, LEVEL) * (1 - _ramp(std, TOO_MUCH)))

    def _without_texture(self, colours: float) -> Floats:
        """Return the (C, GROUPS) factors that remove from the power what texture has added to it.

        Noise has the same energy in twice as many blocks, and texture has more: the same increase is removed from the
        blocks that were chosen. Where many blocks are flat, these hold no texture. A camera that filters its noise
        leaves less of it in the flattest blocks, too, but then also in chroma: the correction counts by the confidence
        in chroma.
        """
        more = np.log(self._measured(self.share)) - np.log(self._measured(2 * self.share))
        weight = colours * (1 - _ramp(self._share(GREY), SHARE_OF_FLAT))
        factors: Floats = np.exp(weight * np.minimum(more.mean(axis=0), 0.0))
        return factors

    def _with_power(self, power: Floats) -> NoiseSpectrum:
        levels = [float(self.blocks.level[members].mean()) for members in self.ranges]
        return seen_as(power, NoiseSpectrum(RADII, (), tuple(levels), rows_of(self.strengths)))

    def _trust_of_grey(self) -> float:
        """Return the confidence, in [0, 1], that luma shows a camera's noise."""
        enough = EVIDENCE if self._is_coloured() else EVIDENCE_IN_GREY
        of_more_hues = 1 - _ramp(self._correlation(), OF_ONE_HUE)
        return self._filtered() * of_more_hues * _ramp(self._fall(GREY), FALL) * _ramp(self._evidence(GREY), enough)

    def _filtered(self) -> float:
        """Return the confidence, in [0, 1], that chroma went through a camera: the power of its noise falls too."""
        colours = [colour for colour in range(1, len(self.power)) if self._level(colour) > LEAST_LEVEL_OF_COLOUR]
        return min((_ramp(self._fall(colour), LEAST_FALL_OF_COLOUR) for colour in colours), default=1.0)

    def _trust_of_colours(self) -> float:
        """Return the confidence, in [0, 1], that both chroma channels show a camera's noise."""
        colours = range(1, len(self.power))
        if not colours:
            return 0.0
        levels = [self._level(colour) for colour in colours]
        balanced = 1 - _ramp(max(levels) / min(levels), IMBALANCE)
        return (
            balanced
            * _ramp(self._fall(GREY), FALL_BESIDE_COLOURS)
            * min(self._trust_of_colour(colour) for colour in colours)
        )

    def _trust_of_colour(self, colour: int) -> float:
        level, fall = _ramp(self._level(colour), LEVEL_OF_COLOUR), _ramp(self._fall(colour), FALL_OF_COLOUR)
        return level * fall * _ramp(self._evidence(colour), EVIDENCE_OF_COLOUR)

    def _level(self, colour: int) -> float:
        """Return the standard deviation of a channel in grey levels."""
        variance = (self.power[colour] * COUNTS).sum() / SIDE**2 * np.median(self.strengths[:, colour])
        return 255 * math.sqrt(variance)

    def _fall(self, colour: int) -> float:
        """Return by how many dB the power of a channel falls from the middle to the finest frequencies."""
        return 10 * math.log10(self.power[colour, 3] / self.power[colour, 7])

    def _evidence(self, colour: int) -> float:
        """Return the share of the blocks with the energy of noise, over the spread of the chosen ones' energy."""
        power, spread = self.power[colour], self._spread(colour)
        drawn = spread < LEAST_SPREAD or (power[1:] > DEEPEST_DIP * power[:-1]).any()
        return 0.0 if drawn else self._share(colour) / spread

    def _correlation(self) -> float:
        """Return the correlation of luma and chroma energies in the flattest blocks, in [0, 1]."""
        if not self._is_coloured():
            return 0.0
        chosen = np.concatenate(self._flattest((self.ratio * np.sqrt(COUNTS)).sum(axis=(1, 2)), self.share))
        energy = self.energy[chosen].mean(axis=0)
        together = np.abs(self.blocks.together[chosen].mean(axis=0)) / np.sqrt(energy[:1] * energy[1:])
        return float(together.max(axis=0)[MIDDLE].mean())

    def _is_coloured(self) -> bool:
        energy = (self.power * COUNTS)[:, MIDDLE].sum(axis=1)
        return bool(energy[1:].sum() > LEAST_COLOUR**2 * energy[0])

    def _share(self, colour: int) -> float:
        """Return the share of blocks whose energy in one channel equals that of the noise."""
        weights = np.sqrt(COUNTS[2:])
        typical = (self.ratio[:, colour, 2:] * weights).sum(axis=1) / weights.sum()
        low, high = AS_NOISE
        return float(((typical > low) & (typical < high)).mean())

    def _spread(self, colour: int) -> float:
        """Return the spread of block energies in frequency groups, chosen by the others, relative to that of noise."""
        chosen_by, seen = [0, 2, 4, 6], [3, 5, 7]
        roughness = (self.ratio[:, colour, chosen_by] * np.sqrt(COUNTS[chosen_by])).sum(axis=1)
        chosen = np.concatenate(self._flattest(roughness, self.share))
        energy = (self.ratio[chosen][:, colour, seen] * COUNTS[seen]).sum(axis=1)
        return float(energy.std() / energy.mean() / math.sqrt(2 / COUNTS[seen].sum()))


def _ramp(value: float, between: tuple[float, float]) -> float:
    """Return a linear ramp: 0 below a range, 1 above it."""
    return float(np.clip((value - between[0]) / (between[1] - between[0]), 0, 1))
