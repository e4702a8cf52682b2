"""The arguments of ffmpeg for writing a clip: inputs, filters, streams, tags and options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Colour, Stream
from pipcli.media.clips.colours import tagged
from pipcli.media.clips.containers import WRITERS, input_options
from pipcli.media.clips.nut import has_code
from pipcli.media.clips.plan import Plan
from pipcli.media.clips.planes import Planar, from_full, planar, planes_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIED_SECONDS = "0.5"
"""How much of each stream beside the picture goes into a trial."""

_OF_FIELDS = ("libx264", "libx264rgb", "prores_ks", "mpeg4", "mpeg2video", "dvvideo")
"""Encoders that can code fields."""

_MIME = {"mjpeg": "jpeg"}
_SUFFIXES = {"mjpeg": "jpg"}
_LARGEST_TERM = 2**31 - 1  # of a fraction, as ffmpeg holds it
_OF_THE_OLD_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")
_OF_THE_OLD_PICTURE = (
    "encoder",
    "alpha_mode",
    "BPS",
    "DURATION",
    "NUMBER_OF_FRAMES",
    "NUMBER_OF_BYTES",
    "_STATISTICS_WRITING_APP",
    "_STATISTICS_WRITING_DATE_UTC",
    "_STATISTICS_TAGS",
)


def arguments(plan: Plan, path: Path, covers: Sequence[Path] = (), *, tried: bool) -> list[str]:
    """All of ffmpeg's arguments, with which it takes the frames from its standard input and the rest from the source.

    Args:
        plan: for a file.
        path: what is written.
        covers: the files of the pictures of `attached(plan)`.
        tried: only the beginning of the other streams is wanted.
    """
    clip, place = plan.clip, plan.place
    line = ["-v", "level+warning", "-y", "-copyts", "-protocol_whitelist", "file,pipe", "-f", "nut", "-i", "pipe:0"]
    if clip.kind != "folder":
        line += ["-t", TRIED_SECONDS] if tried else []
        line += [*_offset(plan), *input_options(clip.kind, clip.path)]
    line += ["-filter_complex", f"[0:0]{_filters(plan)}[picture]"]
    before = [stream for stream in _copied(plan) if stream.index < clip.index]
    after = [stream for stream in _copied(plan) if stream.index > clip.index]
    line += [*_mapped(before), "-map", "[picture]", *_mapped(after), "-copy_unknown", "-c", "copy", *_tags(plan)]
    line += [*_attachments(plan, covers), f"-disposition:{place}", _disposition(plan)]
    line += [f"-c:{place}", plan.encoder.name, f"-fps_mode:{place}", "passthrough"]
    line += [f"-enc_time_base:{place}", f"{plan.times.base.numerator}/{plan.times.base.denominator}"]
    if plan.layout.name != "pal8":
        line += [f"-pix_fmt:{place}", plan.layout.name]
    if plan.colour.range is not None and not plan.layout.is_rgb:
        line += [f"-color_range:{place}", plan.colour.range]  # else ffmpeg changes samples to what it takes for usual
    for name, value in (*plan.options, *_field_flags(plan)):
        line += [f"-{name}:{place}", value]
    # Matroska numbers its files at random, else.
    line += ["-fflags", "+bitexact"]
    return [*line, *_container_options(plan), "-f", WRITERS[plan.kind], ffmpeg.file_url(path)]


def shift(plan: Plan) -> int:
    """What must be added to all ticks for the pipe, which knows none below 0; in AVI the first frame is at 0."""
    first = plan.times.ticks[0]
    return -first if plan.kind == "avi" else max(0, -first)


def starts(plan: Plan) -> dict[int, Fraction]:
    """When the streams of an AVI file begin, in seconds by their place, as its header must say."""
    first = plan.times.ticks[0] * plan.times.base
    sources = {place: stream.start for place, stream in _places(plan).items() if stream.start is not None}
    begun = {plan.place: first, **sources}
    earliest = min(Fraction(0), *begun.values())
    return {place: start - earliest for place, start in begun.items()}


def attached(plan: Plan) -> list[Stream]:
    """The covers that must be attached as files: Matroska has no other way to say that a picture is one."""
    return [stream for stream in plan.streams if stream.is_cover] if plan.kind == "mkv" else []


def _copied(plan: Plan) -> list[Stream]:
    return [stream for stream in plan.streams if stream not in attached(plan)]


def _places(plan: Plan) -> dict[int, Stream]:
    """The copied streams by their place in the output."""
    copied = _copied(plan)
    return {at + (stream.index > plan.clip.index): stream for at, stream in enumerate(copied)}


def _attachments(plan: Plan, covers: Sequence[Path]) -> list[str]:
    line, first = [], len(_copied(plan)) + 1
    for place, (stream, path) in enumerate(zip(attached(plan), covers, strict=True), first):
        tags = {name.lower(): text for name, text in stream.metadata}
        mime = tags.get("mimetype") or f"image/{_MIME.get(stream.codec, stream.codec)}"
        name = tags.get("filename") or f"cover.{_SUFFIXES.get(stream.codec, stream.codec)}"
        line += ["-attach", ffmpeg.file_url(path), f"-metadata:s:{place}", f"mimetype={mime}"]
        line += [f"-metadata:s:{place}", f"filename={name}"]
    return line


def _disposition(plan: Plan) -> str:
    if plan.clip.kind == "folder":
        return "default"
    return "+".join(plan.clip.disposition) or "0"


def sent_layout(plan: Plan) -> Planar:
    """The layout of the samples in the pipe: planes that hold what the file will hold."""
    layout = planar(plan.layout, alpha=plan.carries_alpha)
    return layout if has_code(layout) else layout._replace(subsampling="444")


def sent_samples(planes: list[NDArray[np.uint16]], alpha: NDArray[np.uint16] | None, plan: Plan) -> bytes:
    """A frame in the layout of `sent_layout`.

    Args:
        planes: without alpha, of the layout's levels.
        alpha: (H, W) over the full range; None where the layout has none.
        plan: of the file.
    """
    layout = sent_layout(plan)
    parts = planes if alpha is None else [*planes, from_full(alpha, layout.depth)]
    return b"".join(part.astype(layout.dtype).tobytes() for part in parts)


def converted(samples: NDArray[np.uint16], plan: Plan) -> list[NDArray[np.uint16]]:
    """A frame, (H, W, C) uint16 over the full range, as the planes of `sent_layout` but for its alpha."""
    return planes_of(samples, sent_layout(plan), replace(plan.colour, matrix=plan.matrix))


def _filters(plan: Plan) -> str:
    """From the frames of the pipe to the encoder's."""
    aspect = plan.clip.pixel_aspect
    last = [f"setsar={aspect.numerator}/{aspect.denominator}:max={_LARGEST_TERM}"]
    if plan.layout.name == "pal8":
        return ",".join([*last, _palette(plan)])
    fields = {"top": ["setfield=tff"], "bottom": ["setfield=bff"], None: []}[plan.first_field]
    # The tags come first, so that a change of layout changes no range, and last, as some are lost with it.
    return ",".join([tagged(plan.colour), f"format={plan.layout.name}", tagged(plan.colour), *fields, *last])


def _field_flags(plan: Plan) -> list[tuple[str, str]]:
    """What makes an encoder code the lines of two fields apart, and say so."""
    if plan.first_field is None:
        return []
    flags = [("flags", "+ildct+ilme")] if plan.encoder.name in _OF_FIELDS else []
    order = [("x264-params", f"{plan.first_field[0]}ff=1")] if plan.encoder.codec == "h264" else []
    asked = {name for name, _ in plan.options}
    return [(name, value) for name, value in (*flags, *order) if name not in asked]


def _offset(plan: Plan) -> list[str]:
    """All else starts later, too, if the picture has to."""
    later = max(0, -plan.times.ticks[0]) * plan.times.base
    return ["-itsoffset", f"{float(later):.9f}"] if later else []


def _palette(plan: Plan) -> str:
    """The best palette for each frame of a GIF, which has one bit of alpha."""
    layout = "rgba" if plan.carries_alpha else "rgb24"
    filters = f"{tagged(Colour('pc', 'gbr'))},format={layout}"
    transparent = "" if plan.carries_alpha else ":reserve_transparent=0"
    return f"{filters},split[a][b];[a]palettegen=stats_mode=single{transparent}[p];[b][p]paletteuse=new=1"


def _mapped(streams: Iterable[Stream]) -> list[str]:
    return [part for stream in streams for part in ("-map", f"1:{stream.index}")]


def _tags(plan: Plan) -> list[str]:
    if plan.clip.kind == "folder":
        return []
    line = ["-map_metadata", "1", "-map_chapters", "1"]
    sources = sorted([plan.clip.index, *(stream.index for stream in _copied(plan))])
    for place, index in enumerate(sources):
        line += [f"-map_metadata:s:{place}", f"1:s:{index}"]
    for name in _OF_THE_OLD_FILE:
        line += ["-metadata", f"{name}="]
    for name in _OF_THE_OLD_PICTURE:
        line += [f"-metadata:s:{plan.place}", f"{name}="]
    return line


def _container_options(plan: Plan) -> list[str]:
    place, last = plan.place, plan.times.ticks[-1] + shift(plan)
    if plan.kind == "gif":
        loops = -1 if plan.clip.kind == "gif" and plan.clip.loops is None else plan.clip.loops or 0
        return ["-loop", str(loops), "-final_delay", str(plan.times.last)]
    # An encoder would guess how long the last frame lasts.
    line = [f"-bsf:{place}", f"setts=pts=PTS:dts=DTS:duration=if(eq(PTS\\,{last})\\,{plan.times.last}\\,DURATION)"]
    if plan.kind == "avi":  # sound that starts before 0 would push the picture between its own frames
        line += ["-avoid_negative_ts", "disabled"]
    if plan.kind in ("mp4", "mov"):
        flags = "+faststart+use_metadata_tags" if plan.keeps_unusual_tags else "+faststart"
        line += ["-video_track_timescale", str(plan.times.base.denominator), "-movflags", flags]
        line += [f"-tag:{place}", "hvc1"] if plan.encoder.codec == "hevc" else []  # what Apple's players ask for
    return line
