"""Uninformative pixels: colours under full transparency, and pixels without data.

They must not be measured or fitted, nor bleed into others; and they come back as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from pipcli.media.photo import Photo, Samples

    Mask = NDArray[np.bool_]

# Zeros that no file declares to be without data are taken for it in solid areas alone: unions of squares of this side,
# in pixels, which cover this share of the picture at least. Noise that was cut off at black has few such squares.
SIDE, LEAST_SHARE = 8, 0.005
# The picture beside them is solid, too: pixels that are no part of a square of it, as letters on black or specks of
# noise in black, are fewer than this share of the zeros.
STRAY_SHARE = 0.001
# Sweeps along rows and columns, until what is connected with the squares is found; more are for labyrinths.
MOST_SWEEPS = 16
# And it ends at them at once: of the pixels that touch them this share at least is brighter than this share of the
# brightest. A shadow that fades to black is darker there.
ENDING_SHARE, BRIGHTER = 0.9, 0.02
# The brightest is this quantile of so many pixels, spread over all.
BRIGHTEST, ENOUGH = 0.999, 1 << 20


def silent_pixels(photo: Photo) -> Mask | None:
    """Return the (H, W) pixels of a photo that have no say; None where all have."""
    masks = [mask for mask in (hidden_pixels(photo), empty_pixels(photo)) if mask is not None]
    if not masks:
        return None
    silent = masks[0] if len(masks) == 1 else masks[0] | masks[1]
    return silent if silent.any() else None


def hidden_pixels(photo: Photo) -> Mask | None:
    """Return the (H, W) pixels that nobody sees, whose alpha is 0; None without alpha."""
    return None if photo.alpha is None else photo.alpha == 0


def empty_pixels(photo: Photo) -> Mask | None:
    """Return the (H, W) pixels without data: of the value that the file declares for it, or solid areas of zeros."""
    if photo.nodata is not None:
        return declared_empty(photo.samples, photo.nodata)
    # JPEG rounds what is beside an edge, so that nothing there is exactly one value.
    return None if photo.file_format == "JPEG" else _solid_zeros(photo.samples)


def declared_empty(samples: Samples, nodata: float) -> Mask:
    """Return the (H, W) pixels whose samples are all exactly the value for no data, which may be not a number.

    Of float samples one is enough, since such a value is often no brightness at all.
    """
    import numpy as np

    if samples.dtype == np.float32:
        same = np.isnan(samples) if np.isnan(nodata) else samples == np.float32(nodata)
        return np.asarray(same.any(axis=2))
    return np.asarray((samples == nodata).all(axis=2))


def _solid_zeros(samples: Samples) -> Mask | None:
    import numpy as np

    zeros = (samples == 0).all(axis=2)
    if zeros.mean() < LEAST_SHARE or zeros.all() or min(zeros.shape) < SIDE:
        return None
    region = _opened(zeros)
    for _ in range(MOST_SWEEPS):  # to their edges, which squares do not reach
        before, region = region, _spread(_spread(region, zeros).T, zeros.T).T
        if (before == region).all():
            break
    if region.mean() < LEAST_SHARE:
        return None
    picture = ~region
    stray = picture & ~_widened(_opened(picture), SIDE // 2)
    if stray.sum() > STRAY_SHARE * region.sum():
        return None
    brightness = samples.max(axis=2)
    beside = brightness[~zeros & _widened(region, 1)]
    if not beside.size:
        return None
    few = brightness.ravel()[:: max(1, brightness.size // ENOUGH)]
    brightest = float(np.quantile(few, BRIGHTEST))  # but for hot pixels
    return region if (beside > BRIGHTER * brightest).mean() >= ENDING_SHARE else None


def _spread(seeds: Mask, within: Mask) -> Mask:
    """Return the runs of a mask along its rows that hold a seed."""
    import numpy as np

    walls = np.pad(~within, ((0, 0), (0, 1)), constant_values=True)
    runs = walls.ravel().cumsum(dtype=np.int32).reshape(walls.shape)[:, :-1]
    reached = np.zeros(int(runs[-1, -1]) + 2, bool)
    reached[runs[seeds]] = True
    return np.asarray(reached[runs] & within)


def _squares(mask: Mask, side: int, combine: np.ufunc) -> Mask:
    """Return what the pixels of each square of a side within a mask combine to: (H - side + 1, W - side + 1)."""
    for _ in range(2):
        length = 1
        while length < side:  # pieces of twice the length are two pieces combined
            step = min(length, side - length)
            mask, length = combine(mask[:-step], mask[step:]), length + step
        mask = mask.T
    return mask


def _opened(mask: Mask) -> Mask:
    """Return the union of the squares of `SIDE` pixels that lie in a mask."""
    import numpy as np

    corners = _squares(mask, SIDE, np.logical_and)
    return _squares(np.pad(corners, SIDE - 1), SIDE, np.logical_or)


def _widened(mask: Mask, pixels: int) -> Mask:
    """Return a mask grown by some pixels to all sides."""
    import numpy as np

    return _squares(np.pad(mask, pixels), 2 * pixels + 1, np.logical_or)


def filled(picture: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return a picture whose other pixels are smooth continuations of the valid ones around them.

    Means of the valid pixels of ever larger squares are taken, and from the coarsest on each is interpolated into the
    holes of the next finer (push and pull; Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph", SIGGRAPH 1996).

    Args:
        picture: (1, C, H, W) float32, finite where it is valid.
        valid: (1, 1, H, W) booleans.
    """
    import torch
    from torch.nn import functional as F

    if bool(valid.all()) or not bool(valid.any()):
        return picture
    weight = F.avg_pool2d(valid.to(picture), 2, ceil_mode=True)
    sums = F.avg_pool2d(torch.where(valid, picture, 0.0), 2, ceil_mode=True)
    coarse = filled(sums / weight.clamp(min=1e-6), weight > 0)
    finer = F.interpolate(coarse, size=picture.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(valid, picture, finer)
