"""The list of all frames of a stream with their times, from one decoding pass.

A container's word for the number of frames, their rate or their length is not taken: containers are cut off, edited
and wrong. What is decoded here is what `read_frames` delivers later, frame by frame. The times come out of ffmpeg as
data ("framecrc": a line a frame), not out of its log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import FrameTimes, Kind
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import FfmpegFailure, Process
from pipcli.media.sources import check_size

_CUT_ROWS, _LEAST_SIDE = 2, 4
"""Rows that are left out of each frame, so that its bytes tell 64x48 from 48x64; none of the smallest frames."""

_FRAME = re.compile(r"0, *-?\d+, *(?P<pts>-?\d+), *(?P<duration>-?\d+), *(?P<bytes>\d+), ")
_HEADER = re.compile(r"#(tb|dimensions|sar) 0: (\d+)[/x](\d+)$")
_ROUNDED: tuple[Kind, ...] = ("mkv", "webm")  # these count milliseconds, whatever the rate
_MOST_ALIKE = 0.5
"""The share of frames that may have no time of their own: from there on a file says nothing about times."""


@dataclass
class Listed:
    """The frames of a stream.

    Args:
        base: seconds a tick lasts.
        size: (width, height), upright.
        aspect: width of a pixel divided by its height.
        ticks: of each frame, in the order in which they came.
        last: for how many ticks the latest is shown, 0 if nothing says so.
        changed: the size does not stay the same.
        errors: what the decoder complained about.
    """

    base: Fraction = Fraction(0)
    size: tuple[int, int] = (0, 0)
    aspect: Fraction = Fraction(1)
    ticks: list[int] = field(default_factory=list)
    last: int = 0
    changed: bool = False
    errors: tuple[str, ...] = ()
    _bytes: int = 0

    def take(self, line: str) -> None:
        """Take in a line of framecrc."""
        if found := _FRAME.match(line):
            self.ticks.append(int(found["pts"]))
            self.last = max(0, int(found["duration"]))
            self._bytes = self._bytes or int(found["bytes"])
            self.changed |= int(found["bytes"]) != self._bytes
        elif found := _HEADER.match(line):
            name, first, second = found[1], int(found[2]), int(found[3])
            if name == "tb":
                self.base = Fraction(first, second)
            elif name == "dimensions":
                self.size = (first, second)
            elif first and second:
                self.aspect = Fraction(first, second)


def listed(path: Path, kind: Kind, index: int, least_side: int, decoder: tuple[str, ...] = ()) -> Listed:
    """Decode a stream to its end, or up to where its size changes.

    Args:
        path: the file.
        kind: of container.
        index: of the stream.
        least_side: the shorter side of a frame, in pixels, as the container has it.
        decoder: options that ffmpeg needs to decode all of it.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    frames = Listed()
    arguments = ["-v", "level+error", "-nostats", "-copyts", *decoder, *input_options(kind, path)]
    arguments += ["-map", f"0:{index}", "-fps_mode", "passthrough", "-enc_time_base", "demux", "-noautoscale"]
    cut = _CUT_ROWS if least_side >= _LEAST_SIDE else 0
    arguments += ["-vf", f"crop=iw:ih-{cut}:0:0:exact=1"] if cut else []
    with Process([*arguments, "-c:v", "rawvideo", "-f", "framecrc", "-"]) as process:
        for line in ffmpeg.lines_of(process):
            frames.take(line)
            if frames.changed:
                return frames
        failed = process.wait() != 0
        frames.errors = process.errors
        frames.size = (frames.size[0], frames.size[1] + cut)
        frames.changed = any("exceeds specified max pixel count" in line for line in frames.errors)
        if failed and frames.ticks and not frames.changed:
            raise FfmpegFailure(process.reason)
    return frames


def times_of(frames: Listed, kind: Kind, rate: Fraction | None, slots: tuple[int, ...]) -> tuple[FrameTimes, int]:
    """The times of the frames in a container, and how many of them had none of their own.

    Args:
        frames: as they came.
        kind: of container.
        rate: frames a second, as the container or the codec says.
        slots: of the picture's packets, in coding order.

    Raises:
        UnusableInputError: there are none, or they cannot be those of one clip.
    """
    if frames.changed:
        raise UnusableInputError("changes the size of its picture on the way: cut it into clips of one size each")
    if not frames.ticks or not frames.base:
        raise UnusableInputError("has no frames that can be decoded: get a fresh copy")
    check_size(*frames.size)
    ticks = frames.ticks
    if kind == "avi" and len(slots) == len(ticks):
        # AVI has no times: the frames are shown in the places that its packets have, however they were coded.
        ticks = [slot - min(slots) + ticks[0] for slot in sorted(slots)]
    ticks, alike = _spread(ticks, frames.last)
    if alike > _MOST_ALIKE * len(ticks):
        raise UnusableInputError(
            f"gives {alike} of its {len(ticks)} frames the time of another frame: convert it again"
        )
    steady = _constant_rate(ticks, frames.base, rate, allowed=1 if kind in _ROUNDED else 0)
    return FrameTimes(tuple(ticks), frames.base, _last(ticks, frames, steady), steady), alike


def _spread(ticks: list[int], last: int) -> tuple[list[int], int]:
    """Times that rise: frames that share one, or go back, are shown one after the other until the next time.

    Where there is no room for them, they take it from the frames after them.
    """
    later, latest = [], ticks[0]
    for tick in ticks:
        latest = max(latest, tick)
        later.append(latest)
    steps = [b - a for a, b in pairwise(later) if b > a]
    if len(steps) == len(ticks) - 1:
        return ticks, 0
    usual = int(median(steps)) if steps else max(1, last)
    rising, start = list(later), 0
    while start < len(later):
        begin = max(later[start], rising[start - 1] + 1 if start else later[start])
        stop = start + 1
        while stop < len(later) and later[stop] - begin < stop - start:
            stop += 1
        room = later[stop] - begin if stop < len(later) else max(usual, 1) * (stop - start)
        if stop - start > 1:
            rising[start:stop] = [begin + room * place // (stop - start) for place in range(stop - start)]
        else:
            rising[start] = begin
        start = stop
    return rising, len(ticks) - 1 - len(steps)


def _constant_rate(ticks: list[int], base: Fraction, rate: Fraction | None, *, allowed: int) -> Fraction | None:
    """The rate, if every frame stands where it says, up to so many ticks."""
    if rate is None:
        return None
    step, first = 1 / (rate * base), ticks[0]
    steady = all(abs(tick - first - index * step) <= allowed for index, tick in enumerate(ticks))
    return rate if steady else None


def _last(ticks: list[int], frames: Listed, rate: Fraction | None) -> int:
    if frames.last > 0:
        return frames.last
    if len(ticks) > 1:
        return ticks[-1] - ticks[-2]
    return max(1, round(1 / (rate * frames.base))) if rate else 1
