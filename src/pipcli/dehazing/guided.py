"""The guided filter: smooths a plane, but keeps the edges of a guide.

Source: He, Sun and Tang, "Guided Image Filtering" (ECCV 2010; PAMI 2013), with all of the guide's channels; He and Sun,
"Fast Guided Filter" (2015): the planes of coefficients are found on a small picture and applied to the full guide.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def box_mean(maps: Tensor, radius: int) -> Tensor:
    """Return the means of (N, C, H, W) maps over squares of 2 radius + 1 pixels, cut at the edges of the picture.

    By sums over rows and columns, in float64: the time does not depend on the radius.
    """
    return _mean_along(_mean_along(maps.double(), -1, radius), -2, radius).to(maps.dtype)


def _mean_along(maps: Tensor, axis: int, radius: int) -> Tensor:
    length = maps.shape[axis]
    sums = torch.cat([torch.zeros_like(maps.narrow(axis, 0, 1)), maps.cumsum(axis)], axis)
    places = torch.arange(length, device=maps.device)
    first, end = (places - radius).clamp(min=0), (places + radius + 1).clamp(max=length)
    counts = (end - first).to(maps)
    if axis == -2:
        counts = counts[:, None]
    return (sums.index_select(axis, end) - sums.index_select(axis, first)) / counts


@dataclass(frozen=True)
class GuidedPlane:
    """A plane as a linear function of the guide that changes slowly from place to place.

    Attributes:
        slopes: (1, C, h, w), by which each channel of the guide is multiplied.
        offset: (1, 1, h, w), which is added.
    """

    slopes: Tensor
    offset: Tensor

    def at(self, guide: Tensor) -> Tensor:
        """Return the (1, 1, H, W) plane for a (1, C, H, W) guide of any size that shows the same picture."""
        slopes, offset = (
            F.interpolate(part, size=guide.shape[-2:], mode="bilinear", align_corners=False)
            for part in (self.slopes, self.offset)
        )
        return (slopes * guide).sum(1, keepdim=True) + offset


def guided_plane(guide: Tensor, plane: Tensor, radius: int, flatness: float) -> GuidedPlane:
    """Fit the plane, around each pixel, by a linear function of the guide.

    Args:
        guide: (1, C, H, W) in [0, 1].
        plane: (1, 1, H, W).
        radius: of the squares in which a function is fitted, and over which those of a pixel are averaged.
        flatness: variance of the guide, in [0, 1] units squared, below which a square counts as flat: the plane is then
            averaged there.
    """
    channels = guide.shape[1]
    mean_guide, mean_plane = box_mean(guide, radius), box_mean(plane, radius)
    products = (guide[:, :, None] * guide[:, None]).flatten(1, 2)
    second = box_mean(products, radius).reshape(1, channels, channels, *guide.shape[-2:])
    variances = (second - mean_guide[:, :, None] * mean_guide[:, None]).permute(0, 3, 4, 1, 2)
    covariances = box_mean(guide * plane, radius) - mean_guide * mean_plane
    damped = variances + flatness * torch.eye(channels).to(guide)
    slopes = torch.linalg.solve(damped, covariances.permute(0, 2, 3, 1)[..., None])[..., 0].permute(0, 3, 1, 2)
    offset = mean_plane - (slopes * mean_guide).sum(1, keepdim=True)
    return GuidedPlane(box_mean(slopes, radius), box_mean(offset, radius))
