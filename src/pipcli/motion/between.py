"""Frame interpolation: frames at new times, made from the frames around them along the motion.

Each pixel moves from one given frame to the next along a parabola, which follows from its flow and, where there is a
frame before or after, from the change of the flow. At the wanted time the paths are splatted; they say where a pixel
lies in both frames, which are sampled there and fused. Where the flow is unreliable, the frames are blended as they
are, which is less wrong than a wrong path.

Sources: flows that are carried to the wanted time, Baker et al., "A Database and Evaluation Methodology for Optical
Flow" (IJCV 2011), section 3.3.2; with weights for what covers what, as Niklaus and Liu, "Softmax Splatting for Video
Frame Interpolation" (CVPR 2020); parabolas, Xu et al., "Quadratic Video Interpolation" (NeurIPS 2019). Nothing is
learned from other clips.

The papers on untrained generators evaluate a fitted field at the times in between; that is worse than a blend of the
neighbouring frames (docs/decisions.md).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.motion.flow import Motion, estimate_motion
from pipcli.motion.sampling import warp

# A pixel counts e times less for each such colour difference, and each such distance in pixels, that its flow is wrong
# by: of what arrives at one place, the surest covers the rest.
COLOUR_SCALE, DISTANCE_SCALE = 0.05, 2.0
LEAST_SURENESS = 1e-6
# Below this mean sureness around a pixel, over as many pixels, the frames fade into each other as they are.
SURE, AROUND_SURE = 0.15, 17
# Where less than this share of a pixel has arrived, what arrived around it has a say.
FULL = 0.05
# Colours of the two frames that differ by this much on average around a pixel are not of the same thing.
DIFFERENT, AROUND = 1 / 3, 5


def interpolate(frames: Tensor, positions: Sequence[float]) -> Tensor:
    """Return frames of one scene at any times.

    Args:
        frames: (T, C, H, W) float32 in [0, 1], restored if they were noisy; without a cut.
        positions: of the wanted frames, in frames from 0. Whole ones are the given frames as they are; those before the
            first and behind the last are these two.

    Returns:
        (M, C, H, W) float32 in [0, 1] for M positions.
    """
    motion = estimate_motion(frames)
    wanted = [min(max(position, 0.0), len(frames) - 1.0) for position in positions]
    made = [_frame(frames, motion, position) for position in wanted]
    return torch.stack(made) if made else frames[:0]


def _frame(frames: Tensor, motion: Motion, position: float) -> Tensor:
    """Return the frame (C, H, W) at a position that lies within the clip."""
    first = math.floor(position)
    share = position - first
    if share == 0:
        return frames[first]
    second = first + 1
    there, back = motion.flow(first, second).to(frames), motion.flow(second, first).to(frames)
    one, other = frames[first], frames[second]
    # How far each pixel of either frame has come at the wanted time, and how sure its path is.
    onwards = share * there - share * (1 - share) * _bend(motion, first, second, first - 1).to(frames)
    backwards = (1 - share) * back - share * (1 - share) * _bend(motion, second, first, second + 1).to(frames)
    surely_there, surely_back = _sureness(one, other, there, back), _sureness(other, one, back, there)
    carried = _splat(torch.cat([-onwards, there - onwards]), onwards, (1 - share) * surely_there)
    carried += _splat(torch.cat([back - backwards, -backwards]), backwards, share * surely_back)
    to_first, to_second = torch.split(_filled(carried), 2)
    samples = [
        warp(frame[None], flow, "bicubic")[0].clamp(0, 1) for frame, flow in ((one, to_first), (other, to_second))
    ]
    # How much of each frame, and with how much sureness, arrives at a place.
    whole = torch.ones_like(surely_there)
    arrived, arrived_back = _splat(surely_there, onwards, whole), _splat(surely_back, backwards, whole)
    seen = [(1 - share) * arrived[-1:].clamp(max=1), share * arrived_back[-1:].clamp(max=1)]
    sure = (_mean_around(_filled(arrived + arrived_back), AROUND_SURE) / SURE).clamp(max=1)
    return torch.lerp(torch.lerp(one, other, share), _fused(samples, seen, share), sure)


def _bend(motion: Motion, frame: int, towards: int, away: int) -> Tensor:
    """Return half of the change of the motion (2, H, W) from one frame to the next: the quadratic term of the path.

    None of it where the frame on the other side is missing, or a pixel is not found there.
    """
    if not 0 <= away < motion.frame_count:
        return torch.zeros(2, *motion.size)
    return (motion.flow(frame, towards) + motion.flow(frame, away)) / 2 * motion.found(frame, away)


def _sureness(frame: Tensor, other: Tensor, there: Tensor, back: Tensor) -> Tensor:
    """Return the confidence of a flow (1, H, W) in (0, 1], from consistency and colour difference."""
    found = warp(torch.cat([other, back])[None], there)[0]
    difference = (found[:-2] - frame).abs().mean(0, keepdim=True)
    missed = (there + found[-2:]).square().sum(0, keepdim=True).sqrt()
    return (-difference / COLOUR_SCALE - missed / DISTANCE_SCALE).exp() + LEAST_SURENESS


def _splat(values: Tensor, flow: Tensor, weights: Tensor) -> Tensor:
    """Splat pixels forward along a flow with bilinear weights.

    Args:
        values: (K, H, W) of the pixels.
        flow: (2, H, W).
        weights: (1, H, W).

    Returns:
        (K + 1, H, W): the sums of the weighted values that arrive, and of the weights.
    """
    height, width = flow.shape[-2:]
    rows = torch.arange(height, device=flow.device)[:, None] + flow[0]
    columns = torch.arange(width, device=flow.device) + flow[1]
    carried = torch.cat([values * weights, weights]).flatten(1)
    sums = torch.zeros_like(carried)
    for down in (0, 1):
        for right in (0, 1):
            row, column = rows.floor() + down, columns.floor() + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            shares = (1 - (rows - row).abs()) * (1 - (columns - column).abs()) * inside
            places = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            sums.index_add_(1, places.long().flatten(), carried * shares.flatten())
    return sums.view(-1, height, width)


def _filled(sums: Tensor) -> Tensor:
    """Return weighted means (K, H, W) of sums (K + 1, H, W); where weights are small, over a larger neighbourhood."""
    levels = [sums[None]]
    while min(levels[-1].shape[-2:]) > 1:
        levels.append(F.avg_pool2d(levels[-1], 2, ceil_mode=True))
    means = levels[-1].mean((-2, -1), keepdim=True)
    means = means[:, :-1] / means[:, -1:].clamp(min=torch.finfo(sums.dtype).tiny)
    for level in reversed(levels):
        wider = F.interpolate(means, size=level.shape[-2:], mode="bilinear", align_corners=False)
        own = level[:, :-1] / level[:, -1:].clamp(min=torch.finfo(sums.dtype).tiny)
        means = wider + (level[:, -1:] / FULL).clamp(max=1) * (own - wider)
    return means[0]


def _fused(samples: Sequence[Tensor], seen: Sequence[Tensor], share: float) -> Tensor:
    """Return the mean of two samples (C, H, W) of each pixel or, where they differ, the visible one."""
    difference = (samples[0] - samples[1]).abs().mean(0, keepdim=True)
    differing = (_mean_around(difference, AROUND) / DIFFERENT).clamp(max=1)
    least = torch.finfo(difference.dtype).eps
    second_seen = (seen[1] + least) / (seen[0] + seen[1] + 2 * least)
    return torch.lerp(samples[0], samples[1], share + differing * (second_seen - share))


def _mean_around(values: Tensor, side: int) -> Tensor:
    """Return the mean (K, H, W) of a square around each pixel, with the edges repeated."""
    return F.avg_pool2d(F.pad(values[None], (side // 2,) * 4, mode="replicate"), side, stride=1)[0]
