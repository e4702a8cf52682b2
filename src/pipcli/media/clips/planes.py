"""Layouts in which each kind of sample has a plane of its own, and frames of 16-bit RGB as such planes.

Every layout that an encoder takes can be made of one of these by moving samples about, which changes none of them.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from pipcli.media.clips.clip import Colour
from pipcli.media.clips.ffmpeg import PixelFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Plane: TypeAlias = NDArray[np.uint16]

Family: TypeAlias = Literal["gray", "yuv", "gbr"]

STEPS = {"420": (2, 2), "422": (2, 1), "411": (4, 1), "410": (4, 4), "440": (1, 2)}
"""Pixels (across, down) for which there is one sample of chroma; one for each pixel in all other layouts."""

FULL = 65535
_DEPTHS = (8, 9, 10, 12, 14, 16)
# Red's and blue's share of luma (ISO/IEC 23091-2, table 4); YCgCo is not of this form.
_SHARES = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
_REACH = 2  # steps to either side from which the bicubic kernel takes its samples


class Planar(NamedTuple):
    """A layout of planes: luma and two of chroma, or green, blue and red, or grey; then alpha.

    Args:
        family: what the planes are.
        subsampling: of chroma, "444" where there is none.
        depth: bits of a sample.
        has_alpha: whether a plane of alpha comes last.
    """

    family: Family
    subsampling: str
    depth: int
    has_alpha: bool = False

    @property
    def name(self) -> str:
        """ffmpeg's name."""
        depth = "" if self.depth == 8 else f"{self.depth}le"
        if self.family == "gray":
            return f"gray{depth}"
        alpha = "a" if self.has_alpha else ""
        return f"gbr{alpha}p{depth}" if self.family == "gbr" else f"yuv{alpha}{self.subsampling}p{depth}"

    @property
    def dtype(self) -> str:
        """numpy's name for a sample as it is stored."""
        return "u1" if self.depth == 8 else "<u2"

    @property
    def steps(self) -> tuple[int, int]:
        """Pixels (across, down) for which there is one sample of chroma."""
        return STEPS.get(self.subsampling, (1, 1)) if self.family == "yuv" else (1, 1)

    def shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Rows and columns of each plane of a frame."""
        if self.family == "gray":
            return [(height, width)]
        across, down = self.steps
        chroma = (-(-height // down), -(-width // across))
        first = [(height, width), chroma, chroma]
        return [*first, (height, width)] if self.has_alpha else first


def planar(layout: PixelFormat, *, alpha: bool) -> Planar:
    """The planes that hold all samples of a layout, with a plane of alpha or without."""
    depth = next(depth for depth in _DEPTHS if depth >= min(layout.depth, _DEPTHS[-1]))
    if layout.is_grey:
        return Planar("yuv", "444", 8 if depth == 8 else 16, True) if alpha else Planar("gray", "", depth)
    if layout.is_rgb:
        return Planar("gbr", "444", depth, alpha)
    return Planar("yuv", layout.subsampling, depth, alpha)


def offsets(siting: str | None, steps: tuple[int, int]) -> tuple[float, float]:
    """Where a sample of chroma is, in pixels (across, down) from the first of the pixels that it belongs to.

    Args:
        siting: ffmpeg's name; None stands for "left", as nearly all codecs and players take it.
        steps: pixels (across, down) for which there is one sample.
    """
    across, down = steps
    name = siting or "left"
    rows = {"top": 0.0, "bottom": down - 1.0}
    below = next((row for edge, row in rows.items() if name.startswith(edge)), (down - 1) / 2)
    return (0.0 if name.endswith("left") else (across - 1) / 2), below


def planes_of(samples: Plane, layout: Planar, colour: Colour) -> list[Plane]:
    """A frame as planes, rounded to the nearest levels.

    Args:
        samples: (H, W, C) over the full range, 1 for grey or 3 channels.
        layout: of the planes; its alpha is left out.
        colour: with its matrix, by which the samples are converted.

    Returns:
        The planes without alpha, each of levels of the layout's depth.
    """
    if layout.family == "gbr":
        red, green, blue = (samples[:, :, min(channel, samples.shape[2] - 1)] for channel in range(3))
        return [from_full(plane, layout.depth) for plane in (green, blue, red)]
    limited = colour.range != "pc"
    if samples.shape[2] == 1:
        return [from_full(samples[:, :, 0], layout.depth, limited=limited), *_neutral(samples, layout)]
    luma, blue_difference, red_difference = _luma_and_chroma(samples, colour)
    if layout.family == "gray":
        return _as_levels(luma, [], layout.depth, limited=limited)
    at = offsets(colour.siting, layout.steps)
    chroma = [_subsampled(plane, layout.steps, at) for plane in (blue_difference, red_difference)]
    return _as_levels(luma, chroma, layout.depth, limited=limited, chroma_steps=_chroma_steps(colour))


def to_full(levels: Plane, depth: int, *, limited: bool = False) -> Plane:
    """Levels of a depth, grey or of one colour, as samples over the full range of 16 bits."""
    samples: Plane = _full_of_levels(depth, limited).take(levels, mode="clip")
    return samples


def from_full(samples: Plane, depth: int, *, limited: bool = False) -> Plane:
    """The inverse of `to_full`, to the nearest level."""
    levels: Plane = _levels_of_full(depth, limited).take(samples)
    return levels


def sites_within(pixels: NDArray[np.bool_], steps: tuple[int, int]) -> NDArray[np.bool_]:
    """The samples of chroma that are made of any of some pixels.

    Args:
        pixels: (H, W).
        steps: pixels (across, down) for which there is one sample.

    Returns:
        (ceil(H / down), ceil(W / across)).
    """
    import numpy as np

    across, down = steps
    if steps == (1, 1):
        return pixels
    height, width = pixels.shape
    whole = np.pad(pixels, ((0, -height % down), (0, -width % across)))
    sites: NDArray[np.bool_] = np.any(whole.reshape(whole.shape[0] // down, down, -1, across), axis=(1, 3))
    for axis, step in ((0, down), (1, across)):
        if step > 1:
            sites = _grown(sites, axis)
    return sites


def _grown(sites: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """With their neighbours, as far as the kernel reaches."""
    import numpy as np

    count = sites.shape[axis]
    padded = np.pad(sites, [(_REACH, _REACH) if axis == at else (0, 0) for at in range(2)])
    parts = [np.take(padded, range(shift, shift + count), axis) for shift in range(2 * _REACH + 1)]
    return functools.reduce(np.logical_or, parts)


@functools.cache
def _full_of_levels(depth: int, limited: bool) -> Plane:
    import numpy as np

    black, white = _span(depth, limited=limited)
    values: NDArray[np.float64] = (np.arange(2**depth) - black) / (white - black)
    full: NDArray[np.float64] = np.rint(values.clip(0, 1) * FULL)
    return full.astype(np.uint16)


@functools.cache
def _levels_of_full(depth: int, limited: bool) -> Plane:
    import numpy as np

    black, white = _span(depth, limited=limited)
    return np.rint(black + np.arange(FULL + 1) * (white - black) / FULL).astype(np.uint16)


def _span(depth: int, *, limited: bool) -> tuple[int, int]:
    """The levels of black and white."""
    return (16 << depth - 8, 235 << depth - 8) if limited else (0, 2**depth - 1)


def _neutral(samples: Plane, layout: Planar) -> list[Plane]:
    import numpy as np

    shapes = layout._replace(has_alpha=False).shapes(*samples.shape[:2])[1:]
    return [np.full(shape, 1 << layout.depth - 1, np.uint16) for shape in shapes]


def _luma_and_chroma(samples: Plane, colour: Colour) -> tuple[NDArray[np.float32], ...]:
    """Luma in [0, 1] and two differences in [-0.5, 0.5], one for each pixel."""
    red, green, blue = (_as_float(samples[:, :, channel]) for channel in range(3))
    if colour.matrix == "ycgco":
        return _all_float((red + 2 * green + blue) / 4, (2 * green - red - blue) / 4, (red - blue) / 2)
    of_red, of_blue = _SHARES[colour.matrix or ""]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    return _all_float(luma, (blue - luma) / (2 * (1 - of_blue)), (red - luma) / (2 * (1 - of_red)))


def _all_float(*planes: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float32], ...]:
    """The planes, which are of this type already, though the type checker does not know."""
    return tuple(plane.astype("f4", copy=False) for plane in planes)


def _chroma_steps(colour: Colour) -> int:
    """How many levels of 8 bits chroma has in the limited range; zimg gives YCgCo as many as luma."""
    return 219 if colour.matrix == "ycgco" else 224


def _as_float(samples: Plane) -> NDArray[np.float32]:
    import numpy as np

    return samples.astype(np.float32) / np.float32(FULL)


def _as_levels(
    luma: NDArray[np.float32], chroma: list[NDArray[np.float32]], depth: int, *, limited: bool, chroma_steps: int = 224
) -> list[Plane]:
    import numpy as np

    black, white = _span(depth, limited=limited)
    middle, spread = 1 << depth - 1, chroma_steps << depth - 8 if limited else 2**depth - 1
    levels = [luma * (white - black) + black, *(plane * spread + middle for plane in chroma)]
    return [np.rint(plane).clip(0, 2**depth - 1).astype(np.uint16) for plane in levels]


def _subsampled(plane: NDArray[np.float32], steps: tuple[int, int], at: tuple[float, float]) -> NDArray[np.float32]:
    """One sample of chroma for so many pixels, at an offset (across, down) from the first of them."""
    for axis, step, offset in ((1, steps[0], at[0]), (0, steps[1], at[1])):
        if step > 1:
            plane = _decimated(plane, axis, step, offset)
    return plane


def _decimated(plane: NDArray[np.float32], axis: int, step: int, offset: float) -> NDArray[np.float32]:
    """Every so-manieth sample along an axis, of a bicubic kernel as wide as that; edges are mirrors, as for zimg."""
    import numpy as np

    first, last = math.ceil(offset - _REACH * step), math.floor(offset + _REACH * step)
    weights = [_bicubic((tap - offset) / step) for tap in range(first, last + 1)]
    size = plane.shape[axis]
    count = -(-size // step)
    beyond = max(0, (count - 1) * step + last - (size - 1))
    padded = np.pad(plane, [(-first, beyond) if axis == along else (0, 0) for along in range(2)], "symmetric")
    total = np.zeros([count if axis == along else plane.shape[along] for along in range(2)], np.float32)
    for tap, weight in enumerate(weights):
        if weight:
            places = slice(tap, tap + (count - 1) * step + 1, step)
            total += np.float32(weight / sum(weights)) * (padded[:, places] if axis else padded[places])
    return total


def _bicubic(distance: float) -> float:
    """The interpolating cubic kernel of Keys (1981) with a = -1/2, which zscale takes as well."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < _REACH else 0.0
