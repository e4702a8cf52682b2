"""Masks of missing pixels, (H, W) arrays of bool, True where the picture is missing."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The width of a stroke in pixels: from this many to this share of the picture's height and width together.
_THINNEST, _THICKEST_SHARE = 3.0, 0.03


def scattered(size: tuple[int, int], share: float, generator: np.random.Generator) -> Mask:
    """Return a mask of single pixels, `share` of them to the nearest whole number, all choices equally likely."""
    count = size[0] * size[1]
    mask = np.zeros(count, bool)
    mask[generator.permutation(count)[: round(share * count)]] = True
    return mask.reshape(size)


def strokes(size: tuple[int, int], count: int, generator: np.random.Generator) -> Mask:
    """Return a mask of straight strokes with round ends, between random places and of random widths."""
    height, width = size
    mask = np.zeros(size, bool)
    thickest = max(_THINNEST, _THICKEST_SHARE * (height + width))
    for _ in range(count):
        ends = generator.random((2, 2)) * [height, width]
        _draw_stroke(mask, ends, generator.uniform(_THINNEST, thickest) / 2)
    return mask


def _draw_stroke(mask: Mask, ends: Values, radius: float) -> None:
    """Set the pixels whose centres are not farther than `radius` from the line between two (y, x) points."""
    low = np.floor(ends.min(axis=0) - radius).clip(0).astype(int)
    high = np.ceil(ends.max(axis=0) + radius).astype(int)
    box = mask[low[0] : high[0], low[1] : high[1]]
    y, x = np.mgrid[: box.shape[0], : box.shape[1]] + 0.5 + low[:, None, None]
    (start_y, start_x), (along_y, along_x) = ends[0], ends[1] - ends[0]
    squared_length = max(along_y**2 + along_x**2, 1e-12)
    place = (((y - start_y) * along_y + (x - start_x) * along_x) / squared_length).clip(0, 1)
    distance = np.hypot(y - start_y - place * along_y, x - start_x - place * along_x)
    box |= distance <= radius


def written(size: tuple[int, int], text: str, text_height: int) -> Mask:
    """Return a mask of a text that is repeated over the whole picture.

    Args:
        size: (height, width).
        text: one line of it; a picture is filled with as many lines as fit.
        text_height: of a line, in pixels, half of which again is between two lines.
    """
    height, width = size
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=text_height)
    line = text + " "
    line *= 1 + int(width / max(draw.textlength(line, font=font), 1))
    for top in range(text_height // 4, height, text_height + text_height // 2):
        draw.text((0, top), line, fill=255, font=font)
    return np.asarray(canvas) >= 128


def masked(picture: Values, mask: Mask) -> Values:
    """Return an (H, W, C) picture that is black where it is missing."""
    return np.where(mask[:, :, None], 0.0, picture)
