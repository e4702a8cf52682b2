"""What a clip's file holds: its streams by ffmpeg's summary, and its frames and their times by decoding all of them.

A container's word for the number of frames, their rate or their length is not taken: containers are cut off, edited
and wrong. What is decoded here is what `read_frames` delivers later, frame by frame.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Chapter, Clip, Colour, FrameTimes, Stream, StreamType, assumed_matrix
from pipcli.media.clips.colours import MATRICES
from pipcli.media.clips.containers import CUT_OFF, READERS, Examined, examine
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat, Process
from pipcli.media.sources import check_size, shown

_STREAM = re.compile(
    r"  Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?: "
    r"(?P<type>Video|Audio|Subtitle|Data|Attachment): (?P<codec>\w+)(?P<rest>.*)"
)
_CONFIG = re.compile(
    r"\[Parsed_showinfo_\d+ @ \w+\] \[info\] config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)"
)
_FRAME = re.compile(
    r"\[Parsed_showinfo_\d+ @ \w+\] \[info\] n: *\d+ pts: *(?P<pts>-?\d+|NOPTS) "
    r".*?duration: *(?P<duration>-?\d+|NOPTS) .*?fmt:(?P<format>\w+) "
    r".*?sar:(?P<aspect>\d+/\d+) s:(?P<size>\d+x\d+) i:(?P<fields>\w)"
)
_TAGS = re.compile(
    r"\[Parsed_showinfo_\d+ @ \w+\] \[info\] color_range:(\w+) color_space:([\w-]+) color_primaries:([\w-]+) "
    r"color_trc:([\w-]+)"
)
_MEAN = re.compile(r"\[Parsed_showinfo_\d+ @ \w+\] \[info\] n: .* mean:\[([\d ]+)\] stdev:\[([\d. ]+)\]")
_PACKET = re.compile(r"(\d+), *-?\d+, *(-?\d+), *(\d+), *\d+, ")
_SECTION = re.compile(r"^\[(CHAPTER|STREAM)\]\n", re.MULTILINE)
_PAIR = re.compile(r"((?:[^=\\\n]|\\.)*)=((?:[^\\\n]|\\.)*)\n", re.DOTALL)
_OF_THE_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration")
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
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


def input_options(clip_kind: str, path: Path) -> list[str]:
    """How ffmpeg is told to read a file: as what it is, and nothing but this file."""
    reader = READERS[clip_kind]  # type: ignore[index]
    return ["-protocol_whitelist", "file,pipe", "-f", reader, "-i", ffmpeg.file_url(path)]


@dataclass
class _Summary:
    """ffmpeg's words about a file before it decodes anything."""

    picture: int
    decoder: tuple[str, ...]
    streams: tuple[Stream, ...]
    codec: str
    seconds: Fraction | None
    chapters: tuple[Chapter, ...]
    metadata: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass
class _Frames:
    """What came out of the decoder, line by line."""

    base: Fraction | None = None
    nominal_rate: Fraction | None = None
    ticks: list[int] = field(default_factory=list)
    last: int = 0
    pixel_format: str = ""
    size: tuple[int, int] = (0, 0)
    aspect: Fraction = Fraction(0)
    colour: Colour | None = None
    changed: bool = False
    timeless: bool = False
    interlaced: bool = False

    def listen(self, line: str) -> None:
        if found := _FRAME.match(line):
            self._take_frame(found)
        elif self.colour is None and (found := _TAGS.match(line)):
            self.colour = Colour(*(None if tag in ("unknown", "reserved") else tag for tag in found.groups()))
        elif self.base is None and (found := _CONFIG.match(line)):
            ticks, second, frames, duration = map(int, found.groups())
            self.base = Fraction(ticks, second)
            self.nominal_rate = Fraction(frames, duration) if frames and duration else None

    def _take_frame(self, found: re.Match[str]) -> None:
        width, height = map(int, found["size"].split("x"))
        if not self.ticks:
            self.pixel_format, self.size = found["format"], (width, height)
            numerator, denominator = map(int, found["aspect"].split("/"))
            self.aspect = Fraction(numerator, denominator) if numerator and denominator else Fraction(1)
        self.changed |= self.size != (width, height)
        self.timeless |= found["pts"] == "NOPTS"
        self.interlaced |= found["fields"] in "TB"
        self.last = 0 if found["duration"] == "NOPTS" else int(found["duration"])
        self.ticks.append(0 if found["pts"] == "NOPTS" else int(found["pts"]))


def frame_times(path: Path, kind: str, index: int, decoder: tuple[str, ...] = ()) -> FrameTimes:
    """The times of all frames that a stream decodes to.

    Raises:
        FfmpegFailure: it cannot be decoded.
        UnusableInputError: there are no frames, or they have no times.
    """
    frames, _, _, _ = _decoded(path, kind, index, decoder, ())
    return _times(frames, kind)


def aspect_of(path: Path, kind: str, index: int) -> Fraction:
    """The pixel aspect of a stream.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    frames, _, _, _ = _decoded(path, kind, index, (), ())
    return frames.aspect


def tags_of(path: Path, kind: str) -> tuple[tuple[str, str], ...]:
    """(name, text) of a file's own tags, as `Clip.metadata` has them.

    Raises:
        FfmpegFailure: it cannot be read.
    """
    text, _ = ffmpeg.output_of(["-v", "level+error", *input_options(kind, path), "-f", "ffmetadata", "-"])
    return _described(text)[1]


def _opened(path: Path, examined: Examined) -> Clip:
    summary = _summary(path, examined)
    copied = tuple(stream.index for stream in summary.streams if stream.type in ("audio", "subtitle"))
    frames, packets, end, errors = _decoded(path, examined.kind, summary.picture, summary.decoder, copied)
    if not frames.ticks and any("partial file" in line for line in errors):
        raise UnusableInputError(CUT_OFF)
    times = _times(frames, examined.kind)
    _check_whole(summary, examined, frames, packets, end, errors)
    layout = _layout(frames)
    colour = frames.colour or Colour()
    has_alpha = layout.has_alpha and not _opaque(path, examined.kind, summary, layout)
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
        colour=colour,
        index=summary.picture,
        decoder=summary.decoder,
        streams=summary.streams,
        chapters=summary.chapters,
        metadata=summary.metadata,
        loops=examined.loops,
        notes=(*summary.notes, *_notes(frames, layout, colour, errors)),
    )


def _summary(path: Path, examined: Examined) -> _Summary:
    lines: list[str] = []
    arguments = ["-v", "level+info", *input_options(examined.kind, path), "-f", "ffmetadata", "-"]
    with Process(arguments, listen=lines.append) as process:
        described = process.sink.read().decode("utf-8", "replace")
        failed = process.wait() != 0
        reason, errors = process.reason, process.errors
    lines = [line.replace("[info] ", "", 1) for line in lines]
    found = [match for line in lines if (match := _STREAM.match(line))]
    end = next((at for at, line in enumerate(lines) if line.startswith("Output #0")), len(lines))
    pictures = [match for match in found if match["type"] == "Video" and "(attached pic)" not in match["rest"]]
    if not found and failed:
        cut_off = any(re.search("moov atom not found|partial file|ended prematurely", line) for line in errors)
        raise UnusableInputError(CUT_OFF) if cut_off else FfmpegFailure(reason)
    if not pictures:
        raise UnusableInputError("has no moving picture, only other streams: give a clip with a video stream")
    picture = next((match for match in pictures if "(default)" in match["rest"]), pictures[0])
    if picture["codec"] == "none":
        raise UnusableInputError("has a picture in a coding that ffmpeg does not know: convert it first")
    others = [_stream(match) for match in found if match is not picture]
    duration = next((m for line in lines[:end] if (m := re.match(r"  Duration: (\d+):(\d+):([\d.]+),", line))), None)
    chapters, metadata = _described(described)
    return _Summary(
        picture=int(picture["index"]),
        decoder=_decoder(picture["codec"], lines, picture),
        streams=tuple(stream for stream in others if not _is_made_anew(stream, found)),
        codec=picture["codec"],
        seconds=int(duration[1]) * 3600 + int(duration[2]) * 60 + Fraction(duration[3]) if duration else None,
        chapters=chapters,
        metadata=metadata,
        notes=_stream_notes(pictures, picture),
    )


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
    start = lines.index(picture.string)
    tags = []
    for line in lines[start + 1 :]:
        if not line.startswith("    "):
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


def _decoded(
    path: Path, kind: str, index: int, decoder: tuple[str, ...], copied: tuple[int, ...]
) -> tuple[_Frames, int, Fraction, tuple[str, ...]]:
    """Decode a stream, and look at the packets of it and of others that are played along.

    Returns:
        The frames, the number of the stream's packets, the end in seconds of the latest packet, the lines of errors.
    """
    frames, packets = _Frames(), _Packets()
    arguments = ["-v", "level+info", "-nostats", "-copyts", *decoder, *input_options(kind, path)]
    arguments += ["-map", f"0:{index}", "-fps_mode", "passthrough", "-vf", "showinfo=checksum=0", "-f", "null", "-"]
    for stream in (index, *copied):
        arguments += ["-map", f"0:{stream}"]
    arguments += ["-c", "copy", "-f", "framecrc", "-"]
    with Process(arguments, listen=frames.listen) as process:
        for line in ffmpeg.lines_of(process):
            packets.take(line)
        if process.wait():
            raise FfmpegFailure(process.reason)
        return frames, packets.count[0], packets.end, process.errors


class _Packets:
    """The number of each stream's packets and the latest end, out of the lines of framecrc."""

    def __init__(self) -> None:
        self.count: Counter[int] = Counter()
        self.end = Fraction(0)
        self._base: dict[int, Fraction] = {}

    def take(self, line: str) -> None:
        if found := _PACKET.match(line):
            stream, start, duration = map(int, found.groups())
            self.count[stream] += 1
            self.end = max(self.end, (start + duration) * self._base[stream])
        elif found := re.match(r"#tb (\d+): (\d+/\d+)", line):
            self._base[int(found[1])] = Fraction(found[2])


def _times(frames: _Frames, kind: str) -> FrameTimes:
    if not frames.ticks:
        raise UnusableInputError("has no frames that can be decoded: get a fresh copy")
    assert frames.base is not None
    check_size(*frames.size)
    if frames.changed:
        raise UnusableInputError("changes the size of its picture on the way: cut it into clips of one size each")
    late = next((at for at, (a, b) in enumerate(pairwise(frames.ticks), 1) if b <= a), None)
    if frames.timeless or late is not None:
        raise UnusableInputError(f"gives frame {late or 0} no time of its own: convert it to another container first")
    rate = _constant_rate(frames, rounded=kind in ("mkv", "webm"))
    return FrameTimes(tuple(frames.ticks), frames.base, _last(frames, rate), rate)


def _constant_rate(frames: _Frames, *, rounded: bool) -> Fraction | None:
    """The nominal rate, if every frame stands where it says; MKV and WebM round times to milliseconds."""
    rate, base = frames.nominal_rate, frames.base
    if rate is None or base is None:
        return None
    step = 1 / (rate * base)
    first = frames.ticks[0]
    steady = all(abs(tick - first - index * step) <= rounded for index, tick in enumerate(frames.ticks))
    return rate if steady else None


def _last(frames: _Frames, rate: Fraction | None) -> int:
    if frames.last > 0:
        return frames.last
    if len(frames.ticks) > 1:
        return frames.ticks[-1] - frames.ticks[-2]
    assert frames.base is not None
    return max(1, round(1 / (rate * frames.base))) if rate else 1


def _check_whole(
    summary: _Summary, examined: Examined, frames: _Frames, packets: int, end: Fraction, errors: tuple[str, ...]
) -> None:
    assert frames.base is not None
    end = max(end, (frames.ticks[-1] + frames.last) * frames.base)
    if any("partial file" in line or "ended prematurely" in line for line in errors):
        raise UnusableInputError(CUT_OFF)
    if not examined.complete and summary.seconds is not None and end < summary.seconds - _TOLERANCE:
        raise UnusableInputError(f"ends after {float(end):.2f} of {float(summary.seconds):.2f} s: get a whole copy")
    if len(frames.ticks) < packets and errors:
        raise UnusableInputError(
            f"is damaged, {packets - len(frames.ticks)} of its {packets} frames cannot be decoded: get a fresh copy"
        )


def _layout(frames: _Frames) -> PixelFormat:
    layout = ffmpeg.pixel_formats().get(frames.pixel_format)
    if layout is None or layout.depth > 16:
        raise UnusableInputError(f"has samples of a kind that is not supported ({frames.pixel_format}): convert it")
    matrix = frames.colour.matrix if frames.colour else None
    if matrix is not None and matrix not in MATRICES and not layout.is_grey:
        raise UnusableInputError(f"has colours of a kind that is not supported ({matrix}): convert it to BT.709 first")
    return layout


def _opaque(path: Path, kind: str, summary: _Summary, layout: PixelFormat) -> bool:
    """Whether every frame's alpha is at its largest everywhere."""
    means: set[tuple[str, str]] = set()

    def listen(line: str) -> None:
        if found := _MEAN.match(line):
            means.add((found[1], found[2]))

    arguments = ["-v", "level+info", "-nostats", *summary.decoder, *input_options(kind, path)]
    arguments += ["-map", f"0:{summary.picture}", "-fps_mode", "passthrough", "-vf", "alphaextract,showinfo"]
    with Process([*arguments, "-f", "null", "-"], listen=listen) as process:
        if process.wait():
            raise FfmpegFailure(process.reason)
    return all(int(mean) == 2**layout.depth - 1 and float(spread) == 0 for mean, spread in means)


def _notes(frames: _Frames, layout: PixelFormat, colour: Colour, errors: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if errors:
        notes.append(
            f"the clip is damaged in places, where its decoder filled in what was missing ({shown(errors[0])})"
        )
    if frames.interlaced:
        notes.append("the clip is interlaced: its frames are restored as they are, both fields in one")
    if colour.matrix is None and not layout.is_rgb and not layout.is_grey:
        name = {"bt709": "BT.709", "smpte170m": "BT.601"}[assumed_matrix(frames.size[1])]
        notes.append(f"the clip does not say how its colours are coded: {name} is taken, as players do at its height")
    if colour.transfer in _HDR:
        notes.append(
            f"the clip is HDR ({_HDR[colour.transfer]}): its values are restored as they are, without tone mapping"
        )
    return tuple(notes)
