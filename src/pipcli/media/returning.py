"""Conversion of a restored picture back to the samples of its file.

This is the one place where samples of the input are put back: what had no say, what lies beyond the working range, and
what nothing was done to is in the result as it was in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipcli.media.photo import Photo, Samples, in_unit_range
from pipcli.media.ranges import WHOLE
from pipcli.media.silence import hidden_pixels
from pipcli.media.writing import quantised, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def as_in_file(values: Floats, alpha: Samples | None, like: Photo, made: NDArray[np.bool_] | None) -> Samples:
    """Return the samples that a restored picture has in its file.

    Args:
        values: (H, W, C) in units of the working range.
        alpha: (H, W) of the restored picture; None where there is none.
        like: the input, of this size or another.
        made: (H, W, C or 1) the samples that are new, whatever the input has there; None for none.
    """
    same_size = values.shape == like.samples.shape
    shares = values.clip(0, 1)
    if like.working != WHOLE:
        shares = shares * np.float32(like.working.span) + np.float32(like.working.low)
        shares = shares if same_size else shares + _beyond(like, *values.shape[:2])
    if like.premultiplied and alpha is not None:
        shares = shares * in_unit_range(alpha)[:, :, None].astype(np.float32)
    samples = quantised(shares, like.bit_depth)
    return _with_own(samples, values, like, made) if same_size else _with_empty(samples, like)


def _with_own(samples: Samples, values: Floats, like: Photo, made: NDArray[np.bool_] | None) -> Samples:
    """Put the input's samples back into a picture of its size."""
    worked = like.worked()
    own = (worked < 0) | (worked > 1)
    if like.silent is not None:
        own |= like.silent[:, :, None]
    own |= values == like.pixels()[0].permute(1, 2, 0).numpy()
    if made is not None:
        own &= ~made
    return np.where(own, like.samples, samples)


def _with_empty(samples: Samples, like: Photo) -> Samples:
    """Put the value for no data into an enlarged picture, where its pixels lie in those of the input without data."""
    hidden = hidden_pixels(like)
    empty = like.silent if like.silent is None or hidden is None else like.silent & ~hidden
    if empty is None:
        return samples
    rows, columns = (
        ((np.arange(longer) + 0.5) * length / longer).astype(int)
        for longer, length in zip(samples.shape[:2], like.samples.shape[:2], strict=True)
    )
    return np.where(empty[rows][:, columns, None], like.samples[rows][:, columns], samples)


def _beyond(like: Photo, height: int, width: int) -> Floats | float:
    """Return what the samples have beyond the working range, as shares of the whole range, at another size.

    It is interpolated linearly: nothing turns darker around a star, and its light stays as much.
    """
    worked = like.worked()
    excess = worked - worked.clip(0, 1)
    if like.silent is not None:
        excess[like.silent] = 0
    if not excess.any():
        return 0.0
    planes = [resized(excess[:, :, channel], height, width, smooth=False) for channel in range(like.channels)]
    return np.dstack(planes) * np.float32(like.working.span)
