"""Interpretation of masks: white, painted or transparent pixels, with hard or soft edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipcli.media.photo import Photo, Samples, in_unit_range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# From what share of its range on a sample is white, and an alpha opaque.
HALF = 0.5
# Channels that differ by this are colour, and no rounding of a grey picture by JPEG; a painted mask differs from its
# ground by as much.
COLOURED = 0.25
# A soft edge ends above the darkest that there is; in JPEG by this, for the ringing beside white.
BLACK, BLACK_IN_JPEG = 0.0, 16 / 255
# How wide a soft edge can be, in pixels.
WIDEST_EDGE = 256


@dataclass(frozen=True)
class Marked:
    """What a mask marks.

    Attributes:
        pixels: (H, W) booleans.
        notes: sentences for the user on how the mask was understood, where that is not as white on black.
    """

    pixels: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def marked_by(mask: Photo, *, inverted: bool = False) -> Marked:
    """Return what a mask marks for filling.

    A mask is white on black; or painted in a colour on a ground; or all of one colour with a part that is transparent,
    or opaque: the smaller part is marked. Of a mask with both, what is opaque and white is marked. Every pixel of a
    soft edge belongs to what it is the edge of.

    Args:
        mask: of any depth.
        inverted: whether the mask marks what is to be kept.
    """
    strength, hard, notes = _strength(mask)
    if inverted:
        # In a mask of two values those are the ends, whatever they are.
        strength, hard = 1 - strength, ~hard
    return _softened(hard, strength, BLACK_IN_JPEG if mask.file_format == "JPEG" else BLACK, notes)


def transparent(alpha: Samples) -> Marked:
    """Return what an alpha plane (H, W) of full-range samples leaves transparent, with its soft edge."""
    clear = 1 - in_unit_range(alpha)
    return _softened(clear > HALF, clear, BLACK, ())


def _softened(hard: NDArray[np.bool_], strength: NDArray[np.float64], above: float, notes: tuple[str, ...]) -> Marked:
    if hard.all() or not hard.any():
        return Marked(hard, notes)
    soft = _with_soft_edge(hard, strength > float(strength[~hard].min()) + above)
    added = int((soft & ~hard).sum())
    if not added:
        return Marked(hard, notes)
    return Marked(soft, (*notes, f"the soft edge of the mask, {added} pixel(s), is filled, too"))


def _strength(mask: Photo) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[str, ...]]:
    """How strongly each pixel is marked, 0 to 1, which ones are by themselves, and how the mask was understood."""
    values = mask.values()
    opaque = None if mask.alpha is None else in_unit_range(mask.alpha)
    if opaque is not None and opaque.min() < HALF <= opaque.max():
        seen = values[opaque >= HALF].mean(axis=1)
        if seen.max() - seen.min() < HALF:
            return _by_alpha(opaque)
        return _by_lightness(opaque * values.mean(axis=2), " where it is opaque")
    if values.shape[2] == 3 and float((values.max(axis=2) - values.min(axis=2)).max()) >= COLOURED:
        return _by_colour(values)
    return _by_lightness(values.mean(axis=2), "")


def _by_alpha(opaque: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[str, ...]]:
    is_painted = float((opaque >= HALF).mean()) <= HALF
    strength = opaque if is_painted else 1 - opaque
    hard = (opaque >= HALF) if is_painted else (opaque < HALF)
    part = "opaque" if is_painted else "transparent"
    return strength, hard, (f"the mask is its {part} part, {_share(hard)} of the picture",)


def _by_colour(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[str, ...]]:
    import numpy as np

    levels = np.rint(255 * values).astype(np.int64)
    codes = (levels[:, :, 0] << 16) | (levels[:, :, 1] << 8) | levels[:, :, 2]
    found, counts = np.unique(codes, return_counts=True)
    code = int(found[counts.argmax()])
    ground = np.array([code >> 16, code >> 8 & 255, code & 255]) / 255
    difference = np.abs(values - ground).max(axis=2)
    strongest = float(difference.max())
    strength = difference / strongest
    hard = difference >= max(COLOURED, HALF * strongest)
    named = f"#{code:06x}"
    return (
        strength,
        hard,
        (f"the mask is everything that differs from its background {named}, {_share(hard)} of the picture",),
    )


def _by_lightness(
    lightness: NDArray[np.float64], where: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[str, ...]]:
    import numpy as np

    told: tuple[str, ...] = (f"the mask is its white part{where}",) if where else ()
    lowest, highest = float(lightness.min()), float(lightness.max())
    if lowest < highest and (highest < HALF or lowest >= HALF):
        hard = lightness > (lowest + highest) / 2
        if np.isin(lightness, (lowest, highest)).all():  # such as 0 and 1 of 255, the numbers of classes
            told += (
                f"the mask has two values, of which the higher one counts as white, {_share(hard)} of the picture",
            )
            return (lightness - lowest) / (highest - lowest), hard, told
    return lightness, lightness >= HALF, told


def _share(marked: NDArray[np.bool_]) -> str:
    return f"{100 * float(marked.mean()):.3g} %"


def _with_soft_edge(hard: NDArray[np.bool_], not_black: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is marked, with all that is not black and hangs together with it."""
    import numpy as np

    reached = hard
    for _ in range(WIDEST_EDGE):
        padded = np.pad(reached, 1)
        rows = padded[:-2] | padded[1:-1] | padded[2:]
        grown = (rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]) & (not_black | hard)
        if np.array_equal(grown, reached):
            break
        reached = grown
    return reached
