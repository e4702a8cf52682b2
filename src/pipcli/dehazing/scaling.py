"""Scaling: haze is estimated in a small picture and removed from the full one."""

from torch import Tensor
from torch.nn import functional as F


def shrunk(picture: Tensor, side: int) -> Tensor:
    """Return a (N, C, H, W) picture with a longer side of at most `side` pixels, each the mean of what it covers."""
    longer = max(picture.shape[-2:])
    if longer <= side:
        return picture
    size = [max(1, round(length * side / longer)) for length in picture.shape[-2:]]
    return F.interpolate(picture, size=size, mode="area")


def enlarged(picture: Tensor, like: Tensor) -> Tensor:
    """Return a (N, C, h, w) picture in the size of another."""
    return F.interpolate(picture, size=like.shape[-2:], mode="bilinear", align_corners=False)


def radius_of(picture: Tensor, share: float) -> int:
    """Return a share of a picture's longer side in whole pixels, at least one."""
    return max(1, round(share * max(picture.shape[-2:])))
