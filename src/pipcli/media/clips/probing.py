"""Opening a clip: its file is examined, summarised and decoded once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip, FieldName, FrameTimes, assumed_matrix
from pipcli.media.clips.colours import MATRICES
from pipcli.media.clips.containers import CUT_OFF, Examined, examine
from pipcli.media.clips.decoding import first_field, is_opaque
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat
from pipcli.media.clips.listing import Listed, listed, times_of
from pipcli.media.clips.planes import STEPS
from pipcli.media.clips.siting import siting_of
from pipcli.media.clips.summary import Summary, summarised
from pipcli.media.clips.upright import is_on_its_side
from pipcli.media.sources import shown

_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_TOLERANCE = Fraction(1, 20)  # seconds: what the end of a container's clock may differ from that of its streams


def open_clip(path: Path, index: int | None = None) -> Clip:
    """Learn all about a clip, which takes as long as decoding it once.

    Args:
        path: a file, or a folder of numbered pictures.
        index: the place of the picture among the streams of a file; by itself the one that players show is found.

    Raises:
        UnusableInputError: it is missing, unreadable, no clip, cut off, damaged, without frames, too large or of an
            unsupported kind.
    """
    from pipcli.media.clips.folders import open_folder

    if path.is_dir():
        return open_folder(path)
    examined = examine(path)
    with _named(path):
        return _opened(path, examined, index)


def times_in(path: Path, index: int) -> FrameTimes:
    """The times of the frames of a stream in a file, as `open_clip` finds them, and no more.

    Raises:
        UnusableInputError: the file cannot be read.
    """
    examined = examine(path)
    with _named(path):
        return _timed(path, examined, index).times


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of what file a refusal is."""
    try:
        yield
    except FfmpegFailure as error:
        reason = f"{shown(path)} is damaged and cannot be read ({error}): get a fresh copy"
        raise UnusableInputError(reason) from error
    except UnusableInputError as error:
        raise UnusableInputError(f"{shown(path)} {error}") from error


class _Timed(NamedTuple):
    """What is known of a file when all its frames have been decoded once.

    Args:
        summary: what it says.
        decoder: options that ffmpeg needs to decode all of it.
        frames: as they came.
        times: of the frames.
        alike: how many of them had no time of their own.
    """

    summary: Summary
    decoder: tuple[str, ...]
    frames: Listed
    times: FrameTimes
    alike: int


def _timed(path: Path, examined: Examined, index: int | None) -> _Timed:
    summary = summarised(path, examined.kind, index)
    decoder = ("-noautorotate", *summary.decoder) if summary.look.turning else summary.decoder
    frames = listed(path, examined.kind, summary.picture, summary.least_side, decoder)
    if any("partial file" in line or "ended prematurely" in line for line in frames.errors):
        raise UnusableInputError(CUT_OFF)
    times, alike = times_of(frames, examined.kind, summary.rate, summary.slots)
    _check_whole(summary, examined, frames)
    return _Timed(summary, decoder, frames, times, alike)


def _opened(path: Path, examined: Examined, index: int | None) -> Clip:
    summary, decoder, frames, times, alike = _timed(path, examined, index)
    look = summary.look
    layout = _layout(summary)
    where = (path, examined.kind, summary.picture, decoder)
    colour = replace(look.colour, siting=siting_of(*where) if layout.subsampling in STEPS else None)
    on_its_side = is_on_its_side(look.turning)
    width, height = frames.size[::-1] if on_its_side else frames.size
    return Clip(
        path=path,
        kind=examined.kind,
        width=width,
        height=height,
        times=times,
        codec=summary.codec,
        pixel_format=layout.name,
        bit_depth=max(8, layout.depth),
        channels=1 if layout.is_grey else 3,
        has_alpha=layout.has_alpha and not is_opaque(*where, layout),
        pixel_aspect=1 / frames.aspect if on_its_side else frames.aspect,
        colour=replace(colour, range="pc", matrix="gbr") if layout.is_rgb else colour,
        coded_size=frames.size if look.turning else None,
        turning=look.turning,
        index=summary.picture,
        decoder=decoder,
        disposition=summary.disposition,
        first_field=_first_field(summary, first_field(*where), frames.size[1]) if look.interlaced else None,
        streams=summary.streams,
        chapters=summary.chapters,
        metadata=summary.metadata,
        loops=examined.loops,
        notes=(*summary.notes, *_notes(frames, summary, layout, alike)),
    )


def _first_field(summary: Summary, coded: FieldName, lines: int) -> FieldName:
    """Return the field that is shown first of upright frames: upside down, the lines of the fields change places."""
    if "vflip" not in summary.look.turning or lines % 2:
        return coded
    return "bottom" if coded == "top" else "top"


def _check_whole(summary: Summary, examined: Examined, frames: Listed) -> None:
    if not examined.complete and summary.seconds is not None and summary.end < summary.seconds - _TOLERANCE:
        raise UnusableInputError(
            f"ends after {float(summary.end):.2f} of {float(summary.seconds):.2f} s: get a whole copy"
        )
    missing = len(summary.slots) - len(frames.ticks)
    if missing > 0 and frames.errors:
        raise UnusableInputError(
            f"is damaged, {missing} of its {len(summary.slots)} frames cannot be decoded: get a fresh copy"
        )


def _layout(summary: Summary) -> PixelFormat:
    name = summary.look.pixel_format
    layout = ffmpeg.pixel_formats().get(name)
    if layout is None or layout.depth > 16:
        raise UnusableInputError(f"has samples of a kind that is not supported ({name or 'unknown'}): convert it")
    matrix = summary.look.colour.matrix
    if matrix is not None and matrix not in MATRICES and not layout.is_grey:
        raise UnusableInputError(f"has colours of a kind that is not supported ({matrix}): convert it to BT.709 first")
    return layout


def _notes(frames: Listed, summary: Summary, layout: PixelFormat, alike: int) -> tuple[str, ...]:
    notes, colour = [], summary.look.colour
    if frames.errors:
        notes.append(f"the clip is damaged in places, which its decoder filled in ({shown(frames.errors[0])})")
    if alike:
        notes.append(
            f"{alike} of {len(frames.ticks)} frames have no time of their own: they are shown between those around them"
        )
    if colour.matrix is None and not layout.is_rgb and not layout.is_grey:
        name = {"bt709": "BT.709", "smpte170m": "BT.601"}[assumed_matrix(frames.size[1])]
        notes.append(f"the clip does not say how its colours are coded: {name} is taken, as players do at its height")
    if colour.transfer in _HDR:
        kind = _HDR[colour.transfer]
        notes.append(f"the clip is HDR ({kind}): its values are restored as they are, without tone mapping")
    if summary.look.side_data:
        notes.append(f"what is coded within the picture's stream is left out: {', '.join(summary.look.side_data)}")
    return tuple(notes)
