"""Drawings without noise, for tests: (H, W, 3) 8-bit."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Samples = NDArray[np.uint8]
WORDS = ("It was a bright cold day", "in April, and the clocks", "were striking thirteen.", "Letters on light paper,")


def page(ground: int | tuple[int, int, int], ink: int | tuple[int, int, int] = 20, side: int = 96) -> Samples:
    """Return letters on a ground."""
    image = Image.new("RGB", (side, side), (ground,) * 3 if isinstance(ground, int) else ground)
    draw = ImageDraw.Draw(image)
    for number, top in enumerate(range(4, side - 12, 15)):
        colour = (ink,) * 3 if isinstance(ink, int) else ink
        draw.text((4, top), WORDS[number % len(WORDS)], fill=colour, font=ImageFont.load_default(11))
    return np.asarray(image)


def bilevel(side: int = 96) -> Samples:
    """Return letters in black and white only."""
    return (255 * (page(255, 0, side) > 127)).astype(np.uint8)


def lines(side: int = 96) -> Samples:
    """Return a drawing of lines and circles in black on white."""
    image = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(image)
    for place in range(0, side, 7):
        draw.line((place, 0, side - place, side), fill=0)
        draw.ellipse((place, 10, place + 40, 50), outline=0)
    return np.asarray(image.convert("RGB"))


def cartoon(side: int = 96) -> Samples:
    """Return flat areas of few colours with outlines."""
    image = Image.new("RGB", (side, side), (250, 230, 160))
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 30, 60, 85), fill=(80, 160, 240), outline=(0, 0, 0), width=2)
    draw.ellipse((40, 10, 90, 60), fill=(240, 80, 80), outline=(0, 0, 0), width=2)
    return np.asarray(image)


def dots(side: int = 96, period: int = 5) -> Samples:
    """Return a ramp as dots of print in black on white, with a margin of paper."""
    y, x = np.mgrid[0:side, 0:side]
    dark = np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period) > 2 - 3.2 * x / side
    margin = (np.minimum(x, y) < 10) | (np.maximum(x, y) >= side - 10)
    return np.where(dark & ~margin, 0, 255).astype(np.uint8)[:, :, None].repeat(3, axis=2)


def dithered(side: int = 96) -> Samples:
    """Return a ramp by error diffusion."""
    ramp = np.linspace(20, 235, side).astype(np.uint8)[None].repeat(side, axis=0)
    return np.asarray(Image.fromarray(ramp).convert("1").convert("RGB"))


def window(side: int = 96) -> Samples:
    """Return a dark window with a bar, buttons and text."""
    image = Image.fromarray(page(30, 210, side))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, side, 12), fill=(60, 60, 66))
    draw.rounded_rectangle((side - 40, side - 20, side - 6, side - 6), 4, fill=(0, 120, 215))
    return np.asarray(image)


def noisy(samples: Samples, sigma: float, seed: int = 0) -> Samples:
    """Add noise of a standard deviation in grey levels, clip and round."""
    noise = np.random.default_rng(seed).normal(0, sigma, samples.shape)
    return np.clip(np.round(samples + noise), 0, 255).astype(np.uint8)
