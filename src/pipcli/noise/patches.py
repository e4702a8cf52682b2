"""Blind estimation of noise in the flat patches of a picture.

Sources, formulas only: N. Ponomarenko, V. Lukin, M. Zriakhov, A. Kaarna, J. Astola, "An automatic approach to lossy
compression of AVIRIS images", IGARSS 2007 (patches with the least low-frequency DCT energy carry the noise in their
high-frequency DCT coefficients); M. Colom, A. Buades, "Analysis and Extension of the Ponomarenko et al. Method",
IPOL 2013. The median over bands and channels, where they average, is ours: a scanner's or a codec's residue sits in a
few bands or in one channel (`baboon`'s red, the top frequencies of `peppers`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.floating[Any]]

PATCH_SIDE = 8
MAX_PATCHES = 60_000  # bounds time and memory at any picture size: about 50 MB per float32 copy in colour
HIGH_SHARE = 1 / 3  # share of a patch's AC bands, highest frequencies first, that is read as noise
FLAT_SHARE = 0.01  # share of the sampled patches, flattest first, that is measured
MIN_FLAT_PATCHES = 200  # below this the estimate's own spread exceeds about 2 percent on a grey picture


@dataclass(frozen=True)
class PatchSample:
    """Statistics of the sampled patches.

    Attributes:
        mean: (N, C) patch means, in [0, 1].
        low: (N,) energy of the low-frequency bands, summed over bands and channels.
        low_of: (N, C) energy of the low-frequency bands of each channel, summed over bands.
        low_bands: how many low-frequency bands there are.
        at_ends: (N, C) share of a patch's samples that are exactly 0 or 1, where clipping may have hidden the noise.
        high: (N, C, B) squared high-frequency coefficients of an orthonormal DCT; white noise of variance v gives v.
        independent: how many patches of this size the picture holds without overlap, at least 1.
    """

    mean: Floats
    low: Floats
    low_of: Floats
    low_bands: int
    at_ends: Floats
    high: Floats
    independent: int


def sample_patches(observation: Tensor, valid: Tensor | None = None) -> PatchSample:
    """Transform a fixed random sample of the overlapping patches of a picture.

    Args:
        observation: (1, C, H, W), of two pixels or more.
        valid: (1, 1, H, W) booleans of the pixels that may be measured, see `Evidence`; None is all. Patches with any
            other pixel are left out, unless all patches have one.
    """
    picture = observation.detach()[0].float().cpu().numpy()
    channels, height, width = picture.shape
    rows, columns = min(PATCH_SIDE, height), min(PATCH_SIDE, width)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (rows, columns), axis=(1, 2))
    down, across = windows.shape[1:3]
    index = _positions(down, across, rows, columns, valid)
    patches = windows[:, index // across, index % across]  # (C, N, rows, columns)
    mean = patches.mean(axis=(2, 3))
    # Without its mean a flat patch transforms to exact zeros: no rounding dust from a bright DC term in float32.
    spectrum = dct_matrix(rows) @ (patches - mean[:, :, None, None]) @ dct_matrix(columns).T
    energy = np.square(spectrum).reshape(channels, len(index), -1)
    low, high = _split_bands(rows, columns)
    return PatchSample(
        mean=mean.T,
        low=energy[:, :, low].sum(axis=(0, 2)),
        low_of=energy[:, :, low].sum(axis=2).T,
        low_bands=len(low),
        at_ends=((patches <= 0) | (patches >= 1)).mean(axis=(2, 3)).T,
        high=energy[:, :, high].swapaxes(0, 1),
        independent=max(1, (height * width if valid is None else int(valid.sum())) // (rows * columns)),
    )


def _positions(down: int, across: int, rows: int, columns: int, valid: Tensor | None) -> NDArray[np.int64]:
    """Sorted flat indices, among down x across, of the patches of rows x columns to look at."""
    if valid is None:
        return _sample_positions(down * across)
    # Of each window the number of valid pixels, from sums over rectangles that begin at the corner of the picture.
    sums = np.pad(valid[0, 0].cpu().numpy().cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))
    counts = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    whole = np.flatnonzero(counts == rows * columns)
    return whole[_sample_positions(len(whole))] if len(whole) else _sample_positions(down * across)


def _sample_positions(count: int) -> NDArray[np.int64]:
    """Sorted flat indices of at most `MAX_PATCHES` of `count` positions, the same on every call.

    One position is drawn in each of equal strata: even cover, no alignment with periodic texture, and no permutation
    of millions of positions.
    """
    if count <= MAX_PATCHES:
        return np.arange(count, dtype=np.int64)
    jitter = np.random.default_rng(0).random(MAX_PATCHES)
    return ((np.arange(MAX_PATCHES) + jitter) * (count / MAX_PATCHES)).astype(np.int64)


def dct_matrix(size: int) -> Floats:
    """Orthonormal DCT-II matrix, (size, size) float32; each row is one frequency."""
    frequency, position = np.arange(size)[:, None], np.arange(size)[None, :]
    matrix: NDArray[np.float64] = np.cos(np.pi * (2 * position + 1) * frequency / (2 * size)) * np.sqrt(2 / size)
    matrix[0] = np.sqrt(1 / size)
    return matrix.astype(np.float32)


def _split_bands(rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat indices of the low and of the high AC bands of a rows x columns DCT; at least one is high."""
    frequency = np.add.outer(np.arange(rows) / rows, np.arange(columns) / columns).ravel()
    order = np.argsort(frequency, kind="stable")[1:].astype(np.int64)
    highs = max(1, round(HIGH_SHARE * len(order)))
    return order[:-highs], order[-highs:]


def variance_of_flattest(sample: PatchSample, ratio: Floats, eligible: NDArray[np.bool_]) -> float:
    """Return the noise variance where `ratio` is 1, estimated in the flattest of the eligible patches.

    Flatness is judged on low frequencies and the noise on high ones, which are independent for white noise, so picking
    flat patches does not favour quiet ones. Correlated noise (JPEG, upsampling) has little energy in the high
    frequencies and is therefore under-estimated.

    Args:
        sample: of the picture.
        ratio: (N, C) variance of the noise in each patch in units of what is asked for, above 0.
        eligible: (N,) patches that may be measured, at least one.
    """
    places = np.flatnonzero(eligible)
    roughness = sample.low[places] / ratio[places].sum(axis=1)
    count = min(len(places), max(MIN_FLAT_PATCHES, int(FLAT_SHARE * len(eligible))))
    chosen = places[np.argpartition(roughness, count - 1)[:count]]
    energy = sample.high[chosen].sum(axis=0, dtype=np.float64)
    # Medians in two steps: one noisy channel out of three then cannot shift the bands' ranking in the others.
    variance = np.median(np.median(energy / ratio[chosen].sum(axis=0)[:, None], axis=1))
    return float(variance / chi_square_median(min(count, sample.independent)))


def chi_square_median(freedom: int) -> float:
    """Return the median of chi-square over its mean, which is that of a band's energy (Wilson and Hilferty 1931)."""
    return (1 - 2 / (9 * freedom)) ** 3
