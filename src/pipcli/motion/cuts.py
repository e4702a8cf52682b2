"""Where one scene ends and the next begins.

Frames are compared in miniature, block by block, each block with the best place near its own in the other frame, so
that neither pans nor fast things look like cuts. A cut is a change that is large, that stands out from the changes
around it, and that stays: after a flash the scene is there again.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint16]
Miniature = NDArray[np.float32]

# Of a miniature: its longer side, at most this share of the frame's so that noise is averaged away; in its pixels, the
# side of a block and how far one is searched for.
LONGER_SIDE, LARGEST_SHARE, BLOCK, REACH = 48, 0.25, 6, 6
# A cut changes samples by this much on average, and by this factor more than the frames around it do. Within four clips
# of moving cameras the largest change was 0.046; where any two of them were joined the least was 0.095.
LEAST_CHANGE, LEAST_RATIO = 0.06, 2.5
# How many frames a flash may last.
FLASH = 3


def scene_cuts(frames: Iterable[Samples]) -> list[int]:
    """Return the numbers of the frames, from 1 up, that begin another scene.

    Slow transitions, such as fades, are not found: no frame of theirs is the first. Memory does not grow with the
    number of frames.

    Args:
        frames: (H, W, C) uint16 in [0, 65535], all of one size, C 1 or 3.
    """
    return list(_cuts(_miniature(frame) for frame in frames))


def _cuts(miniatures: Iterable[Miniature]) -> Iterator[int]:
    """Look at each frame once those that may show it to be a flash have come."""
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
    change = _change(run[at - 1], run[at])
    if change < LEAST_CHANGE:
        return False
    around = [_change(run[other - 1], run[other]) for other in (at - 1, at + 1) if 1 <= other < len(run)]
    if change < LEAST_RATIO * max(around, default=0.0):
        return False
    before, after = run[max(0, at - FLASH - 1) : at - 1], run[at + 1 : at + 1 + FLASH]
    seen_again = [_change(run[at - 1], frame) for frame in after] + [_change(frame, run[at]) for frame in before]
    return min(seen_again, default=change) >= LEAST_CHANGE


def _miniature(frame: Samples) -> Miniature:
    """Return the means of a frame's parts, in [0, 1]."""
    height, width = frame.shape[:2]
    share = min(LARGEST_SHARE, LONGER_SIDE / max(height, width))
    means = frame.astype(np.float32) / 65535
    for axis, length in ((0, height), (1, width)):
        edges = np.linspace(0, length, max(1, round(length * share)) + 1).astype(int)
        sums = np.add.reduceat(means, edges[:-1], axis=axis)
        counts = np.diff(edges).astype(np.float32)
        means = sums / (counts[:, None, None] if axis == 0 else counts[:, None])
    return np.asarray(means, np.float32)


def _change(before: Miniature, after: Miniature) -> float:
    """Return by how much the blocks of a miniature differ from the best of the other's near their place."""
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
