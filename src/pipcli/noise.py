"""Blind estimate of the white Gaussian noise in one picture.

Sources, formulas only: N. Ponomarenko, V. Lukin, M. Zriakhov, A. Kaarna, J. Astola, "An automatic approach to lossy
compression of AVIRIS images", IGARSS 2007 (patches with the least low-frequency DCT energy carry the noise in their
high-frequency DCT coefficients); M. Colom, A. Buades, "Analysis and Extension of the Ponomarenko et al. Method",
IPOL 2013. Three steps are ours: the correction for clipping to [0, 1], the preference for patches that are hardly
clipped, and the median over bands and channels where they average, because a scanner's or a codec's residue sits in
a few bands or in one channel (`baboon`'s red, the top frequencies of `peppers`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.floating[Any]]

PATCH_SIDE = 8
MAX_PATCHES = 60_000  # bounds time and memory at any picture size: about 50 MB per float32 copy in colour
HIGH_SHARE = 1 / 3  # share of a patch's AC bands, highest frequencies first, that is read as noise
FLAT_SHARE = 0.01  # share of the sampled patches, flattest first, that is measured
MIN_FLAT_PATCHES = 200  # below this the estimate's own spread exceeds about 2 percent on a grey picture
HARDLY_CLIPPED = 0.85  # variance ratio above which clipping bends the statistics too little to matter
MIN_POOL_SHARE = 0.1  # share of the patches always eligible, however badly the picture is clipped
SMALLEST_STD = 1e-4  # a fortieth of an 8-bit step: keeps the clipping model's divisions finite
LARGEST_STD = 1.0  # the whole range: clipping then leaves nearly two values, and sigma cannot be told from them
MAX_ROUNDS = 20


@dataclass(frozen=True)
class _PatchSample:
    """What is kept of the sampled patches.

    Attributes:
        mean: (N, C) patch means, in [0, 1].
        low: (N,) energy of the low-frequency bands, summed over bands and channels.
        high: (N, C, B) squared high-frequency coefficients of an orthonormal DCT; white noise of variance v gives v.
        independent: how many patches of this size the picture holds without overlap, at least 1.
    """

    mean: Floats
    low: Floats
    high: Floats
    independent: int


def estimate_noise_std(observation: Tensor) -> float:
    """Estimate the standard deviation of white Gaussian noise.

    The noise is read in the flattest patches only. Flatness is judged on low frequencies and the noise on high ones,
    which are independent for white noise, so picking flat patches does not favour quiet ones. Correlated noise
    (JPEG, upsampling) has little energy in the high frequencies and is therefore under-estimated.

    Args:
        observation: (1, C, H, W) float32 in [0, 1], C = 1 or 3, any H and W from 1.

    Returns:
        Nominal sigma in [0, 1] units, before clipping to [0, 1] and 8-bit rounding. Between 0 and 1; 0.0 where
        nothing varies or there is a single pixel.
    """
    picture = observation.detach()[0].to("cpu", torch.float32).numpy()
    if picture.shape[1] * picture.shape[2] < 2:
        return 0.0
    sample = _sample_patches(picture)
    std = float(np.sqrt(sample.high.mean(dtype=np.float64)))
    for _ in range(MAX_ROUNDS):
        # The clipping correction needs sigma and sigma needs the correction: iterate to their fixed point.
        previous = max(std, SMALLEST_STD)
        std = _std_of_flattest(sample, _variance_ratio(sample.mean, previous))
        if abs(std - previous) < 1e-3 * previous:
            break
    return std if std > SMALLEST_STD else 0.0


def clipped_noise_variance(observation: Tensor, noise_std: float) -> float:
    """Return the mean variance that noise of a nominal sigma has in a picture, after clipping to [0, 1].

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        noise_std: nominal sigma, in [0, 1] units.
    """
    if noise_std <= SMALLEST_STD:
        return noise_std**2
    local_means = torch.nn.functional.avg_pool2d(observation.cpu(), PATCH_SIDE, ceil_mode=True).double().numpy()
    return float(_variance_ratio(local_means, noise_std).mean()) * noise_std**2


def undo_clipping(estimate: Tensor, observation: Tensor, noise_std: float) -> Tensor:
    """Take out of an estimate what clipping the noise to [0, 1] put into it.

    A least-squares fit arrives at the mean of the observation. Noise that is cut off at 0 or 1 has a mean that is not
    zero, so black comes out too light, by 0.4 sigma, and white too dark. The mean after clipping is a known function of
    the level, and is inverted pixel by pixel.

    Args:
        estimate: (1, C, H, W) float32 in [0, 1], fitted to the observation.
        observation: (1, C, H, W) float32 in [0, 1].
        noise_std: nominal sigma, in [0, 1] units.

    Returns:
        (1, C, H, W) float32 in [0, 1]; the estimate itself where the observation shows no sign of clipped noise, that
        is when fewer than half as many samples lie at 0 and 1 as clipping would have put there.
    """
    if noise_std <= SMALLEST_STD:
        return estimate
    level = np.linspace(0, 1, 1001)
    restored = np.interp(estimate.double().numpy(), _censored_mean(level, noise_std), level)
    expected = _normal_cdf(-restored / noise_std) + _normal_cdf((restored - 1) / noise_std)
    at_the_ends = float(((observation <= 0) | (observation >= 1)).double().mean())
    if at_the_ends < 0.5 * float(expected.mean()):
        return estimate
    return torch.from_numpy(restored).to(estimate.dtype)


def _censored_mean(level: Floats, std: float) -> Floats:
    """Mean of normal variables of the given levels after clipping to [0, 1]; rises with the level."""
    below, above = -level / std, (1 - level) / std
    density_below, density_above = (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) for z in (below, above))
    inside = _normal_cdf(above) - _normal_cdf(below)
    mean: Floats = level * inside + std * (density_below - density_above) + 1 - _normal_cdf(above)
    return mean


def _sample_patches(picture: Floats) -> _PatchSample:
    """Transform a fixed random sample of the overlapping patches of a (C, H, W) picture."""
    channels, height, width = picture.shape
    rows, columns = min(PATCH_SIDE, height), min(PATCH_SIDE, width)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (rows, columns), axis=(1, 2))
    down, across = windows.shape[1:3]
    index = _sample_positions(down * across)
    patches = windows[:, index // across, index % across]  # (C, N, rows, columns)
    mean = patches.mean(axis=(2, 3))
    # Without its mean a flat patch transforms to exact zeros: no rounding dust from a bright DC term in float32.
    spectrum = _dct_matrix(rows) @ (patches - mean[:, :, None, None]) @ _dct_matrix(columns).T
    energy = np.square(spectrum).reshape(channels, len(index), -1)
    low, high = _split_bands(rows, columns)
    return _PatchSample(
        mean=mean.T,
        low=energy[:, :, low].sum(axis=(0, 2)),
        high=energy[:, :, high].swapaxes(0, 1),
        independent=max(1, height * width // (rows * columns)),
    )


def _sample_positions(count: int) -> NDArray[np.int64]:
    """Sorted flat indices of at most `MAX_PATCHES` of `count` positions, the same on every call.

    One position is drawn in each of equal strata: even cover, no alignment with periodic texture, and no permutation
    of millions of positions.
    """
    if count <= MAX_PATCHES:
        return np.arange(count, dtype=np.int64)
    jitter = np.random.default_rng(0).random(MAX_PATCHES)
    return ((np.arange(MAX_PATCHES) + jitter) * (count / MAX_PATCHES)).astype(np.int64)


def _dct_matrix(size: int) -> Floats:
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


def _variance_ratio(clipped_mean: Floats, std: float) -> Floats:
    """Variance that clipping to [0, 1] leaves of Gaussian noise, over `std` squared.

    The first two moments of a normal variable censored at 0 and 1, with the clean level eliminated: levels are
    tabulated against the mean they show after clipping, and the table is read backwards.

    Args:
        clipped_mean: any shape, mean after clipping, in [0, 1].
        std: nominal sigma, above 0, in [0, 1] units.

    Returns:
        Ratio in (0, 1], shaped like `clipped_mean`; near 0 where everything is clipped.
    """
    level = np.linspace(-3 * std, 1 + 3 * std, 2001)
    below, above = -level / std, (1 - level) / std
    inside = _normal_cdf(above) - _normal_cdf(below)
    density_below, density_above = (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) for z in (below, above))
    ones = 1 - _normal_cdf(above)
    mean = _censored_mean(level, std)
    square = (level**2 + std**2) * inside + std * (level * density_below - (1 + level) * density_above) + ones
    ratio: Floats = np.interp(clipped_mean, mean, (square - mean**2) / std**2)
    return np.clip(ratio, 1e-6, 1.0)


def _normal_cdf(z: Floats) -> Floats:
    """Standard normal distribution function, elementwise."""
    values: Floats = torch.special.ndtr(torch.from_numpy(z)).numpy()
    return values


def _std_of_flattest(sample: _PatchSample, ratio: Floats) -> float:
    """Sigma from the flattest of the least clipped patches, given each patch's (N, C) `_variance_ratio`."""
    # Clipping bounds the noise, so quiet low frequencies no longer mean independent high ones: avoid it if we can.
    worst = ratio.min(axis=1)
    eligible = np.flatnonzero(worst >= min(HARDLY_CLIPPED, float(np.quantile(worst, 1 - MIN_POOL_SHARE))))
    roughness = sample.low[eligible] / ratio[eligible].sum(axis=1)
    count = min(len(eligible), max(MIN_FLAT_PATCHES, int(FLAT_SHARE * len(worst))))
    chosen = eligible[np.argpartition(roughness, count - 1)[:count]]
    energy = sample.high[chosen].sum(axis=0, dtype=np.float64)
    # Medians in two steps: one noisy channel out of three then cannot shift the bands' ranking in the others.
    variance = np.median(np.median(energy / ratio[chosen].sum(axis=0)[:, None], axis=1))
    # A band's mean energy is chi-square distributed, whose median lies below its mean (Wilson and Hilferty 1931).
    median_over_mean = (1 - 2 / (9 * min(count, sample.independent))) ** 3
    return min(float(np.sqrt(variance / median_over_mean)), LARGEST_STD)
