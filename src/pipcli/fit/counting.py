"""Which samples of the observations a fit sees, and which are held out to tell the error by.

Where the noise is correlated, its neighbours tell the noise of a pixel, so that single pixels that are held out do not
show that a fit begins to reproduce the noise. There whole blocks are held out, with a gap around each that neither the
loss nor the error sees: what is fitted is farther from them than the noise is correlated.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# Below this many pixels a held-out share is too small a sample to stop by, and too dear a loss for the fit.
FEWEST_PIXELS_TO_HOLD_OUT = 256
# The side of a block that is held out, in pixels: its error is that of a hole, which grows with it, while what it says
# for the pixels that it costs grows too.
BLOCK = 4
# Blocks with their gaps may cover this share of the pixels.
MOST_COVERED = 0.25


def draw_held_out(size: tuple[int, ...], share: float, generator: torch.Generator) -> Tensor:
    """Draw the pixels to hold out: none of tiny pictures or for a share of 0, else at least one.

    Args:
        size: height and width of a picture, or before them the number of frames.
        share: of the pixels, in [0, 1).
        generator: draws them.
    """
    if math.prod(size) < FEWEST_PIXELS_TO_HOLD_OUT or share == 0:
        return torch.zeros(size, dtype=torch.bool)
    draws = torch.rand(size, generator=generator)
    return draws <= max(share, float(draws.min()))


def draw_held_out_blocks(
    size: tuple[int, ...], share: float, reach: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the blocks to hold out, and the gaps around them, the same in all frames.

    There is a block at a random place of each cell of a grid.

    Args:
        size: height and width of a picture, or before them the number of frames.
        share: of the pixels that is to be held out, in [0, 1). Less is where the gaps would cost too much, and none of
            pictures that are too small for a block.
        reach: pixels over which the noise is correlated, at least 1: as wide is the gap.
        generator: draws them.
    """
    held_out = torch.zeros(size, dtype=torch.bool)
    covered = held_out.clone()
    side = BLOCK + 2 * reach
    if share > 0:
        cell = math.ceil(max(BLOCK / math.sqrt(share), side / math.sqrt(MOST_COVERED)))
        for row in range(0, size[-2] - cell + 1, cell):
            for column in range(0, size[-1] - cell + 1, cell):
                top, left = torch.randint(0, cell - side + 1, (2,), generator=generator).tolist()
                rows, columns = (slice(start, start + side) for start in (row + top, column + left))
                covered[..., rows, columns] = True
                rows, columns = (slice(one.start + reach, one.stop - reach) for one in (rows, columns))
                held_out[..., rows, columns] = True
    return held_out, covered & ~held_out


@dataclass(frozen=True)
class Counting:
    """What counts of the observations (K, C, h, w), or (K, C, T, h, w), of the members of a fit; all on the CPU.

    Attributes:
        observed: like the observations, or with one channel, booleans: the samples that say anything of the picture,
            which alone are fitted or held out; None is all of them.
        gap: (K, h, w) or (K, T, h, w) booleans: pixels that are neither fitted nor held out; None is none.
    """

    observed: Tensor | None = None
    gap: Tensor | None = None

    def shares(self, pixels: Tensor, channels: int) -> Tensor:
        """Return what each observed sample of each member's pixels, (K, h, w) booleans, counts: 1 in sum, or 0."""
        samples = pixels[:, None] if self.observed is None else pixels[:, None] & self.observed
        repeats = channels // samples.shape[1]
        counts = samples.sum(tuple(range(1, samples.ndim)), keepdim=True).clamp(min=1)
        return samples.float() / (repeats * counts)


ALL = Counting()
