"""Thirty clean pictures without any photographic noise, drawn here from fixed seeds: text, charts, drawings, screens.

Each is 8-bit, drawn by Pillow with its built-in font at 160x160, of which the upper left 128x128 are measured: that is
one window of the default networks.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Samples = NDArray[np.uint8]
Colour = tuple[int, int, int]

SIDE, MEASURED = 160, 128
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
WORDS = "The quick brown fox jumps over a lazy dog while five wizards box and 1,024 liquor jugs are packed for 37.50"
FLAT = ((230, 60, 50), (250, 200, 60), (70, 150, 220), (60, 170, 90), (150, 80, 160), (245, 245, 240))


def _canvas(ground: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (SIDE, SIDE), ground)
    return image, ImageDraw.Draw(image)


def text(ground: Colour, ink: Colour, size: int = 11) -> Image.Image:
    """Return lines of words."""
    image, draw = _canvas(ground)
    font = ImageFont.load_default(size)
    words, step = WORDS.split(), size + 4
    for number, top in enumerate(range(6, SIDE - step, step)):
        line = " ".join(words[(3 * number + place) % len(words)] for place in range(7))
        draw.text((6, top), line[: 260 // size], fill=ink, font=font)
    return image


def terminal() -> Image.Image:
    """Return coloured lines on black."""
    image, draw = _canvas(BLACK)
    font = ImageFont.load_default(10)
    for number, top in enumerate(range(2, SIDE - 12, 13)):
        draw.text((2, top), "$ make test", fill=(0, 255, 0), font=font)
        draw.text((70, top), WORDS[5 * number : 5 * number + 16], fill=(220, 220, 220), font=font)
    return image


def bars() -> Image.Image:
    """Return a bar chart with axes and labels."""
    image, draw = _canvas(WHITE)
    for number, height in enumerate((30, 62, 95, 48, 110, 76)):
        draw.rectangle((24 + 21 * number, 136 - height, 38 + 21 * number, 136), fill=FLAT[number % 5])
        draw.text((26 + 21 * number, 140), str(height), fill=(40, 40, 40), font=ImageFont.load_default(10))
    draw.line((18, 10, 18, 137, 155, 137), fill=BLACK)
    return image


def curves() -> Image.Image:
    """Return a line chart with a grid."""
    image, draw = _canvas((252, 252, 252))
    for place in range(16, SIDE, 24):
        draw.line((place, 8, place, 150), fill=(220, 220, 220))
        draw.line((8, place, 150, place), fill=(220, 220, 220))
    for number, colour in enumerate(FLAT[:4]):
        points = [(x, 78 + 40 * math.sin(x / (9 + 5 * number) + number)) for x in range(10, 150)]
        draw.line(points, fill=colour, width=2)
    return image


def pie() -> Image.Image:
    """Return a pie chart, smoothed at its edges."""
    image = Image.new("RGB", (4 * SIDE, 4 * SIDE), WHITE)
    draw, start = ImageDraw.Draw(image), 0
    for angle, colour in zip((100, 80, 70, 60, 50), FLAT[:5], strict=True):
        draw.pieslice((60, 60, 580, 580), start, start + angle, fill=colour)
        start += angle
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def strokes(seed: int, *, ground: Colour = WHITE, width: int = 1, smooth: int = 1) -> Image.Image:
    """Return curved strokes, as of a pen; smoothed where they are drawn larger first."""
    draws = np.random.default_rng(seed)
    image = Image.new("RGB", (smooth * SIDE, smooth * SIDE), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        start, heading = draws.uniform(10, SIDE - 10, 2), draws.uniform(0, 2 * math.pi)
        bend = draws.uniform(-0.2, 0.2)
        points = [tuple(smooth * start)]
        for _ in range(16):
            heading += bend
            start = start + 3 * np.array([math.cos(heading), math.sin(heading)])
            points.append(tuple(smooth * start))
        draw.line(points, fill=BLACK, width=width * smooth)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def hatching() -> Image.Image:
    """Return shapes filled with parallel lines one pixel wide."""
    image, draw = _canvas(WHITE)
    for place in range(0, 120, 4):
        draw.line((20 + place, 20, 20, 20 + place), fill=BLACK)
    for place in range(0, 60, 3):
        draw.line((80 + place, 90, 80 + place, 150), fill=BLACK)
    draw.ellipse((20, 90, 70, 140), outline=BLACK)
    return image


def cartoon(seed: int, outline: Colour | None = BLACK) -> Image.Image:
    """Return flat shapes, outlined or not."""
    draws = np.random.default_rng(seed)
    image, draw = _canvas(FLAT[2])
    for number in range(12):
        left, top = draws.integers(0, SIDE - 40, 2)
        width, height = draws.integers(20, 70, 2)
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape((left, top, left + width, top + height), fill=FLAT[number % 6], outline=outline, width=2)
    return image


def sky() -> Image.Image:
    """Return a gradient behind flat hills and a sun."""
    rows = np.linspace(0, 1, SIDE)[:, None, None]
    samples = np.broadcast_to((1 - rows) * (60, 120, 220) + rows * (250, 220, 180), (SIDE, SIDE, 3))
    image = Image.fromarray(np.round(samples).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((100, 20, 135, 55), fill=(255, 240, 120))
    draw.polygon([(0, 160), (0, 110), (60, 80), (110, 130), (159, 100), (159, 160)], fill=(50, 110, 60))
    return image


def screen(period: int, smooth: int) -> Image.Image:
    """Return a ramp as dots of growing size, as in print, with a margin of paper."""
    y, x = np.mgrid[0 : smooth * SIDE, 0 : smooth * SIDE] / smooth
    dots = np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period)
    dark = (dots > 2 - 3.2 * x / SIDE) & (np.minimum(x, y) > 16) & (np.maximum(x, y) < SIDE - 16)
    grey = Image.fromarray(np.where(dark, 0, 255).astype(np.uint8))
    return grey.resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGB")


def dither() -> Image.Image:
    """Return a ramp by error diffusion, with a margin of paper."""
    ramp = np.full((SIDE, SIDE), 255, np.uint8)
    ramp[20:-20, 20:-20] = np.linspace(10, 245, SIDE - 40).astype(np.uint8)
    return Image.fromarray(ramp).convert("1").convert("RGB")


def sprites(side: int, factor: int, seed: int, gap: int = 0) -> Image.Image:
    """Return mirrored figures of few colours on a ground, each pixel repeated, with a gap around them."""
    draws = np.random.default_rng(seed)
    pitch = side * factor + gap
    tiles = SIDE // pitch
    samples = np.zeros((SIDE, SIDE, 3), np.uint8)
    samples[:] = (40, 44, 60)
    for row in range(tiles):
        for column in range(tiles):
            half = draws.integers(-2, 4, (side - 2, (side - 2) // 2))
            figure = np.pad(np.concatenate([half, half[:, ::-1]], axis=1), 1, constant_values=-1)
            figure = figure.repeat(factor, 0).repeat(factor, 1)
            place = samples[row * pitch :, column * pitch :][: len(figure), : len(figure)]
            place[figure >= 0] = np.array(FLAT, np.uint8)[figure[figure >= 0]]
    return Image.fromarray(samples)


def window(ground: Colour, bar: Colour, ink: Colour) -> Image.Image:
    """Return a window of an application with a bar, buttons and text."""
    image, draw = _canvas(ground)
    draw.rectangle((0, 0, SIDE, 18), fill=bar)
    draw.text((6, 3), "File  Edit  View", fill=ink, font=ImageFont.load_default(11))
    draw.rectangle((0, 19, 42, SIDE), fill=tuple((a + b) // 2 for a, b in zip(ground, bar, strict=True)))
    for number in range(5):
        draw.rectangle((6, 28 + 24 * number, 20, 42 + 24 * number), fill=FLAT[number])
        draw.text(
            (50, 28 + 24 * number), WORDS[9 * number : 9 * number + 17], fill=ink, font=ImageFont.load_default(11)
        )
    draw.rounded_rectangle((90, 135, 150, 153), 5, fill=(0, 120, 215))
    draw.text((108, 138), "Save", fill=WHITE, font=ImageFont.load_default(11))
    return image


def one_bit(picture: Image.Image) -> Image.Image:
    """Return a picture in black and white only."""
    return picture.convert("L").point(lambda value: 255 * (value > 127)).convert("RGB")


DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "text-white": partial(text, WHITE, (20, 20, 20)),
    "text-250": partial(text, (250, 250, 250), (20, 20, 20)),
    "text-240": partial(text, (240, 240, 240), (20, 20, 20), 14),
    "text-220": partial(text, (220, 220, 220), (60, 60, 60)),
    "text-180": partial(text, (180, 180, 180), (20, 20, 20), 9),
    "text-yellow": partial(text, (255, 250, 160), (20, 20, 20)),
    "text-navy": partial(text, (20, 30, 60), (230, 230, 230)),
    "text-black": partial(text, BLACK, (0, 255, 0)),
    "terminal": terminal,
    "terminal-amber": partial(text, BLACK, (255, 176, 0), 16),
    "chart-bars": bars,
    "chart-curves": curves,
    "chart-pie": pie,
    "lineart-thin": partial(strokes, 1),
    "lineart-smooth": partial(strokes, 2, width=2, smooth=4),
    "lineart-hatching": hatching,
    "cartoon-outlined": partial(cartoon, 3),
    "cartoon-plain": partial(cartoon, 4, None),
    "cartoon-sky": sky,
    "halftone-dots": partial(screen, 6, 1),
    "halftone-smooth": partial(screen, 8, 4),
    "halftone-dither": dither,
    "pixelart-large": partial(sprites, 10, 8, 5),
    "pixelart-middle": partial(sprites, 10, 4, 6),
    "pixelart-small": partial(sprites, 16, 1, 7, 10),
    "screen-light": partial(window, WHITE, (225, 228, 232), (30, 30, 30)),
    "screen-grey": partial(window, (240, 240, 240), (200, 210, 225), BLACK),
    "screen-dark": partial(window, (30, 30, 30), (50, 50, 54), (210, 210, 210)),
    "onebit-text": lambda: one_bit(text(WHITE, BLACK, 13)),
    "onebit-strokes": lambda: one_bit(strokes(8, width=2, smooth=4)),
}


def drawn(name: str) -> Samples:
    """Return the (128, 128, 3) samples of a drawing."""
    return np.asarray(DRAWINGS[name]())[:MEASURED, :MEASURED]
