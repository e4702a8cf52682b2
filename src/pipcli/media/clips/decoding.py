"""All frames that a stream decodes to, and when each is shown; the pictures themselves are let go.

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

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Colour, FrameTimes, Kind
from pipcli.media.clips.colours import alpha_of
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat, Process
from pipcli.media.sources import check_size

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
_SIDE_DATA = re.compile(r"\[Parsed_showinfo_\d+ @ \w+\] \[info\]   side data - ([^:]+)")
_ROUNDED: tuple[Kind, ...] = ("mkv", "webm")  # these count milliseconds, whatever the rate


@dataclass
class Decoded:
    """What came out of the decoder.

    Args:
        base: seconds a tick lasts.
        nominal_rate: frames a second, as the container or the codec says; often only a guess.
        ticks: of each frame, in the order in which they came.
        last: for how many ticks the latest is shown, 0 if nothing says so.
        pixel_format: ffmpeg's name of the layout of samples.
        size: (width, height).
        aspect: width of a pixel divided by its height.
        colour: the tags; None if there were no frames.
        side_data: what else the decoder found beside the samples.
        changed: the size does not stay the same.
        timeless: some frame has no time.
        interlaced: some frame is of two fields.
        packets: of the stream.
        end: in seconds, of the latest packet of all streams that were looked at.
        errors: what the decoder complained about.
    """

    base: Fraction | None = None
    nominal_rate: Fraction | None = None
    ticks: list[int] = field(default_factory=list)
    last: int = 0
    pixel_format: str = ""
    size: tuple[int, int] = (0, 0)
    aspect: Fraction = Fraction(1)
    colour: Colour | None = None
    changed: bool = False
    timeless: bool = False
    interlaced: bool = False
    side_data: set[str] = field(default_factory=set)
    packets: int = 0
    end: Fraction = Fraction(0)
    errors: tuple[str, ...] = ()

    def listen(self, line: str) -> None:
        """Take in a line of what ffmpeg says on the way."""
        if found := _FRAME.match(line):
            self._take_frame(found)
        elif self.colour is None and (found := _TAGS.match(line)):
            self.colour = Colour(*(None if tag in ("unknown", "reserved") else tag for tag in found.groups()))
        elif found := _SIDE_DATA.match(line):
            self.side_data.add(found[1].strip())
        elif self.base is None and (found := _CONFIG.match(line)):
            ticks, second, frames, duration = map(int, found.groups())
            self.base = Fraction(ticks, second)
            self.nominal_rate = Fraction(frames, duration) if frames and duration else None

    def times(self, kind: Kind) -> FrameTimes:
        """The times of the frames in a container.

        Raises:
            UnusableInputError: there are none, or they cannot be those of one clip.
        """
        if not self.ticks:
            raise UnusableInputError("has no frames that can be decoded: get a fresh copy")
        check_size(*self.size)
        if self.changed:
            raise UnusableInputError("changes the size of its picture on the way: cut it into clips of one size each")
        late = next((at for at, (a, b) in enumerate(pairwise(self.ticks), 1) if b <= a), None)
        if self.base is None or self.timeless or late is not None:
            raise UnusableInputError(f"gives frame {late or 0} no time of its own: convert it to another container")
        rate = self._constant_rate(self.base, allowed=1 if kind in _ROUNDED else 0)
        return FrameTimes(tuple(self.ticks), self.base, self._last(self.base, rate), rate)

    def _constant_rate(self, base: Fraction, *, allowed: int) -> Fraction | None:
        """The nominal rate, if every frame stands where it says, up to so many ticks."""
        if self.nominal_rate is None:
            return None
        step, first = 1 / (self.nominal_rate * base), self.ticks[0]
        steady = all(abs(tick - first - index * step) <= allowed for index, tick in enumerate(self.ticks))
        return self.nominal_rate if steady else None

    def _last(self, base: Fraction, rate: Fraction | None) -> int:
        if self.last > 0:
            return self.last
        if len(self.ticks) > 1:
            return self.ticks[-1] - self.ticks[-2]
        return max(1, round(1 / (rate * base))) if rate else 1

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


def decoded(path: Path, kind: Kind, index: int, decoder: tuple[str, ...] = (), along: tuple[int, ...] = ()) -> Decoded:
    """Decode a stream to its end.

    Args:
        path: the file.
        kind: of container.
        index: of the stream.
        decoder: options that ffmpeg needs to decode all of it.
        along: further streams whose packets are looked at.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    frames, packets = Decoded(), _Packets()
    arguments = ["-v", "level+info", "-nostats", "-copyts", *decoder, *input_options(kind, path)]
    arguments += ["-map", f"0:{index}", "-fps_mode", "passthrough", "-vf", "showinfo=checksum=0", "-f", "null", "-"]
    for stream in (index, *along):
        arguments += ["-map", f"0:{stream}"]
    arguments += ["-c", "copy", "-f", "framecrc", "-"]
    with Process(arguments, listen=frames.listen) as process:
        for line in ffmpeg.lines_of(process):
            packets.take(line)
        if process.wait() and frames.ticks:
            raise FfmpegFailure(process.reason)
        frames.packets, frames.end, frames.errors = packets.count[0], packets.end, process.errors
    return frames


def is_opaque(path: Path, kind: Kind, index: int, decoder: tuple[str, ...], layout: PixelFormat) -> bool:
    """Whether the alpha of every frame of a stream is at its largest everywhere.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    means: set[tuple[str, str]] = set()

    def listen(line: str) -> None:
        if found := _MEAN.match(line):
            means.add((found[1], found[2]))

    arguments = ["-v", "level+info", "-nostats", *decoder, *input_options(kind, path)]
    arguments += ["-map", f"0:{index}", "-fps_mode", "passthrough", "-vf", ",".join([*alpha_of(layout), "showinfo"])]
    with Process([*arguments, "-f", "null", "-"], listen=listen) as process:
        if process.wait():
            raise FfmpegFailure(process.reason)
    return all(int(mean) == 2**layout.depth - 1 and float(spread) == 0 for mean, spread in means)


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
