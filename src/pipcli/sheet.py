"""Pictures drawn so that a person can compare them: side by side with labels, halved, and their difference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipcli.media import encode_rgb8

MARGIN = 8
SMALLEST_PANEL = 192
LINES_A_WIDTH = 300  # how many times the line of a wipe would fit into the width of a large picture
BACKGROUND, INK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class Panel:
    """One picture of a sheet: its label and its (H, W, 1 or 3) samples, uint8, uint16 or float32 in [0, 1]."""

    label: str
    samples: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


def _eight_bit(samples: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]) -> Image.Image:
    scaled = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}[samples.dtype.name] * samples.astype(np.float32)
    eight = np.round(scaled).astype(np.uint8)
    return Image.fromarray(np.repeat(eight, 3, axis=2) if eight.shape[2] == 1 else eight)


def _enlarged(picture: Image.Image) -> Image.Image:
    """Enlarge a tiny picture by whole pixels until its label has room."""
    factor = max(1, -(-SMALLEST_PANEL // max(picture.width, 1)))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _fitted(
    label: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    """Shorten a label from its beginning, because numbers are at its end, until it is no wider than its picture."""
    shortened = label
    for start in range(len(label)):
        if draw.textlength(shortened, font=font) <= width:
            break
        shortened = f"...{label[start + 1 :]}"
    return shortened


def side_by_side(panels: list[Panel]) -> bytes:
    """Return a PNG with pictures of one size next to each other, labels above."""
    pictures = [_enlarged(_eight_bit(panel.samples)) for panel in panels]
    width, height = pictures[0].size
    font = ImageFont.load_default(size=min(32, max(13, width // 20)))
    header = 2 * MARGIN + round(font.size if isinstance(font, ImageFont.FreeTypeFont) else 12)
    sheet = Image.new("RGB", (len(pictures) * (width + MARGIN) + MARGIN, header + height + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (panel, picture) in enumerate(zip(panels, pictures, strict=True)):
        left = MARGIN + index * (width + MARGIN)
        draw.text((left, MARGIN), _fitted(panel.label, draw, font, width), fill=INK, font=font)
        sheet.paste(picture, (left, header))
    return encode_rgb8(np.asarray(sheet))


def strips(rows: list[list[Panel]]) -> bytes:
    """Return a PNG with rows of pictures, all of one size, each row below its label.

    Args:
        rows: one at least, of as many panels each; the label of the first panel is the row's.
    """
    pictures = [[_enlarged(_eight_bit(panel.samples)) for panel in row] for row in rows]
    width, height = pictures[0][0].size
    font = ImageFont.load_default(size=min(32, max(13, width // 20)))
    header = MARGIN + round(font.size if isinstance(font, ImageFont.FreeTypeFont) else 12)
    size = (len(rows[0]) * (width + MARGIN) + MARGIN, len(rows) * (header + height + MARGIN) + MARGIN)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, (row, panels) in enumerate(zip(pictures, rows, strict=True)):
        top = MARGIN + number * (header + height + MARGIN)
        draw.text((MARGIN, top), panels[0].label, fill=INK, font=font)
        for place, picture in enumerate(row):
            sheet.paste(picture, (MARGIN + place * (width + MARGIN), top + header))
    return encode_rgb8(np.asarray(sheet))


def wipe(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (H, W, 3) samples: the left half of one picture, the right half of another, and a line between them.

    Args:
        left: (H, W, 1 or 3) in [0, 1].
        right: the same shape.
    """
    width = left.shape[1]
    middle, thickness = width // 2, max(1, width // LINES_A_WIDTH)
    joined = np.concatenate([left[:, :middle], right[:, middle:]], axis=1)
    samples = _rgb8(joined)
    if width > 2:  # else there would be nothing but the line
        samples[:, middle - thickness // 2 : middle - thickness // 2 + thickness] = BACKGROUND
    return samples


def difference(picture: NDArray[np.float64], reference: NDArray[np.float64], gain: float) -> NDArray[np.uint8]:
    """Return (H, W, 3) samples of the amplified difference of two (H, W, 1 or 3) pictures, mid grey being none."""
    return _rgb8((128 / 255 + gain * (picture - reference)).clip(0, 1))


def _rgb8(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    samples = np.round(255 * values).astype(np.uint8)
    return np.repeat(samples, 3, axis=2) if samples.shape[2] == 1 else samples
