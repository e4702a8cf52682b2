"""Clips of which it is known how everything in them moves."""

import torch
from torch import Tensor
from torch.nn import functional as F


def texture(height: int, width: int, channels: int = 3, *, seed: int = 0, finest: int = 4) -> Tensor:
    """Return a random picture (1, channels, height, width) in [0, 1] with details from a few pixels to many."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for size in (finest, 4 * finest, 16 * finest):
        small = (max(2, height // size), max(2, width // size))
        values = torch.rand(1, channels, *small, generator=generator)
        layers.append(F.interpolate(values, size=(height, width), mode="bicubic", align_corners=False))
    return torch.stack(layers).mean(0).clamp(0, 1)


def pan(frames: int, height: int, width: int, step: tuple[int, int], *, channels: int = 3, seed: int = 0) -> Tensor:
    """Return frames (T, C, H, W) of a view that moves over a texture by whole pixels, never beyond it.

    What a frame shows at p, the next shows at p - step.
    """
    room = [abs(length) * (frames - 1) for length in step]
    large = texture(height + room[0], width + room[1], channels, seed=seed)[0]
    views = []
    for frame in range(frames):
        top, left = (length * frame if length >= 0 else -length * (frames - 1 - frame) for length in step)
        views.append(large[:, top : top + height, left : left + width])
    return torch.stack(views)
