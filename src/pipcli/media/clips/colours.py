"""From a file's samples to full-range RGB of 16 bits and back, as its tags say, exact to rounding.

ffmpeg's usual converter is off by up to a level and wraps round at 16 bits, so that zimg does it (`zscale`), which
takes no odd sizes where chroma is coarser than luma; there the chroma alone is resampled by the former.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipcli.media.clips.clip import Colour, assumed_matrix
from pipcli.media.clips.ffmpeg import PixelFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MATRICES = ("bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "ycgco", "bt2020nc", "gbr")
"""What can be converted; "gbr" is no matrix at all."""

_FULL = 65535
_RESAMPLED = "flags=bicubic+accurate_rnd+full_chroma_inp+full_chroma_int"
_SAME_LIGHT = "primariesin=bt709:primaries=bt709:transferin=bt709:transfer=bt709"  # of both sides: nothing is changed


def to_rgb(layout: PixelFormat, colour: Colour, width: int, height: int) -> list[str]:
    """Filters that make "rgb48le" of decoded frames."""
    if layout.is_rgb:
        depth = layout.depth if layout.depth in (8, 9, 10, 12, 14, 16) else 8
        filters = [f"format=gbrp{'' if depth == 8 else f'{depth}le'}"]
        filters += [f"zscale=matrixin=gbr:matrix=gbr:rangein=full:range=full:{_SAME_LIGHT}"]
    else:
        filters = (
            [f"scale={_RESAMPLED}", f"format=yuv444p{'' if layout.depth == 8 else f'{layout.depth}le'}"]
            if _is_odd(layout, width, height)
            else []
        )
        matrix = colour.matrix or assumed_matrix(height)
        filters += [
            f"zscale=matrixin={matrix}:rangein={_range(colour)}:matrix=gbr:range=full:filter=bicubic:{_SAME_LIGHT}"
        ]
    return [*filters, "format=gbrp16le", "format=rgb48le"]


def from_rgb(layout: PixelFormat, colour: Colour, width: int, height: int, *, alpha: bool) -> list[str]:
    """Filters that make frames of a layout from "rgb48le", or with alpha "rgba64le", rounded to its nearest levels."""
    a, depth = "a" if alpha else "", "" if layout.depth == 8 else f"{layout.depth}le"
    filters = [tagged(Colour("pc", "gbr")), f"format=gbr{a}p16le"]
    if layout.is_rgb:
        filters += [f"zscale=matrixin=gbr:matrix=gbr:rangein=full:range=full:{_SAME_LIGHT}", f"format=gbr{a}p{depth}"]
        return [*filters, f"format={layout.name}"]
    matrix = colour.matrix or assumed_matrix(height)
    filters += [f"zscale=matrixin=gbr:rangein=full:matrix={matrix}:range={_range(colour)}:filter=bicubic:{_SAME_LIGHT}"]
    if layout.is_grey or _is_odd(layout, width, height):
        filters += [f"format=yuv{a}444p{depth}", f"scale={_RESAMPLED}"]
    else:
        filters += [f"format=yuv{a}{layout.subsampling}p{depth}"]
    return [*filters, f"format={layout.name}"]


def alpha_of(layout: PixelFormat) -> list[str]:
    """Filters that make one channel of the alpha of decoded frames, of their depth."""
    if layout.name == "pal8" or layout.name.startswith("ya"):  # what ffmpeg's filter gets wrong by itself
        return ["format=rgba" if layout.depth == 8 else "format=rgba64le", "alphaextract"]
    return ["alphaextract"]


def tagged(colour: Colour) -> str:
    """The filter that writes a colour's tags upon frames, and takes off those that are unknown."""
    tags = {
        "range": colour.range,
        "colorspace": colour.matrix,
        "color_primaries": colour.primaries,
        "color_trc": colour.transfer,
    }
    return "setparams=" + ":".join(f"{name}={tag or 'unknown'}" for name, tag in tags.items())


def grey_from_levels(levels: NDArray[np.uint16], depth: int, colour: Colour) -> NDArray[np.uint16]:
    """Grey samples of a file as full-range samples of 16 bits."""
    import numpy as np

    black, white = _grey_range(depth, colour)
    values: NDArray[np.float64] = (levels.astype(np.float64) - black) / (white - black)
    samples: NDArray[np.float64] = np.rint(values.clip(0, 1) * _FULL)
    return samples.astype(np.uint16)


def grey_to_levels(samples: NDArray[np.uint16], depth: int, colour: Colour) -> NDArray[np.uint16]:
    """The inverse of `grey_from_levels`, to the nearest level."""
    import numpy as np

    black, white = _grey_range(depth, colour)
    levels: NDArray[np.float64] = np.rint(black + samples.astype(np.float64) / _FULL * (white - black))
    return levels.astype(np.uint16)


def grey_format(depth: int) -> str:
    """ffmpeg's name for one channel of a depth."""
    return "gray" if depth == 8 else f"gray{depth}le"


def _grey_range(depth: int, colour: Colour) -> tuple[int, int]:
    if colour.range == "tv":
        return 16 << depth - 8, 235 << depth - 8
    return 0, 2**depth - 1


def _range(colour: Colour) -> str:
    return "full" if colour.range == "pc" else "limited"


def _is_odd(layout: PixelFormat, width: int, height: int) -> bool:
    across = {"420": 2, "422": 2, "411": 4, "410": 4}.get(layout.subsampling, 1)
    down = {"420": 2, "440": 2, "410": 4}.get(layout.subsampling, 1)
    return bool(width % across or height % down)
