"""Summary of a clip's file: streams, packets, chapters, tags, and properties of the first frames.

PyAV reads all of it as data. Nothing is taken from what ffmpeg logs: a log has no quoting, so that a line break in a
tag could hide a stream or forge one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipcli.errors import UnusableInputError
from pipcli.media.clips.clip import Chapter, Kind, Stream, StreamType
from pipcli.media.clips.containers import READERS
from pipcli.media.clips.ffmpeg import FfmpegFailure
from pipcli.media.clips.looking import Look, look_at
from pipcli.media.sources import MAX_PIXELS, check_size, regular_file

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream as AvStream

_OF_THE_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration")
_TYPES = ("video", "audio", "subtitle", "data", "attachment")
_ROOM = 4
"""A decoded picture may have so many times the pixels that the container declares: codecs code in whole blocks."""

_LEAST_ROOM = 1 << 20  # pixels
_CHEAP_PIXELS, _PIXELS_A_BYTE = 2 << 30, 100_000
"""Pixels to decode that are always allowed, and from there on how many a byte of the file may stand for.

A still picture of 1920x1080 coded by x264 has some 30,000 a byte; 2 Gpixel take some five seconds to decode.
"""


@dataclass(frozen=True)
class Summary:
    """What a file says.

    Args:
        picture: the place of the picture's stream.
        decoder: options that ffmpeg needs to decode all of it, and no more.
        codec: of the picture.
        least_side: the shorter side of a frame in pixels; 0 if the file does not say.
        disposition: what the picture's stream is for, in ffmpeg's names.
        rate: frames a second, as the container or the codec says; often only a guess.
        slots: (place in units of the picture's clock) of each of its packets that is not empty, in coding order.
        streams: beside the picture.
        seconds: the length that the container claims; None if it claims none.
        end: in seconds, of the latest packet of picture, sound and subtitles.
        chapters: in order of time.
        metadata: (name, text) of the file as a whole.
        notes: sentences for the user.
        look: of the picture's first frames.
    """

    picture: int
    decoder: tuple[str, ...]
    codec: str
    least_side: int
    disposition: tuple[str, ...]
    rate: Fraction | None
    slots: tuple[int, ...]
    streams: tuple[Stream, ...]
    seconds: Fraction | None
    end: Fraction
    chapters: tuple[Chapter, ...]
    metadata: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    look: Look = field(default_factory=Look)


def summarised(path: Path, kind: Kind, index: int | None = None) -> Summary:
    """Read what a file says: its header, the places of all packets, and a few frames.

    Args:
        path: the file.
        kind: of container.
        index: the place of the picture's stream; by itself the one that players show is found.

    Raises:
        FfmpegFailure: it cannot be read.
        UnusableInputError: there is no moving picture in it, or one that would be too much to decode.
    """
    import av

    try:
        with regular_file(path, "a clip's file", "the clip") as (file, size):
            with _opened(file, kind) as container:
                summary = _summary(container, size, index)
            file.seek(0)
            with _opened(file, kind) as container:
                most, has_alpha = int(summary.decoder[-1]), "-c:v" in summary.decoder
                return replace(summary, look=look_at(container, summary.picture, most, has_alpha=has_alpha))
    except av.FFmpegError as error:
        raise FfmpegFailure(str(error.strerror or "it cannot be read")) from error


def first_packet(path: Path, kind: Kind, index: int) -> bytes:
    """The first packet of a stream, such as the whole of an attached picture; empty if there is none.

    Raises:
        FfmpegFailure: the file cannot be read.
    """
    import av

    try:
        with regular_file(path, "a clip's file", "the clip") as (file, _), _opened(file, kind) as container:
            return next((bytes(packet) for packet in container.demux(container.streams[index]) if packet.size), b"")
    except av.FFmpegError as error:
        raise FfmpegFailure(str(error.strerror or "it cannot be read")) from error


def _opened(file: Any, kind: Kind) -> InputContainer:
    """The file as what it is. PyAV gets the open file, not its name: it can open no other and reach no network."""
    import av

    # Options of the decoders that look for what the container does not say, too.
    options = {"max_pixels": str(MAX_PIXELS), "protocol_whitelist": "file"}
    opened = av.open(file, format=READERS[kind], options=options, metadata_errors="surrogateescape")
    return cast("InputContainer", opened)


def _summary(container: InputContainer, size: int, index: int | None) -> Summary:
    picture, notes = _picture(container, index)
    context = picture.codec_context
    if context is None:
        raise UnusableInputError("has a picture in a coding that ffmpeg does not know: convert it first")
    codec = context.codec.canonical_name
    width, height = context.width, context.height
    if width and height:
        check_size(width, height)  # before a decoder makes room for it
    most = min(MAX_PIXELS, max(_ROOM * width * height, _LEAST_ROOM)) if width and height else MAX_PIXELS
    slots, starts, end = _places(container, picture)
    if width * height * len(slots) > max(_CHEAP_PIXELS, _PIXELS_A_BYTE * size):
        raise UnusableInputError(
            f"is {len(slots)} frames of {width}x{height} in {size:,} bytes, which looks like a decompression bomb: "
            "give another clip"
        )
    return Summary(
        picture=picture.index,
        decoder=(*_decoder(codec, picture.metadata), "-max_pixels", str(most)),
        codec=codec,
        least_side=min(width, height),
        disposition=_dispositions(picture),
        rate=picture.guessed_rate or None,
        slots=slots,
        streams=tuple(
            _stream(one, starts.get(one.index))
            for one in container.streams
            if one is not picture and not _is_made_anew(one)
        ),
        seconds=None if container.duration is None else Fraction(container.duration, av_time_base()),
        end=end,
        chapters=tuple(_chapters(container)),
        metadata=tuple(
            (name, text) for name, text in container.metadata.items() if name.lower() not in _OF_THE_CONTAINER
        ),
        notes=notes,
    )


def av_time_base() -> int:
    """Units of a container's length in a second."""
    import av

    return int(av.time_base)


def _picture(container: InputContainer, index: int | None) -> tuple[Any, tuple[str, ...]]:
    """The stream of the moving picture that players show, and a sentence about the others."""
    pictures = [one for one in container.streams.video if not _is_cover(one)]
    if index is not None:
        pictures = [one for one in pictures if one.index == index]
    if not pictures:
        raise UnusableInputError("has no moving picture, only other streams: give a clip with a video stream")
    picture = next((one for one in pictures if "default" in _dispositions(one)), pictures[0])
    if len(pictures) == 1:
        return picture, ()
    rest = ", ".join(str(one.index) for one in pictures if one is not picture)
    return picture, (f"stream {picture.index} of {len(pictures)} pictures is the one restored; stream {rest} is not",)


def _is_cover(stream: AvStream) -> bool:
    return "attached_pic" in _dispositions(stream)


def _dispositions(stream: AvStream) -> tuple[str, ...]:
    return tuple(str(one.name) for one in type(stream.disposition) if one in stream.disposition)


def _stream(stream: AvStream, start: Fraction | None) -> Stream:
    context = stream.codec_context
    name = context.codec.canonical_name if context is not None else getattr(stream, "name", None)
    language = stream.metadata.get("language")
    return Stream(
        stream.index,
        cast(StreamType, stream.type if stream.type in _TYPES else "data"),
        name or "unknown",
        None if language in (None, "", "und") else language,
        _dispositions(stream),
        tuple(stream.metadata.items()),
        start,
    )


def _is_made_anew(stream: AvStream) -> bool:
    """Whether the writer makes this stream from what it is told of chapters and time code."""
    import av

    is_chapters = stream.discard == av.stream.Discard.all
    return stream.type == "data" and (is_chapters or "timecode" in stream.metadata)


def _decoder(codec: str, metadata: dict[str, str]) -> tuple[str, ...]:
    """VP8 and VP9 keep alpha beside the picture, where ffmpeg's own decoders do not look."""
    tags = {name.lower(): text for name, text in metadata.items()}
    if codec in ("vp8", "vp9") and tags.get("alpha_mode") == "1":
        return ("-c:v", {"vp8": "libvpx", "vp9": "libvpx-vp9"}[codec])
    return ()


def _chapters(container: InputContainer) -> Iterator[Chapter]:
    for one in container.chapters():
        if one["time_base"] is not None:
            start, end = one["start"] * one["time_base"], one["end"] * one["time_base"]
            yield Chapter(start, end, one["metadata"].get("title", ""))


def _places(container: InputContainer, picture: Any) -> tuple[tuple[int, ...], dict[int, Fraction], Fraction]:
    """Read all packets of picture, sound and subtitles, without decoding any.

    Returns:
        The places of the picture's packets, when each stream begins, and the latest end, in seconds.
    """
    import av

    slots: list[int] = []
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    wanted = [picture, *(one for one in container.streams if one.type in ("audio", "subtitle"))]
    with contextlib.suppress(av.FFmpegError):  # a file that ends too early is judged by what is decoded of it
        for packet in container.demux(wanted):
            index = packet.stream_index
            if packet.pts is not None and packet.size:
                starts.setdefault(index, packet.pts)
                ends[index] = max(ends.get(index, 0), packet.pts + (packet.duration or 0))
            if index == picture.index and packet.size and not packet.is_discard:
                place = packet.dts if packet.dts is not None else packet.pts
                slots.append(len(slots) if place is None else place)
    bases = {one.index: one.time_base or Fraction(0) for one in wanted}
    begun = {index: tick * bases[index] for index, tick in starts.items()}
    return tuple(slots), begun, max((tick * bases[index] for index, tick in ends.items()), default=Fraction(0))
