"""Give a restored picture back what the fit left out of it: a share of the residual, found without ground truth.

An estimate x that is too smooth has lost texture to the residual y - x. Of all mixtures x + w (y - x) the best has

    w = (V + R - 2 s) / (2 R) = (R - s + (V - R) / 2) / R,

where s is the variance of the noise, V the mean squared residual on pixels that no network saw, and R that on the
others. For the error e = mean (x - clean)^2 is V - s on the unseen pixels, and what of the noise has got into x on the
others, c = mean noise (x - clean), follows from R = e + s - 2 c; the mean squared error of the mixture,
e + 2 w (c - e) + w^2 R, is lowest at w = (e - c) / R = (R - s + c) / R. Taking e to be the same on both kinds of pixels
gives c = (V - R) / 2 and the line above. A network does better than that on the pixels it was shown, so this c is too
high: `LEAK`.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from pipcli.noise import clipped_noise_variance
from pipcli.tiles import Window, blend, windows

SIDE, STRIDE = 128, 48
# Part of (V - R) / 2 taken for the noise that got into the estimate. Between 0.5 and 0.7 no picture lost and most
# gained; with 1, pictures with little noise (sigma 10) lost up to 0.5 dB, with 0 there was no gain at sigma 25.
LEAK = 0.6


def _share(squares: Tensor, held_out: Tensor, variance: float, leak: float) -> float:
    """Return the best share w for a window of squared residuals (h, w); 0 where there is nothing to tell it by."""
    if not held_out.any() or held_out.all():
        return 0.0
    unseen, seen = float(squares[held_out].mean()), float(squares[~held_out].mean())
    share = seen - variance + leak * max(unseen - seen, 0.0) / 2
    return min(max(share / seen, 0.0), 1.0) if seen > 0 else 0.0


def add_back(
    estimate: Tensor, observation: Tensor, held_out: Tensor, noise_std: float, *, leak: float = LEAK
) -> Tensor:
    """Mix an estimate with its observation.

    Args:
        estimate: (1, C, H, W) float32 in [0, 1].
        observation: (1, C, H, W) float32 in [0, 1], with white noise.
        held_out: (H, W) booleans: pixels that were no part of the fit.
        noise_std: nominal standard deviation of the noise before clipping, in [0, 1] units.
        leak: part of half the difference of the two residuals that is taken for noise in the estimate.

    Returns:
        (1, C, H, W) float32 in [0, 1]; the estimate itself where nothing was held out.
    """
    if not held_out.any():
        return estimate
    size = (estimate.shape[-2], estimate.shape[-1])
    residual = observation - estimate
    squares = residual.square().mean(1, keepdim=True)

    def shares() -> Iterator[tuple[Window, Tensor]]:
        for window in windows(size, SIDE, STRIDE):
            variance = clipped_noise_variance(window.cut(observation), noise_std)
            share = _share(window.cut(squares)[0, 0], window.cut(held_out), variance, leak)
            yield window, torch.full((1, 1, window.height, window.width), share)

    return estimate + blend(size, shares()) * residual
