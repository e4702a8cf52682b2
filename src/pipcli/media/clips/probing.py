"""A clip's file, examined, summarised and decoded: all that `Clip` holds, or why it cannot be worked with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip, Colour, assumed_matrix
from pipcli.media.clips.colours import MATRICES
from pipcli.media.clips.containers import CUT_OFF, Examined, examine
from pipcli.media.clips.decoding import Decoded, decoded, is_opaque
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat
from pipcli.media.clips.summary import Summary, summarised
from pipcli.media.sources import shown

_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_LOST = (
    "Mastering display",
    "Content light",
    "HDR",
    "Dolby Vision",
    "A/53",
    "ATSC A53",
    "Stereo 3D",
    "Spherical",
    "AFD",
)
_TOLERANCE = Fraction(1, 20)  # seconds: what the end of a container's clock may differ from that of its streams


def open_clip(path: Path) -> Clip:
    """Learn all about a clip, which takes as long as decoding it once.

    Args:
        path: a file, or a folder of numbered pictures.

    Raises:
        UnusableInputError: it is missing, unreadable, no clip, cut off, damaged, without frames, too large or of an
            unsupported kind.
    """
    from pipcli.media.clips.folders import open_folder

    if path.is_dir():
        return open_folder(path)
    examined = examine(path)
    name = shown(path)
    try:
        return _opened(path, examined)
    except FfmpegFailure as error:
        raise UnusableInputError(f"{name} is damaged and cannot be read ({error}): get a fresh copy") from error
    except UnusableInputError as error:
        raise UnusableInputError(f"{name} {error}") from error


def _opened(path: Path, examined: Examined) -> Clip:
    summary = summarised(path, examined.kind)
    along = tuple(stream.index for stream in summary.streams if stream.type in ("audio", "subtitle"))
    frames = decoded(path, examined.kind, summary.picture, summary.decoder, along)
    if any("partial file" in line or "ended prematurely" in line for line in frames.errors):
        raise UnusableInputError(CUT_OFF)
    times = frames.times(examined.kind)
    _check_whole(summary, examined, frames)
    layout = _layout(frames)
    has_alpha = layout.has_alpha and not is_opaque(path, examined.kind, summary.picture, summary.decoder, layout)
    return Clip(
        path=path,
        kind=examined.kind,
        width=frames.size[0],
        height=frames.size[1],
        times=times,
        codec=summary.codec,
        pixel_format=layout.name,
        bit_depth=max(8, layout.depth),
        channels=1 if layout.is_grey else 3,
        has_alpha=has_alpha,
        pixel_aspect=frames.aspect,
        colour=frames.colour or Colour(),
        index=summary.picture,
        decoder=summary.decoder,
        streams=summary.streams,
        chapters=summary.chapters,
        metadata=summary.metadata,
        loops=examined.loops,
        notes=(*summary.notes, *_notes(frames, layout)),
    )


def _check_whole(summary: Summary, examined: Examined, frames: Decoded) -> None:
    if not examined.complete and summary.seconds is not None and frames.end < summary.seconds - _TOLERANCE:
        raise UnusableInputError(
            f"ends after {float(frames.end):.2f} of {float(summary.seconds):.2f} s: get a whole copy"
        )
    missing = frames.packets - len(frames.ticks)
    if missing > 0 and frames.errors:
        raise UnusableInputError(
            f"is damaged, {missing} of its {frames.packets} frames cannot be decoded: get a fresh copy"
        )


def _layout(frames: Decoded) -> PixelFormat:
    layout = ffmpeg.pixel_formats().get(frames.pixel_format)
    if layout is None or layout.depth > 16:
        raise UnusableInputError(f"has samples of a kind that is not supported ({frames.pixel_format}): convert it")
    matrix = frames.colour.matrix if frames.colour else None
    if matrix is not None and matrix not in MATRICES and not layout.is_grey:
        raise UnusableInputError(f"has colours of a kind that is not supported ({matrix}): convert it to BT.709 first")
    return layout


def _notes(frames: Decoded, layout: PixelFormat) -> tuple[str, ...]:
    notes, colour = [], frames.colour or Colour()
    if frames.errors:
        notes.append(f"the clip is damaged in places, which its decoder filled in ({shown(frames.errors[0])})")
    if frames.interlaced:
        notes.append("the clip is interlaced: its frames are restored as they are, both fields in one")
    if colour.matrix is None and not layout.is_rgb and not layout.is_grey:
        name = {"bt709": "BT.709", "smpte170m": "BT.601"}[assumed_matrix(frames.size[1])]
        notes.append(f"the clip does not say how its colours are coded: {name} is taken, as players do at its height")
    if colour.transfer in _HDR:
        kind = _HDR[colour.transfer]
        notes.append(f"the clip is HDR ({kind}): its values are restored as they are, without tone mapping")
    lost = sorted(name for name in frames.side_data if name.startswith(_LOST))
    if lost:
        notes.append(f"what is coded within the picture's stream is left out: {', '.join(lost)}")
    return tuple(notes)
