"""Noise of backgrounds at or near black or white: paper, terminals, charts, drawings.

The estimate of `gaussian` avoids patches that are clipped. On a page the only flat patches are clipped ones, and what
is left is lettering. The loop between sigma and the correction for clipping then has two fixed points: the lettering,
and the noise of the paper. Noise is everywhere, so the lower one that the patches support is right. This loop begins at
next to no noise and uses every patch in which clipping has left something to see. All thresholds are ours: on 29
drawings with noise of 5 to 20 it is right within 10 percent, and on 19 photos with noise of 2 to 100 it is never less
than 0.9 of the other estimate.
"""

import math

import numpy as np
import torch
from torch import Tensor

from pipcli.noise.base import share_of
from pipcli.noise.clipping import variance_ratio
from pipcli.noise.patches import FLAT_SHARE, MIN_FLAT_PATCHES, PatchSample, chi_square_median

# At a ground of exactly 0 or 1 clipping takes half of the samples, give or take 0.06 in a patch. A patch of which more
# than this lies at the ends says hardly anything of the noise.
MOST_AT_ENDS = 0.75
LEAST_STD = 1e-4
MOST_STD = 1.0
MAX_ROUNDS = 40
# The other estimate stays where the two are nearer than this: on photos it is the steadier one.
MUCH_LOWER = 0.7
# Where this share of the patches is wholly black or white, and so says nothing, the others have to look like noise: as
# flat as white noise is (energy of a low band over that of a high one, 0.5 to 1 in noise, 1.6 to 30 in lettering), or
# little. Elsewhere noise that is not little has 2.8 at most, also in JPEG files, and fine screens of print have 30.
# In a JPEG file ringing around letters looks like noise, and where this share is flat there was none.
SATURATED_SHARE_OF_CODED = 0.05
SATURATED_SHARE = 0.02
MOST_ROUGHNESS, MOST_ROUGHNESS_ANYWHERE = 1.2, 6.0
# Of noise the flattest patches have at least half of that. Where most of them have none at all, the energy is that of
# the few others, as between dense lines of letters.
LEAST_ROUGHNESS = 0.05
LITTLE_STD, MOST_ROUGHNESS_OF_LITTLE = 8 / 255, 8.0

# Neighbours are alike within this part of the standard deviation: 0.03 to 0.13 of them are in noise, 0.19 to 0.42 in
# patterns of pixel art that were taken for noise. Where this share or more is black and white each, hits may be among
# samples without noise, and who names another kind of noise for those is not told that there is none.
ALIKE, MOST_ALIKE = 8, 0.17
ENDS_OF_HITS = 0.01
LEAST_IN_MIDDLE = 0.3

# Drawings of few colours: this share of the samples has no other level within this distance. Noise of one grey level
# fills the levels beside each that occurs.
DISTANT = 5.5 / 255
DISTANT_SHARE = 0.98
FEWEST_LEVELS, MOST_LEVELS = 4, 48
FILLED = 1.25
MOST_SAMPLES, MOST_PAIRS = 300_000, 1_000_000


def lower_std(sample: PatchSample, std: float, *, coded: bool) -> float:
    """Return the lower of two levels of noise if the patches support it, both in [0, 1] units.

    Args:
        sample: of the picture.
        std: what the patches that are hardly clipped say, above 0.
        coded: whether the picture is from a JPEG file.

    Returns:
        `std`, a level below `MUCH_LOWER` times it, or 0.0 where what was read is no noise.
    """
    seen = sample.at_ends <= MOST_AT_ENDS
    places = np.flatnonzero(seen.any(axis=1))
    if not len(places):
        return 0.0
    lower, roughness = _fixed_point(sample, seen, places)
    if lower <= LEAST_STD or roughness < LEAST_ROUGHNESS:
        return 0.0
    if coded and float((sample.at_ends >= 1).all(axis=1).mean()) > SATURATED_SHARE_OF_CODED:
        return 0.0
    saturated = 1 - len(places) / len(seen)
    limit = MOST_ROUGHNESS_OF_LITTLE if lower < LITTLE_STD else MOST_ROUGHNESS
    if saturated <= SATURATED_SHARE:
        limit = math.inf if lower < LITTLE_STD else MOST_ROUGHNESS_ANYWHERE
    if roughness > limit:
        return 0.0
    return lower if lower < MUCH_LOWER * std else std


def _fixed_point(sample: PatchSample, seen: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    """Return the least level that agrees with its own correction for clipping, and the roughness of its patches.

    Args:
        sample: of the picture.
        seen: (N, C) booleans of the channels of patches that are measured.
        places: of the patches of which any channel is.
    """
    seen = seen[places]
    low, high, mean = (sample.low_of[places] * seen).sum(axis=1), sample.high[places], sample.mean[places]
    count = min(len(places), max(MIN_FLAT_PATCHES, int(FLAT_SHARE * len(sample.mean))))
    std, roughness = LEAST_STD, 0.0
    for _ in range(MAX_ROUNDS):
        previous = std
        ratio = variance_ratio(mean, previous) * seen
        rough = low / ratio.sum(axis=1)
        chosen = np.argpartition(rough, count - 1)[:count]
        weight = ratio[chosen].sum(axis=0)
        energy = (high[chosen] * seen[chosen][:, :, None]).sum(axis=0, dtype=np.float64)
        measured = weight > 0
        variance = float(np.median(np.median(energy[measured] / weight[measured][:, None], axis=1)))
        std = min(math.sqrt(variance / chi_square_median(min(count, sample.independent))), MOST_STD)
        roughness = float(np.median(rough[chosen])) / max(sample.low_bands, 1) / max(std, LEAST_STD) ** 2
        if std <= LEAST_STD or abs(std - previous) < 1e-3 * previous:
            break
    return std, roughness


def neighbours_are_too_alike(observation: Tensor, std: float, valid: Tensor | None) -> bool:
    """Return whether more neighbours are alike than noise of a standard deviation would leave, in [0, 1] units.

    Of neighbours in the same flat place noise takes 93 percent further than an eighth of its standard deviation from
    each other, and more of others. Where many are nearer, it is the picture itself that was measured, as in patterns
    of a few colours that leave no place flat. Samples at 0 and 1 do not count, and where samples are too coarse to
    tell, the answer is no.

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        std: that is to be doubted.
        valid: (1, 1, H, W) booleans of the pixels that count, see `Evidence`; None is all.
    """
    if min(share_of(observation <= 0), share_of(observation >= 1)) > ENDS_OF_HITS:
        return False
    height = observation.shape[-2]
    rows = torch.arange(0, max(1, height - 1), max(1, observation.numel() // MOST_PAIRS))
    below = (rows + 1).clamp(max=height - 1)
    upper, lower = observation[..., rows, :], observation[..., below, :]
    counts = [(part > 0) & (part < 1) for part in (upper, lower)]
    if valid is not None:
        counts[0], counts[1] = (
            counts[0] & valid[..., rows, :],
            counts[1] & valid[..., (rows + 1).clamp(max=height - 1), :],
        )
    across = (upper[..., 1:] - upper[..., :-1]).abs()[counts[0][..., 1:] & counts[0][..., :-1]]
    down = (upper - lower).abs()[counts[0] & counts[1]] if height > 1 else across[:0]
    difference = torch.cat([across, down])
    changes = difference[difference > LEAST_STD]
    if not len(changes) or float(changes.min()) > std / ALIKE:
        return False
    return share_of(difference < std / ALIKE) > MOST_ALIKE


def leaves_out_the_middle(observation: Tensor, std: float) -> bool:
    """Return whether samples are nearer to black and white than noise of a standard deviation would take them.

    Clipped noise on black or white takes 62 percent of the samples that it does not clip further than half its
    standard deviation from the ends, and on all other levels more. JPEG files of drawings in two colours have such
    samples around strokes, and hardly any in the middle.
    """
    samples = observation.flatten()
    samples = samples[:: max(1, len(samples) // MOST_SAMPLES)]
    inside = samples[(samples > 0) & (samples < 1)]
    if not len(inside):
        return False
    return float((torch.minimum(inside, 1 - inside) > std / 2).float().mean()) < LEAST_IN_MIDDLE


def has_few_distant_levels(observation: Tensor, valid: Tensor | None = None) -> bool:
    """Return whether a (1, C, H, W) picture has few levels, far from each other, as drawings of a palette have.

    Args:
        observation: the picture.
        valid: (1, 1, H, W) booleans of the pixels that count, see `Evidence`; None is all.
    """
    picture = observation.detach().cpu()
    samples = picture.flatten() if valid is None else picture[valid.expand_as(picture)]
    samples = samples[:: max(1, len(samples) // MOST_SAMPLES)]
    levels, counts = torch.unique(samples, return_counts=True)
    if len(levels) == 1:
        return True
    if len(levels) > MOST_LEVELS:
        return False
    gaps = levels.diff()
    # Levels without a gap between them are all that coarse samples have, be there noise or not.
    if len(levels) > FEWEST_LEVELS and float(levels[-1] - levels[0]) < FILLED * len(levels) * float(gaps.min()):
        return False
    left, right = (torch.nn.functional.pad(gaps, side, value=math.inf) for side in ((1, 0), (0, 1)))
    distant = torch.minimum(left, right) > DISTANT
    return float(counts[distant].sum()) >= DISTANT_SHARE * len(samples)
