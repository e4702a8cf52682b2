"""An empirical Wiener filter of the observation, with the fitted picture as its pilot.

A generator leaves the finest texture in the residual, together with the noise. Its picture shows, block by block, which
frequencies the clean picture has; the filter takes those from the observation:

    s = p^2 / (p^2 + n) y

for each coefficient y of an 8x8 cosine transform of the observation, that coefficient p of the pilot, and the variance
n of the noise. Sources: the estimator is that of Ghael, Sayeed and Baraniuk ("Improved Wavelet Denoising via Empirical
Wiener Filtering", SPIE 1997); sliding blocks, of Yaroslavsky, Egiazarian and Astola ("Transform Domain Image
Restoration Methods", SPIE 2001); a block's weight where blocks overlap, the inverse of the noise that it lets through.

A departure: where the noise is not known, n is estimated for each frequency from the difference of pilot and
observation over most blocks, so that noise which is not white has a spectrum (docs/decisions.md).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.spectrum import Filtered, NoiseBounds, cosines, opponent, turn, variances
from pipcli.tiles import Window, blend, windows

BLOCK = 8
# The noise is counted this many times in the first pass, whose pilot is smoother than the picture, and in the second,
# whose pilot is the first's result.
NOISE_FACTORS = (0.75, 1.0)
# A picture is filtered in parts: its coefficients take 64 times its memory.
SIDE, STRIDE = 128, 112


def _coefficients(channel: Tensor, basis: Tensor) -> Tensor:
    """Return the (1, 64, ...) coefficients of all blocks of a (1, 1, h, w) channel, those over its edges too."""
    mode = "reflect" if min(channel.shape[-2:]) >= BLOCK else "replicate"
    return F.conv2d(F.pad(channel, (BLOCK - 1,) * 4, mode=mode), basis)


def _filter_channel(pilot: Tensor, observation: Tensor, noise: NoiseBounds, basis: Tensor) -> Tensor:
    """Filter one (1, 1, h, w) channel: (1, 2, h, w), the result and its derivative by the sample itself."""
    known, observed = _coefficients(pilot, basis), _coefficients(observation, basis)
    variance = variances((observed - known).square().flatten(2)[0], noise)
    power = known.square()
    gains = power / (power + variance[:, None, None])
    weights = 1 / (gains.square().sum(1, keepdim=True) + 1e-3)
    ones, margin = torch.ones_like(basis[:1]), BLOCK - 1
    sums = F.conv_transpose2d(gains * observed * weights, basis)
    influences = F.conv_transpose2d(gains.mean(1, keepdim=True) * weights, ones)
    counts = F.conv_transpose2d(weights, ones)
    return (torch.cat([sums, influences], dim=1) / counts)[..., margin:-margin, margin:-margin]


def _filter(pilot: Tensor, observation: Tensor, noise: NoiseBounds, window: Window) -> Tensor:
    """Filter a window: (1, C + 1, h, w), the result, and the mean derivative of its samples by themselves."""
    basis, colours = cosines(BLOCK).view(-1, 1, BLOCK, BLOCK).to(observation), opponent(observation.shape[1])
    known, seen = turn(colours, window.cut(pilot)), turn(colours, window.cut(observation))
    numbers = range(len(colours))
    channels = [_filter_channel(known[:, [number]], seen[:, [number]], noise, basis) for number in numbers]
    filtered, influences = torch.split(torch.cat(channels, dim=0).movedim(1, 0), 1)
    return torch.cat([turn(colours.T, filtered), influences.mean(1, keepdim=True)], dim=1)


def wiener(pilot: Tensor, observation: Tensor, noise: NoiseBounds, workers: int = 1) -> Filtered:
    """Filter an observation.

    Args:
        pilot: (1, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the picture.
        observation: (1, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        workers: parts that are filtered at the same time.
    """
    size = (observation.shape[-2], observation.shape[-1])
    places = windows(size, SIDE, STRIDE)
    filtered = Filtered(pilot, 0.0)
    with ThreadPoolExecutor(workers) as pool:
        for factor in NOISE_FACTORS:
            part = partial(_filter, filtered.picture, observation, noise.scaled(factor))
            joined = blend(size, zip(places, pool.map(part, places), strict=True))
            filtered = Filtered(joined[:, :-1].clamp(0, 1), float(joined[:, -1].mean()))
    return filtered
