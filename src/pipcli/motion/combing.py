"""Detection of combing: whether the two fields of interlaced frames show different moments.

A line of a still picture lies nearer to the mean of its neighbours than to the mean of the lines two away; in a comb it
is the other way round, for its neighbours are of another time and those two away are of its own. White noise adds the
same to both distances, whatever its strength, so they are compared as they are, without an estimate of the noise.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 16  # pixels; fewer samples tell less through noise, and a small thing that moves fills no larger block
# A block is combed if the two mean squared distances differ by this share of their sum. In white noise alone one block
# of a thousand does so in a grey clip, fewer in colour. Over n frames together it is this share over the root of n.
LEAST_SHARE = 0.2
# Least share of combed blocks: above that of progressive frames with noise, below that of frames woven from two moments
# (docs/decisions.md).
LEAST_BLOCKS = 0.01
# Of the sum of both distances, in squares of samples: a comb of less than a level of 8 bits is none.
LEAST_DISTANCE = (1 / 255) ** 2
LEAST_LINES = 5  # a line with two on either side


def are_combed(frames: Tensor) -> bool:
    """Return whether the fields of frames differ by motion; of frames of fewer than 5 lines, always.

    Args:
        frames: (T, C, H, W) in [0, 1], noise and all; their lines 0, 2, 4, ... are one field.
    """
    if frames.shape[-2] < LEAST_LINES:
        return True
    near, far = (torch.cat([_distances(frame, lines) for frame in torch.split(frames, 1)]) for lines in (1, 2))
    # What moves all the time in one place is found through stronger noise in all frames together.
    share = max(_combed(near, far, 1), _combed(near.mean(dim=0), far.mean(dim=0), len(frames)))
    return share > LEAST_BLOCKS


def _combed(near: Tensor, far: Tensor, frames: int) -> float:
    """Return the share of blocks, each of so many frames, whose lines are nearer to those two away."""
    combing = (near - far) / (near + far + LEAST_DISTANCE)
    return float((combing > LEAST_SHARE / frames**0.5).float().mean())


def _distances(frame: Tensor, lines: int) -> Tensor:
    """Return the mean squared distance of the lines of each block to the mean of those so many lines away."""
    height, width = frame.shape[-2] - LEAST_LINES + 1, frame.shape[-1]
    above, below = (frame[..., first : first + height, :] for first in (2 - lines, 2 + lines))
    squares = (frame[..., 2 : 2 + height, :] - (above + below) / 2).square().mean(dim=1, keepdim=True)
    return F.avg_pool2d(squares, (min(BLOCK, height), min(BLOCK, width)))
