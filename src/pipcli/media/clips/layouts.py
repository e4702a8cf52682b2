"""Choice of the pixel format for an encoder: the one that loses least of the source."""

from __future__ import annotations

import re

from pipcli.errors import OutputRefusedError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip
from pipcli.media.clips.encoding import Encoder, EncodingOptions, layouts, supported
from pipcli.media.clips.ffmpeg import PixelFormat
from pipcli.media.clips.planes import STEPS


def layout_for(encoder: Encoder, clip: Clip, width: int, height: int, options: EncodingOptions) -> PixelFormat:
    """The layout of samples that keeps most of the source's.

    Raises:
        OutputRefusedError: the encoder does not have the layout that the user named, or none for this size.
    """
    known = ffmpeg.pixel_formats()
    names = supported(encoder.name)
    if options.pix_fmt is not None:
        if options.pix_fmt not in known or (names and options.pix_fmt not in names):
            raise OutputRefusedError(
                f"{encoder.name} has no pixel format {options.pix_fmt!a}: choose one of {' '.join(names)}"
            )
        return known[options.pix_fmt]
    if encoder.name == "gif":
        return known["pal8"]
    wanted = known.get(clip.pixel_format)
    names = names or tuple(name for name in known if _is_usable(name))
    usable = [known[name] for name in names if _is_usable(name) and _fits(known[name], encoder, width, height)]
    if not usable:
        raise OutputRefusedError(f"{encoder.name} has no pixel format for {width}x{height}: choose another codec")
    as_rgb = options.lossless or (wanted is not None and wanted.is_rgb and encoder.codec == clip.codec)
    return min(usable, key=lambda layout: _losses(layout, clip, as_rgb=as_rgb))


def lost_chroma(encoder: Encoder, layout: PixelFormat, clip: Clip) -> str:
    """A sentence about the detail of colour that a layout cannot hold; nothing if it holds all of it."""
    source = ffmpeg.pixel_formats().get(clip.pixel_format)
    if clip.channels == 1 or layout.is_grey or layout.is_rgb:
        return ""
    old = "444" if source is None else source.subsampling
    ratios = _ratios(STEPS.get(layout.subsampling, (1, 1)), STEPS.get(old, (1, 1)))
    parts = [f"1/{ratio} of the {name}" for name, ratio in zip(("columns", "rows"), ratios, strict=True) if ratio > 1]
    if not parts:
        return ""
    finer = [
        one.name
        for one in layouts(encoder.name)
        if _is_usable(one.name) and not one.is_grey and one.depth == layout.depth and not _coarser(one.subsampling, old)
    ]
    advice = f": --pix-fmt {finer[0]} keeps all, which not every player shows" if finer else ""
    return f"{layout.name} holds colour with {' and '.join(parts)} that the clip has{advice}"


def _is_usable(name: str) -> bool:
    """Whether the converter can make it; the "j" of old names says full range, which a tag says as well."""
    packed = (
        "rgb24",
        "bgr24",
        "rgba",
        "bgra",
        "argb",
        "abgr",
        "bgr0",
        "rgb0",
        "rgb48be",
        "rgb48le",
        "rgba64be",
        "rgba64le",
    )
    depth = r"(9|10|12|14|16)?(le)?"
    planar = rf"yuva?4(20|22|44)p{depth}|yuv4(10|11|40)p|gbra?p{depth}|gray(9|10|12|14|16)?([lb]e)?"
    return name in packed or re.fullmatch(planar, name) is not None


def _fits(layout: PixelFormat, encoder: Encoder, width: int, height: int) -> bool:
    """H.264 and HEVC cut the picture in units of chroma samples, so that odd sizes need one for each pixel."""
    across, down = STEPS.get(layout.subsampling, (1, 1))
    if across == 4 and (width % across or height % down):
        return False  # FFV1 loses the last of such chroma
    if encoder.codec in ("vp8", "vp9") and layout.has_alpha:
        return layout.name == "yuva420p"  # the only one that players know
    if encoder.codec in ("h264", "hevc", "prores") or encoder.name == "libsvtav1":
        return not (layout.subsampling in ("420", "422") and width % 2) and not (
            layout.subsampling == "420" and height % 2
        )
    return True


def _losses(layout: PixelFormat, clip: Clip, *, as_rgb: bool) -> tuple[int | bool, ...]:
    """What choosing a layout would cost, the worst first: the fewer the better."""
    subsampling = _wanted_subsampling(clip, as_rgb=as_rgb)
    deepest = max(0, clip.bit_depth - layout.depth)
    lost, more = _coarser(layout.subsampling, subsampling), _coarser(subsampling, layout.subsampling)
    return (
        layout.is_grey and clip.channels == 3,
        layout.has_alpha != clip.has_alpha,
        deepest,
        (layout.is_grey != (clip.channels == 1)),
        clip.channels == 3 and layout.is_rgb != as_rgb,
        lost,
        layout.depth - clip.bit_depth,
        more,
        not layout.name.endswith(("le", "p")),
    )


def _wanted_subsampling(clip: Clip, *, as_rgb: bool) -> str:
    """That of the source; of RGB, which players take in 4:2:0 alone, that."""
    source = ffmpeg.pixel_formats().get(clip.pixel_format)
    return "444" if as_rgb else "420" if source is None or source.is_rgb else source.subsampling


def _coarser(subsampling: str, than: str) -> int:
    """How many times fewer samples of chroma there are, counting directions with fewer alone, less one; 0 for none."""
    across, down = _ratios(STEPS.get(subsampling, (1, 1)), STEPS.get(than, (1, 1)))
    return max(1, across) * max(1, down) - 1


def _ratios(steps: tuple[int, int], than: tuple[int, int]) -> tuple[int, int]:
    return steps[0] // than[0], steps[1] // than[1]
