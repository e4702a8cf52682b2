"""Pictures side by side on one sheet, each with its label, so that a person can compare them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipcli.media import encode_rgb8

MARGIN = 8
SMALLEST_PANEL = 192
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
        draw.text((left, MARGIN), panel.label, fill=INK, font=font)
        sheet.paste(picture, (left, header))
    return encode_rgb8(np.asarray(sheet))
