"""Detection of scene cuts.

Downscaled frames are compared block by block, each block with its best match nearby in the other frame, so that
neither pans nor fast objects look like cuts. A cut is a change that is large, larger than the changes around it,
and permanent (after a flash the scene returns). Changes are relative to the contrast of the frames, so that a cut
between two dark scenes counts like one between two bright ones.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint16]
Means = NDArray[np.float32]

# Of a miniature: its longer side, at most this share of the frame's so that noise is averaged away; in its pixels, the
# side of a block and how far one is searched for.
LONGER_SIDE, LARGEST_SHARE, BLOCK, REACH = 48, 0.25, 6, 6
# A cut changes samples by this much on average, or, with their mean brightness taken out, by this share of their
# standard deviation; and by this factor more than the frames around it do. Within four clips of moving cameras the
# largest changes were 0.046 and 0.23 of the deviation; where any two of them were joined the least were 0.095 and 0.80.
LEAST_CHANGE, LEAST_SHARE, LEAST_RATIO = 0.06, 0.45, 2.5
# No change below a level of 8 bits is one of the picture. Noise by itself changes samples by the mean distance of two
# draws from a normal distribution, in units of its standard deviation; what it adds to that, 1 of these covers.
LEAST_STEP, NOISE_CHANGE, TIMES_NOISE = 1 / 255, 2 / np.pi**0.5, 1.0
# The mean absolute deviation of a normal distribution is this part of its standard deviation; that of the second
# differences of samples is as many times larger.
NORMAL_QUANTILE, SECOND_DIFFERENCE = 0.6745, 6**0.5
# How many frames a flash may last.
FLASH = 3


def scene_cuts(frames: Iterable[Samples]) -> list[int]:
    """Return the indices, from 1 up, of the frames that begin a new scene.

    Slow transitions, such as fades, are not found: no frame of theirs is the first. Memory does not grow with the
    number of frames.

    Args:
        frames: (H, W, C) uint16 in [0, 65535], all of one size, C 1 or 3.
    """
    return list(_cuts(_miniature(frame) for frame in frames))


class Miniature(NamedTuple):
    """A frame as it is compared.

    Attributes:
        means: (h, w, C) of the frame's parts, in [0, 1].
        contrast: their standard deviation.
        noise: that of what noise leaves in them.
    """

    means: Means
    contrast: float
    noise: float


def _cuts(miniatures: Iterable[Miniature]) -> Iterator[int]:
    """Decide on each frame once the frames that could show it to be a flash have arrived."""
    held: deque[Miniature] = deque(maxlen=2 * FLASH + 2)
    count = 0
    for miniature in miniatures:
        held.append(miniature)
        count += 1
        if count > FLASH + 1 and _begins_a_scene(list(held), len(held) - FLASH - 1):
            yield count - FLASH - 1
    for at in range(max(1, len(held) - FLASH), len(held)):
        if _begins_a_scene(list(held), at):
            yield count - len(held) + at


def _begins_a_scene(run: list[Miniature], at: int) -> bool:
    """Return whether frame `at` of a run of frames is the first of a scene."""
    change = _strength(run[at - 1], run[at])
    if change < 1:
        return False
    around = [_strength(run[other - 1], run[other]) for other in (at - 1, at + 1) if 1 <= other < len(run)]
    if change < LEAST_RATIO * max(around, default=0.0):
        return False
    before, after = run[max(0, at - FLASH - 1) : at - 1], run[at + 1 : at + 1 + FLASH]
    seen_again = [_strength(run[at - 1], frame) for frame in after] + [_strength(frame, run[at]) for frame in before]
    return min(seen_again, default=change) >= 1


def _miniature(frame: Samples) -> Miniature:
    """Return a frame as it is compared."""
    height, width = frame.shape[:2]
    share = min(LARGEST_SHARE, LONGER_SIDE / max(height, width))
    samples: Means = frame.astype(np.float32) / np.float32(65535)
    means: Means = samples
    for axis, length in ((0, height), (1, width)):
        edges = np.linspace(0, length, max(1, round(length * share)) + 1).astype(int)
        sums: Means = np.add.reduceat(means, edges[:-1], axis=axis)
        counts = np.diff(edges).astype(np.float32)
        means = sums / (counts[:, None, None] if axis == 0 else counts[:, None])
    parts = means.shape[0] * means.shape[1] / (height * width)
    return Miniature(np.asarray(means, np.float32), float(means.std((0, 1)).mean()), _noise(samples) * parts**0.5)


def _noise(samples: Means) -> float:
    """Return the standard deviation of the noise, overestimated where there is fine detail."""
    if samples.shape[1] < 3:
        return 0.0
    differences = samples[:, 2:] - 2 * samples[:, 1:-1] + samples[:, :-2]
    return float(np.median(np.abs(differences))) / NORMAL_QUANTILE / SECOND_DIFFERENCE


def _strength(before: Miniature, after: Miniature) -> float:
    """Return a change in units of the smallest change of a cut."""
    change = _change(before.means, after.means) / LEAST_CHANGE
    if change >= LEAST_RATIO:
        return change
    noise = max(before.noise, after.noise)
    contrast = math.sqrt(max(0.0, max(before.contrast, after.contrast) ** 2 - noise**2))
    least = min(LEAST_CHANGE, max(LEAST_SHARE * contrast, LEAST_STEP, TIMES_NOISE * noise))
    # A change of brightness alone, as by a lamp or by a camera's exposure, is none of the scene.
    plain = [one.means - one.means.mean() for one in (before, after)]
    squares = _change(plain[0], plain[1]) ** 2 - (NOISE_CHANGE * noise) ** 2
    return max(change, math.sqrt(max(0.0, squares)) / least)


def _change(before: Means, after: Means) -> float:
    """Return the differences of the blocks of a miniature from their best matches in the other one."""
    height, width = after.shape[:2]
    padded = np.pad(before, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    rows, columns = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    least = np.full((len(rows), len(columns)), np.inf, np.float32)
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            error = np.abs(padded[down : down + height, right : right + width] - after).mean(axis=2)
            blocks = np.add.reduceat(np.add.reduceat(error, rows, axis=0), columns, axis=1)
            least = np.minimum(least, blocks)
    return float(least.sum() / (height * width))
