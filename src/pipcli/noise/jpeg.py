"""JPEG quantisation: each coefficient of each 8x8 block is known to an interval.

Sources, formulas only: ITU-T T.81 (the cosine transform, annex K's tables) and T.871 (the colour transform); Zakhor,
"Iterative Procedures for Reduction of Blocking Effects in Transform Image Coding" (IEEE CSVT 1992: the projection onto
the intervals); Foi, Katkovnik and Egiazarian, "Pointwise Shape-Adaptive DCT for High-Quality Denoising and Deblocking
of Grayscale and Color Images" (IEEE TIP 2007: the level of white noise that a filter should take such noise for).
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.errors import UnusableInputError
from pipcli.jpeg_tables import BLOCK, BlockCoding, Plane, Steps
from pipcli.noise.base import Evidence, Noise, Origin, Whitened
from pipcli.noise.patches import dct_matrix
from pipcli.settings import NoiseName

# Annex K's luma table, which libjpeg scales by the quality.
LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
QUALITIES = range(1, 101)
# Foi's level: the variance is this factor times a power of the mean of the nine lowest steps, in levels of 255.
FACTOR, POWER = 0.69, 1.3
# T.871, for values in [0, 1]; chroma is counted from its middle.
TO_PLANES = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
MIDDLE = 128 / 255


@dataclass(frozen=True)
class Jpeg(Noise):
    """JPEG quantisation; its level is the equivalent quality of libjpeg."""

    name: ClassVar[NoiseName] = NoiseName.JPEG
    unit: ClassVar[str] = "quality"
    misfit_is_squared_error: ClassVar[bool] = False

    coding: BlockCoding

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Jpeg":
        """Return the noise of a picture by its file's tables, else by a quality that the user knows.

        Raises:
            UnusableInputError: there is neither, or both.
        """
        coding = evidence.coding
        if coding is not None and level is not None:
            raise UnusableInputError("the quality is read from a JPEG file: leave out --level")
        if level is not None:
            coding = BlockCoding((Plane(steps_of(round(level))),))
        if coding is None:
            raise UnusableInputError(
                "the quantisation is known for JPEG files only: for a picture that was a JPEG and was saved as "
                "something else, not cropped or scaled, give --level, the quality from 1 to 100"
            )
        origin = Origin.GIVEN if evidence.coding is None else Origin.FILE
        return cls(quality_of(coding.planes[0].steps), origin, foi_std(coding.planes[0].steps), coding)

    def scaled(self, strength: float) -> Self:
        """Return the noise with the same intervals, which are known, and a filter of so many times the strength."""
        return replace(super().scaled(strength), level=self.level)

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the squared difference."""
        return (prediction - observation).square()

    def expected_misfit(self, observation: Tensor) -> float:
        """Return the variance."""
        del observation
        return self.std**2

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return both unchanged; `restore` projects every coefficient onto its interval."""
        return Whitened(observation, pilot, self.std**2, partial(project, observation, self.coding))


def steps_of(quality: int) -> Steps:
    """Return the luma steps that libjpeg makes of a quality from 1 to 100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(tuple(min(max((step * percent + 50) // 100, 1), 255) for step in row) for row in LUMA_STEPS)


def quality_of(steps: Steps) -> float:
    """Return the quality whose luma steps are nearest to the given ones."""
    given = torch.tensor(steps)
    return float(min(QUALITIES, key=lambda quality: int((torch.tensor(steps_of(quality)) - given).abs().sum())))


def foi_std(steps: Steps) -> float:
    """Return the standard deviation, in [0, 1] units, of white noise that models the quantisation in a filter."""
    mean = sum(step for row in steps[:3] for step in row[:3]) / 9
    return math.sqrt(FACTOR * mean**POWER) / 255


def project(observation: Tensor, coding: BlockCoding, picture: Tensor) -> Tensor:
    """Project the coefficients of a picture onto the intervals of the quantised ones.

    Luma is exact. Chroma of a lower resolution is taken from means over the pixels that share a sample, which are not
    quite what the file holds, since the decoder smoothed them on the way up. Blocks that are partly outside the picture
    are left as they are: what the encoder saw there is not known.

    Args:
        observation: (1, C, H, W) the decoded JPEG, in [0, 1].
        coding: how it was coded; of a colour picture perhaps luma alone.
        picture: (1, C, H, W) in [0, 1].

    Returns:
        (1, C, H, W) in [0, 1].
    """
    colour = torch.tensor(TO_PLANES) if picture.shape[1] == 3 else torch.ones(1, 1)
    wanted = torch.einsum("ij,njhw->nihw", colour, picture)
    known = torch.einsum("ij,njhw->nihw", colour, observation)
    for number, plane in enumerate(coding.planes):
        change = _correction(wanted[:, [number]], known[:, [number]], plane, coding.before, number == 0)
        wanted[:, [number]] += change
    projected: Tensor = torch.einsum("ij,njhw->nihw", torch.linalg.inv(colour), wanted)
    return projected.clamp(0, 1)


def _correction(wanted: Tensor, known: Tensor, plane: Plane, before: tuple[int, int], is_luma: bool) -> Tensor:
    """Return the correction that projects a (1, 1, H, W) plane onto its intervals."""
    blocks = _Blocks((wanted.shape[-2], wanted.shape[-1]), plane, before)
    middle = MIDDLE if is_luma else 0.0
    inside, seen = blocks.coefficients(wanted - middle), blocks.coefficients(known - middle)
    step = torch.tensor(plane.steps, dtype=torch.float32) / 255
    # The rounding of pixels has moved what the file holds a little, and a decoder's smoothing has moved all of chroma.
    centre = (seen / step).round() * step if plane.coarseness == (1, 1) else seen
    # Where clipping has moved it a lot, the interval is widened to what is seen.
    half = step / 2
    lowest, highest = torch.minimum(centre - half, seen), torch.maximum(centre + half, seen)
    correction = torch.zeros_like(wanted)
    correction[blocks.place] = blocks.pixels(inside.clamp(lowest, highest) - inside)
    return correction


class _Blocks:
    """The whole blocks of one plane of a picture."""

    def __init__(self, size: tuple[int, int], plane: Plane, before: tuple[int, int]) -> None:
        self.coarseness = plane.coarseness
        self.matrix = torch.from_numpy(dct_matrix(BLOCK))
        spans = []
        for length, coarse, cut in zip(size, plane.coarseness, before, strict=True):
            side = BLOCK * coarse
            start = -cut % side
            spans.append(slice(start, start + max(0, length - start) // side * side))
        self.place = (slice(None), slice(None), *spans)

    def coefficients(self, plane: Tensor) -> Tensor:
        """Return the (rows, columns, 8, 8) coefficients of the blocks of a (1, 1, H, W) plane."""
        part = plane[self.place]
        if part.numel() == 0:
            return part.new_zeros(0, 0, BLOCK, BLOCK)
        means = F.avg_pool2d(part, self.coarseness)[0, 0]
        blocks = means.unfold(0, BLOCK, BLOCK).unfold(1, BLOCK, BLOCK)
        return self.matrix @ blocks @ self.matrix.T

    def pixels(self, coefficients: Tensor) -> Tensor:
        """Return the (1, 1, h, w) part of the plane that the blocks cover, given their coefficients."""
        down, across = coefficients.shape[:2]
        blocks = self.matrix.T @ coefficients @ self.matrix
        means = blocks.permute(0, 2, 1, 3).reshape(1, 1, down * BLOCK, across * BLOCK)
        return means.repeat_interleave(self.coarseness[0], 2).repeat_interleave(self.coarseness[1], 3)
