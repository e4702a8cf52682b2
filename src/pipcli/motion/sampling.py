"""Warping of pictures by a flow."""

import torch
from torch import Tensor
from torch.nn import functional as F


def _positions(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows and columns (H, W), in pixels, to which a flow (2, H, W) leads."""
    height, width = flow.shape[-2:]
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    return rows + flow[0], columns + flow[1]


def warp(picture: Tensor, flow: Tensor, mode: str = "bilinear") -> Tensor:
    """Return a picture sampled along a flow, with repeated edges; differentiable.

    Args:
        picture: (N, C, H, W) float.
        flow: (2, H, W) in pixels: pixel p of the result is what the picture has at p + flow(p).
        mode: `bilinear` or `bicubic`, which is sharper and may leave the range of the picture.

    Returns:
        (N, C, H, W).
    """
    height, width = picture.shape[-2:]
    rows, columns = _positions(flow.to(picture))
    scaled = [columns * (2 / max(width - 1, 1)) - 1, rows * (2 / max(height - 1, 1)) - 1]
    grid = torch.stack(scaled, dim=-1).expand(len(picture), -1, -1, -1)
    return F.grid_sample(picture, grid, mode=mode, padding_mode="border", align_corners=True)
