"""A test of the removed component: is it noise, or a part of the picture?

Noise is independent of the picture, apart from its variance, which may depend on brightness. So the removed component,
observation minus result, has the same mean square near the edges of the result as far from them, among pixels of equal
brightness. Letters, outlines and dots of print that were taken for noise lie near edges only. The statistic is the
ratio of the two mean squares; it needs no estimate of the noise. Where no pixels of the same brightness are far from
edges, others are used, and the limit is higher, to allow for noise whose strength is proportional to brightness.

Erased strokes leave no edge behind. They are concentrated in few places of a uniform background, so that the second
statistic is how far the removed energy is concentrated in few of the blocks of equal brightness.

The third: where a picture is exactly flat over many places between black and white, there was no noise.

Black and white pixels carry no information where they are clipped, as in a sky. They do on a page, where most other
pixels are near solid black or white.

The thresholds are ours; docs/decisions.md has the values that they separate.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

MOST_EDGE_RATIO, MOST_RATIO_ELSEWHERE = 3.0, 10.0
MOST_CONCENTRATION = 3.0
BLOCK, LEAST_BLOCKS, LEAST_COUNTED = 8, 20, 0.5
SMALLEST_SIDE = 16  # a smaller picture has too few pixels to judge
# Far from edges are the pixels of which this share has stronger gradients around, near to them those of the other.
FAR_SHARE, NEAR_SHARE = 0.3, 0.6
BRIGHTNESS_STEPS = 16
# A step of brightness with fewer pixels far from or near to edges says nothing.
LEAST_FAR, LEAST_NEAR = 50, 20
# What is taken out by less than a tenth of a grey level is nothing.
NOTHING = (0.1 / 255) ** 2
MOST_SAMPLES = 1_000_000  # for quantiles
# On a page this share of all other pixels has a black or white one, which has its like around it, within two pixels.
PAGE_SHARE, PAGE_REACH = 0.5, 2
# Pixels between black and white that are equal to all around them: up to 0.17 in JPEG photos with the noise of cameras,
# hardly any elsewhere with noise, and 0.47 to 0.92 in drawings. What is taken out of them is half a grey level or more.
MOST_FLAT, LEAST_TAKEN = 0.3, (0.5 / 255) ** 2
FRAMES_LOOKED_AT = 3
END = 0.02  # what stayed black or white within this was burnt out


@dataclass(frozen=True)
class EdgeRatios:
    """The mean square of what was taken out near edges of the result, over that far from them.

    Each is about 1 for noise, much more for parts of the picture, and 1.0 where there is nothing to compare.

    Attributes:
        equal: among pixels of the same brightness.
        elsewhere: for pixels near edges where none of the same brightness is far from them: against the strongest that
            others say, as strong in proportion to brightness as speckle would be.
    """

    equal: float = 1.0
    elsewhere: float = 1.0


def edge_ratios(observation: Tensor, result: Tensor, valid: Tensor | None = None) -> EdgeRatios:
    """Compare what was taken out near edges of the result with what was taken out far from them.

    Args:
        observation: (1, C, H, W) float32 in [0, 1].
        result: of the same shape.
        valid: (1, 1, H, W) booleans of the pixels that count; None is all.
    """
    taken = (observation - result).square().mean(dim=1)[0]
    counted = _counted(observation, result, valid)
    if float(taken.mean()) <= NOTHING or not bool(counted.any()):
        return EdgeRatios()
    edges, step, taken = _edges(result)[counted], _steps(result.mean(dim=1)[0])[counted], taken[counted]
    far = edges <= _quantile(edges, FAR_SHARE)
    near = (edges >= _quantile(edges, NEAR_SHARE)) & ~far
    (far_energy, far_count), (near_energy, near_count) = (_sums(taken, step, where) for where in (far, near))
    has_far, has_near = far_count >= LEAST_FAR, near_count >= LEAST_NEAR
    if not bool(has_far.any()):
        return EdgeRatios()
    mean = far_energy / far_count.clamp(min=1)
    brightness = torch.arange(BRIGHTNESS_STEPS, dtype=torch.float64) + 0.5
    growth = (brightness[:, None] / brightness[has_far]).clamp(min=1).square()
    strongest = (mean[has_far] * growth).amax(dim=1)
    return EdgeRatios(
        _ratio(near_energy, near_count, mean, has_far & has_near),
        _ratio(near_energy, near_count, strongest, ~has_far & has_near),
    )


def _ratio(energy: Tensor, count: Tensor, expected: Tensor, steps: Tensor) -> float:
    """Return the energy over what is expected of the counted pixels, in some steps of brightness."""
    if not bool(steps.any()):
        return 1.0
    least = NOTHING * float(count[steps].sum())
    return float(energy[steps].sum() / (expected[steps] * count[steps]).sum().clamp(min=least))


def _counted(observation: Tensor, result: Tensor, valid: Tensor | None) -> Tensor:
    """Return the (H, W) pixels that say how strong the noise is."""
    black, white = ((end).all(dim=1, keepdim=True) for end in (observation <= 0, observation >= 1))
    stayed = ((observation - result).abs() < END).all(dim=1)[0]
    counted = torch.ones_like(stayed) if valid is None else valid[0, 0]
    solid = _eroded(black) | _eroded(white)
    around = F.max_pool2d(solid.float(), 2 * PAGE_REACH + 3, stride=1, padding=PAGE_REACH + 1)[0, 0] > 0
    others = counted & ~solid[0, 0]
    if bool(others.any()) and float(around[others].float().mean()) >= PAGE_SHARE:
        return counted
    return counted & ~((black | white)[0, 0] & stayed)


def _eroded(where: Tensor) -> Tensor:
    """Return the places of (1, 1, H, W) booleans whose 3x3 neighbours are places too."""
    return F.max_pool2d((~where).float(), 3, stride=1, padding=1) == 0


def concentration(observation: Tensor, result: Tensor, valid: Tensor | None = None) -> float:
    """Return the mean over the median of the mean squares of what was taken out of blocks of 8x8 pixels.

    Blocks are compared with others of the same brightness only; the arguments are those of `edge_ratios`. It is 0.9 to
    1.5 for noise, and much more where few strokes are erased and leave no edge in the result.
    """
    if min(result.shape[-2:]) < BLOCK:
        return 1.0
    counted = _counted(observation, result, valid)[None, None].float()
    share = F.avg_pool2d(counted, BLOCK).flatten()
    taken = F.avg_pool2d((observation - result).square().mean(dim=1, keepdim=True) * counted, BLOCK).flatten()
    brightness = F.avg_pool2d(result.mean(dim=1, keepdim=True) * counted, BLOCK).flatten()
    seen = share >= LEAST_COUNTED
    taken, step = taken[seen] / share[seen], _steps(brightness[seen] / share[seen])
    mean = median = 0.0
    for number in range(BRIGHTNESS_STEPS):
        equal = taken[step == number]
        if len(equal) >= LEAST_BLOCKS:
            mean += float(equal.sum())
            median += len(equal) * float(equal.median())
    return mean / max(median, NOTHING * len(taken)) if mean else 1.0


def flat_share(observation: Tensor, result: Tensor, valid: Tensor | None = None) -> float:
    """Return the share of pixels that are equal to all around them, of those between black and white.

    It is 0.0 where hardly anything was taken out of those; the arguments are those of `edge_ratios`.
    """
    if min(observation.shape[-2:]) < SMALLEST_SIDE:
        return 0.0
    highest, lowest = F.max_pool2d(observation, 3, stride=1), -F.max_pool2d(-observation, 3, stride=1)
    centre = (..., slice(1, -1), slice(1, -1))
    inside = ((observation > 0) & (observation < 1)).any(dim=1, keepdim=True)[centre]
    inside = inside if valid is None else inside & valid[centre]
    flat = (highest == lowest).all(dim=1, keepdim=True) & inside
    if not bool(flat.any()):
        return 0.0
    taken = (observation - result).square().mean(dim=1, keepdim=True)[centre]
    return float(flat.sum() / inside.sum()) if float(taken[flat].mean()) > LEAST_TAKEN else 0.0


def took_picture(observation: Tensor, result: Tensor, valid: Tensor | None = None) -> bool:
    """Return whether what was taken out of an observation is a part of the picture; see `edge_ratios`."""
    if flat_share(observation, result, valid) > MOST_FLAT:
        return True
    ratios = edge_ratios(observation, result, valid)
    at_edges = ratios.equal > MOST_EDGE_RATIO or ratios.elsewhere > MOST_RATIO_ELSEWHERE
    return at_edges or concentration(observation, result, valid) > MOST_CONCENTRATION


def took_picture_of_frames(observation: Tensor, result: Tensor) -> bool:
    """Return whether what was taken out of (T, C, H, W) frames is a part of the picture; see `edge_ratios`.

    Some of them, from all over, are looked at as one picture, one below the other.
    """
    places = torch.linspace(0, len(observation) - 1, min(len(observation), FRAMES_LOOKED_AT)).round().long()
    before, after = (frames[places].transpose(0, 1).flatten(1, 2)[None] for frames in (observation, result))
    return took_picture(before, after)


def _steps(brightness: Tensor) -> Tensor:
    return (brightness * BRIGHTNESS_STEPS).long().clamp(0, BRIGHTNESS_STEPS - 1)


def _edges(result: Tensor) -> Tensor:
    """Return the strongest gradient in the 3x3 pixels around each, (H, W), over all channels."""
    channels = result.shape[1]
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    kernels = torch.stack([across, across.T])[:, None].repeat(channels, 1, 1, 1)
    gradients = F.conv2d(F.pad(result.cpu().float(), (1, 1, 1, 1), mode="replicate"), kernels, groups=channels)
    strength = gradients.square().sum(dim=1, keepdim=True)
    return F.max_pool2d(strength, 3, stride=1, padding=1)[0, 0]


def _quantile(values: Tensor, share: float) -> float:
    flat = values.flatten()
    return float(flat[:: max(1, len(flat) // MOST_SAMPLES)].quantile(share))


def _sums(values: Tensor, step: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the values, and their number, in each step of brightness."""
    places = step[where]
    zeros = torch.zeros(BRIGHTNESS_STEPS, dtype=torch.float64)
    energy = zeros.scatter_add(0, places, values[where].double())
    return energy, torch.bincount(places, minlength=BRIGHTNESS_STEPS).double()
