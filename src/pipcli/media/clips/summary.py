"""What a clip's file says of itself: its streams, chapters and tags, in ffmpeg's summary of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

from pipcli.errors import UnusableInputError
from pipcli.media.clips.clip import Chapter, Kind, Stream, StreamType
from pipcli.media.clips.containers import CUT_OFF, input_options
from pipcli.media.clips.ffmpeg import FfmpegFailure, Process
from pipcli.media.sources import check_size

_STREAM = re.compile(
    r"(?P<margin>  (?:  )?)Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?: "
    r"(?P<type>Video|Audio|Subtitle|Data|Attachment): (?P<codec>\w+)(?P<rest>.*)"
)
_SECTION = re.compile(r"^\[(CHAPTER|STREAM)\]\n", re.MULTILINE)
_PAIR = re.compile(r"((?:[^=\\\n]|\\.)*)=((?:[^\\\n]|\\.)*)\n", re.DOTALL)
_OF_THE_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration")


@dataclass(frozen=True)
class Summary:
    """What ffmpeg says about a file before it decodes anything.

    Args:
        picture: the place of the picture's stream.
        decoder: options that ffmpeg needs to decode all of it.
        codec: of the picture.
        streams: beside the picture.
        seconds: the length that the container claims; None if it claims none.
        chapters: in order of time.
        metadata: (name, text) of the file as a whole.
        notes: sentences for the user.
    """

    picture: int
    decoder: tuple[str, ...]
    codec: str
    streams: tuple[Stream, ...]
    seconds: Fraction | None
    chapters: tuple[Chapter, ...]
    metadata: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def summarised(path: Path, kind: Kind) -> Summary:
    """Ask ffmpeg for its summary of a file.

    Raises:
        FfmpegFailure: it cannot read it.
        UnusableInputError: there is no moving picture in it, or the end of it is missing.
    """
    lines: list[str] = []
    arguments = ["-v", "level+info", *input_options(kind, path), "-f", "ffmetadata", "-"]
    with Process(arguments, listen=lines.append) as process:
        described = process.sink.read().decode("utf-8", "replace")
        failed = process.wait() != 0
        reason, errors = process.reason, process.errors
    lines = [line.replace("[info] ", "", 1) for line in lines]
    end = next((at for at, line in enumerate(lines) if line.startswith("Output #0")), len(lines))
    found = _streams(lines[:end])
    pictures = [match for match in found if match["type"] == "Video" and "(attached pic)" not in match["rest"]]
    if not found and failed:
        cut_off = any(re.search("moov atom not found|partial file|ended prematurely", line) for line in errors)
        raise UnusableInputError(CUT_OFF) if cut_off else FfmpegFailure(reason)
    if not pictures:
        raise UnusableInputError("has no moving picture, only other streams: give a clip with a video stream")
    picture = next((match for match in pictures if "(default)" in match["rest"]), pictures[0])
    if picture["codec"] == "none":
        raise UnusableInputError("has a picture in a coding that ffmpeg does not know: convert it first")
    if size := re.search(r", (\d+)x(\d+)[ ,]", picture["rest"]):
        check_size(int(size[1]), int(size[2]))  # before a decoder makes room for it
    others = [_stream(match) for match in found if match is not picture]
    duration = next((m for line in lines[:end] if (m := re.match(r"  Duration: (\d+):(\d+):([\d.]+),", line))), None)
    chapters, metadata = _described(described)
    return Summary(
        picture=int(picture["index"]),
        decoder=_decoder(picture["codec"], lines, picture),
        streams=tuple(stream for stream in others if not _is_made_anew(stream, found)),
        codec=picture["codec"],
        seconds=int(duration[1]) * 3600 + int(duration[2]) * 60 + Fraction(duration[3]) if duration else None,
        chapters=chapters,
        metadata=metadata,
        notes=_stream_notes(pictures, picture),
    )


def _streams(lines: list[str]) -> list[re.Match[str]]:
    """The lines that tell of streams; those of streams that belong together stand further to the right."""
    found: dict[str, re.Match[str]] = {}
    grouped = False
    for line in lines:
        match = _STREAM.match(line)
        if match and (grouped or len(match["margin"]) == 2):
            found.setdefault(match["index"], match)
        if line.startswith("  ") and line[2] != " ":
            grouped = line.startswith("  Stream group #0:")
    return sorted(found.values(), key=lambda match: int(match["index"]))


def _stream(match: re.Match[str]) -> Stream:
    language = match["language"]
    return Stream(
        int(match["index"]),
        cast(StreamType, match["type"].lower()),
        match["codec"],
        None if language in (None, "und") else language,
    )


def _is_made_anew(stream: Stream, found: list[re.Match[str]]) -> bool:
    """Whether the writer makes this stream from what it is told of chapters and time code."""
    rest = next(match["rest"] for match in found if int(match["index"]) == stream.index)
    return stream.type == "data" and re.search(r"\((tmcd|text) / ", rest) is not None


def _decoder(codec: str, lines: list[str], picture: re.Match[str]) -> tuple[str, ...]:
    """VP8 and VP9 keep alpha beside the picture, where ffmpeg's own decoders do not look."""
    tags = []
    for line in lines[lines.index(picture.string) + 1 :]:
        if not line.startswith(picture["margin"] + "  "):
            break
        tags.append(line.strip().lower())
    if codec in ("vp8", "vp9") and any(re.fullmatch(r"alpha_mode\s*: 1", tag) for tag in tags):
        return ("-c:v", {"vp8": "libvpx", "vp9": "libvpx-vp9"}[codec])
    return ()


def _stream_notes(pictures: list[re.Match[str]], picture: re.Match[str]) -> tuple[str, ...]:
    if len(pictures) == 1:
        return ()
    rest = ", ".join(match["index"] for match in pictures if match is not picture)
    return (f"stream {picture['index']} of {len(pictures)} pictures is the one restored; stream {rest} is not",)


def _described(text: str) -> tuple[tuple[Chapter, ...], tuple[tuple[str, str], ...]]:
    """The chapters and the file's own tags out of ffmpeg's metadata format, where = ; # \\ and newlines are escaped."""
    parts = _SECTION.split(text.partition("\n")[2])
    metadata = tuple(pair for pair in _pairs(parts[0]).items() if pair[0].lower() not in _OF_THE_CONTAINER)
    chapters = []
    for kind, body in zip(parts[1::2], parts[2::2], strict=True):
        if kind == "CHAPTER":
            pairs = _pairs(body)
            base = Fraction(pairs.get("TIMEBASE", "1/1000000000"))
            start, end = int(pairs["START"]) * base, int(pairs["END"]) * base
            chapters.append(Chapter(start, end, pairs.get("title", "")))
    return tuple(chapters), metadata


def _pairs(text: str) -> dict[str, str]:
    return {_unescaped(name): _unescaped(value) for name, value in _PAIR.findall(text)}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
