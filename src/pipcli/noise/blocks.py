"""Blocks of one picture in opponent colours, and their energy by frequency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipcli.noise.base import Evidence
from pipcli.noise.patches import Floats, dct_matrix

SIDE = 16
# The bounds of the groups of frequencies of a block, by their distance from zero, in units of 1/32 cycle a pixel: each
# spans some third of an octave, less at the coarse end.
BOUNDS = (0.5, 1.6, 2.9, 4.3, 6.1, 8.1, 10.6, 13.1, 30.0)
MOST_BLOCKS = 12_000
# A block is left out if more than this share of its pixels is black or white in some channel.
MOST_CLIPPED = 0.02
LEAST_BLOCKS = 400

_DISTANCE = np.hypot(np.arange(SIDE)[:, None], np.arange(SIDE)[None])
_GROUP = np.digitize(_DISTANCE, BOUNDS) - 1  # -1 is the block's mean
GROUPS = len(BOUNDS) - 1
COUNTS = np.array([np.count_nonzero(group == _GROUP) for group in range(GROUPS)])
RADII = tuple(float(_DISTANCE[group == _GROUP].mean()) / (2 * SIDE) for group in range(GROUPS))


@dataclass(frozen=True)
class Blocks:
    """A sample of the overlapping blocks of a picture.

    Attributes:
        level: (N,) mean brightness, in [0, 1].
        energy: (N, C, GROUPS) mean squared coefficient of an orthonormal transform in each group of frequencies, in
            each opponent colour; white noise of variance v gives v.
        together: (N, C - 1, GROUPS) mean products of the coefficients in grey and in each difference of colour.
    """

    level: Floats
    energy: Floats
    together: Floats


def sample_blocks(evidence: Evidence) -> Blocks | None:
    """Return the DCT of a fixed sample of blocks that are hardly clipped; None if there are too few."""
    picture = evidence.observation.detach()[0].float().cpu().numpy()
    channels, height, width = picture.shape
    if min(height, width) < SIDE:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(picture, (SIDE, SIDE), axis=(1, 2))
    down, across = windows.shape[1:3]
    rows, columns = np.divmod(_places(down * across), across)
    if evidence.valid is not None:
        known = np.lib.stride_tricks.sliding_window_view(evidence.valid[0, 0].cpu().numpy(), (SIDE, SIDE))
        whole = known[rows, columns].all(axis=(1, 2))
        rows, columns = rows[whole], columns[whole]
    blocks = windows[:, rows, columns]  # (C, N, SIDE, SIDE)
    clipped = ((blocks <= 0) | (blocks >= 1)).any(axis=0).mean(axis=(1, 2))
    blocks = blocks[:, clipped < MOST_CLIPPED]
    if blocks.shape[1] < LEAST_BLOCKS:
        return None
    level = blocks.mean(axis=(0, 2, 3))
    colours = np.einsum("ij,jnhw->inhw", opponent(channels), blocks)
    colours -= colours.mean(axis=(2, 3), keepdims=True)
    basis = dct_matrix(SIDE)
    bands = (basis @ colours @ basis.T).reshape(*colours.shape[:2], SIDE**2)
    energy, together = (by_group(bands * other).swapaxes(0, 1) for other in (bands, bands[:1]))
    return Blocks(level, energy.astype(np.float64), together[:, 1:].astype(np.float64))


def by_group(bands: Floats) -> Floats:
    """Return the (..., GROUPS) means of (..., SIDE^2) values at the frequencies of a block."""
    group = _GROUP.ravel()
    means: Floats = np.stack([bands[..., group == number].mean(axis=-1) for number in range(GROUPS)], axis=-1)
    return means


def _places(count: int) -> NDArray[np.int64]:
    """Return sorted flat indices of at most `MOST_BLOCKS` of `count` positions, the same on every call."""
    if count <= MOST_BLOCKS:
        return np.arange(count, dtype=np.int64)
    jitter = np.random.default_rng(0).random(MOST_BLOCKS)
    return ((np.arange(MOST_BLOCKS) + jitter) * (count / MOST_BLOCKS)).astype(np.int64)


def opponent(channels: int) -> Floats:
    """Return the orthonormal transform of 1 or 3 channels to a grey one and differences of colour."""
    if channels == 1:
        return np.ones((1, 1), dtype=np.float32)
    rows = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    matrix: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return matrix
