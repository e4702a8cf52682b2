"""Pictures with known noise of each kind."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipcli.settings import NoiseName

CAT = Path(__file__).resolve().parents[2] / "examples" / "cat.png"


def photo(side: int = 128, channels: int = 3) -> Tensor:
    """Return the (1, channels, side, side) middle of the example photo, in [0, 1]."""
    samples = np.asarray(Image.open(CAT).convert("RGB" if channels == 3 else "L"), dtype=np.float32) / 255
    samples = samples.reshape(*samples.shape[:2], channels)
    top, left = ((length - side) // 2 for length in samples.shape[:2])
    return torch.from_numpy(samples[top : top + side, left : left + side].copy()).permute(2, 0, 1)[None]


def ramp(side: int = 128, channels: int = 3) -> Tensor:
    """Return a (1, channels, side, side) slanted ramp from nearly black to nearly white."""
    line = torch.linspace(0.05, 0.9, side)
    return ((line[:, None] + line[None]) / 2).expand(1, channels, side, side)


def noisy(clean: Tensor, kind: NoiseName, level: float, seed: int = 0, *, rounded: bool = True) -> Tensor:
    """Add noise of a kind and level to a picture, clip, and round to 8 bits where asked."""
    draw = np.random.default_rng(seed)
    x: NDArray[np.float64] = clean.double().numpy()
    chance = draw.random(x.shape)
    spoiled = {
        NoiseName.GAUSSIAN: lambda: x + draw.normal(0, level / 255, x.shape),
        NoiseName.LAPLACE: lambda: x + draw.laplace(0, level / 255 / 2**0.5, x.shape),
        NoiseName.POISSON: lambda: draw.poisson(x * level) / level,
        NoiseName.SPECKLE: lambda: x * (1 + draw.normal(0, level, x.shape)),
        NoiseName.IMPULSE: lambda: np.where(chance < level / 2, 0, np.where(chance < level, 1, x)),
    }[kind]().clip(0, 1)
    return torch.from_numpy(np.round(spoiled * 255) / 255 if rounded else spoiled).float()


def camera_noise(shape: tuple[int, int, int], std: float, blur: float, seed: int = 0) -> NDArray[np.float64]:
    """Return (H, W, C) white noise after a Gaussian blur of a standard deviation in pixels, scaled to a strength."""
    white = np.random.default_rng(seed).normal(size=shape)
    frequencies = [np.fft.fftfreq(length) for length in shape[:2]]
    squared = frequencies[0][:, None] ** 2 + frequencies[1] ** 2
    response = np.exp(-2 * (np.pi * blur) ** 2 * squared)[:, :, None]
    blurred = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * response, axes=(0, 1)).real
    return np.asarray(std * blurred / blurred.std())
