"""From a file's samples to full-range RGB of 16 bits, as its tags say, exact to rounding.

ffmpeg's usual converter is off by up to a level and wraps round at 16 bits, so that zimg does it (`zscale`), which
takes no odd sizes where chroma is coarser than luma, and would multiply colours by an alpha that is still there.
"""

from __future__ import annotations

from pipcli.media.clips.clip import Colour
from pipcli.media.clips.ffmpeg import PixelFormat
from pipcli.media.clips.planes import Planar, planar

MATRICES = ("bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "ycgco", "bt2020nc", "gbr")
"""What can be converted; "gbr" is no matrix at all."""

_SAME_LIGHT = "primariesin=bt709:primaries=bt709:transferin=bt709:transfer=bt709"  # of both sides: nothing is changed


def to_rgb(layout: PixelFormat, colour: Colour, width: int, height: int) -> list[str]:
    """Filters that make "rgb48le" of decoded frames of luma and chroma.

    Args:
        layout: of the frames.
        colour: with its matrix.
        width: of the frames, as they are coded.
        height: likewise.
    """
    planes = planar(layout, alpha=False)
    filters = to_planes(layout, planes)
    across, down = planes.steps
    if width % across or height % down:
        filters += [_whole(planes, width + -width % across, height + -height % down)]
    siting = f":chromalin={colour.siting or 'left'}" if planes.steps != (1, 1) else ""
    filters += [
        f"zscale=matrixin={colour.matrix}:rangein={_range(colour)}{siting}"
        f":matrix=gbr:range=full:filter=bicubic:{_SAME_LIGHT}",
        "format=gbrp16le",
    ]
    if width % across or height % down:
        filters += [f"crop={width}:{height}:0:0:exact=1"]
    return [*filters, "format=rgb48le"]


def to_planes(layout: PixelFormat, planes: Planar) -> list[str]:
    """Filters that make planes of decoded frames without changing a sample."""
    # The "j" of old names says full range; without the tag its loss would be taken for a change of the range.
    full = ["setparams=range=pc"] if layout.name.startswith("yuvj") else []
    return [*full, f"format={planes.name}"]


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
        "chroma_location": colour.siting,
    }
    return "setparams=" + ":".join(f"{name}={tag or 'unknown'}" for name, tag in tags.items())


def grey_format(depth: int) -> str:
    """ffmpeg's name for one channel of a depth."""
    return "gray" if depth == 8 else f"gray{depth}le"


def _range(colour: Colour) -> str:
    return "full" if colour.range == "pc" else "limited"


def _whole(planes: Planar, width: int, height: int) -> str:
    """The filter that lays pixels of luma at the right and below, so that all of chroma has its pixels."""
    padded = f"[l]pad=w={width}:h={height}[y]"
    return f"extractplanes=y+u+v[l][u][v];{padded};[y][u][v]mergeplanes=map0s=0:map1s=1:map2s=2:format={planes.name}"
