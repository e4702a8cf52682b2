"""The times of frames in the ticks that a container and an encoder can count."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from pipcli.errors import OutputRefusedError
from pipcli.media.clips.avi import LATEST_START
from pipcli.media.clips.clip import FrameTimes, Kind
from pipcli.media.clips.encoding import Encoder

_MOST_PLACES = 1000  # of AVI a frame, on average: each that no frame stands in is a packet
_LARGEST_SCALE = 2**31 - 1  # ticks a second that MP4 can count


def counted_times(times: FrameTimes, kind: Kind, encoder: Encoder) -> FrameTimes:
    """The times in ticks that the container and the encoder can count.

    Raises:
        OutputRefusedError: two frames would get the same time, or frames that vary in length one length.
    """
    if kind == "avi" or encoder.name == "mpeg4":
        counted = _in_frames(times, kind, encoder)
    elif kind == "gif":
        counted = _in_ticks(times, Fraction(1, 100))
    elif kind in ("mp4", "mov"):
        counted = _in_whole_parts(times)
    else:
        counted = times
    resolution = Fraction(1, 1000) if kind in ("mkv", "webm") else counted.base
    rounded = [round(tick * counted.base / resolution) for tick in counted.ticks]
    if any(b <= a for a, b in pairwise(rounded)):
        raise OutputRefusedError(f"{kind} cannot hold frames as short as those of this clip: choose .mp4 or .mov")
    return counted


def _in_frames(times: FrameTimes, kind: Kind, encoder: Encoder) -> FrameTimes:
    if kind == "avi" and times.ticks[0] * times.base >= LATEST_START:
        raise OutputRefusedError("avi cannot hold a picture that starts so late: choose .mkv or .mp4")
    if times.rate is not None:
        start = round(times.ticks[0] * times.base * times.rate)
        return FrameTimes(tuple(range(start, start + len(times.ticks))), 1 / times.rate, 1, times.rate)
    places = times.ticks[-1] - times.ticks[0]
    if times.base < Fraction(1, 240) or (kind == "avi" and places > _MOST_PLACES * len(times.ticks)):
        if kind == "avi":
            raise OutputRefusedError(
                "avi supports a constant frame rate only, and that of this clip varies: choose .mkv or .mp4"
            )
        raise OutputRefusedError(
            f"{encoder.name} supports a constant frame rate only, and that of this clip varies: choose another "
            "--codec, such as h264"
        )
    return times


def _in_ticks(times: FrameTimes, base: Fraction) -> FrameTimes:
    ticks = tuple(round(tick * times.base / base) for tick in times.ticks)
    end = round((times.ticks[-1] + times.last) * times.base / base)
    return FrameTimes(ticks, base, max(1, end - ticks[-1]), times.rate)


def _in_whole_parts(times: FrameTimes) -> FrameTimes:
    """Ticks of which a whole number make a second; an exact rate stays so even if its ticks were rounded."""
    if times.rate is not None and not _is_exact(times):
        base = Fraction(1, times.rate.numerator)
        start, step = round(times.ticks[0] * times.base / base), times.rate.denominator
        return FrameTimes(tuple(start + at * step for at in range(len(times.ticks))), base, step, times.rate)
    factor, base = times.base.numerator, Fraction(1, times.base.denominator)
    if base.denominator > _LARGEST_SCALE:
        return _in_ticks(times, Fraction(1, 10**9))
    return FrameTimes(tuple(tick * factor for tick in times.ticks), base, times.last * factor, times.rate)


def _is_exact(times: FrameTimes) -> bool:
    assert times.rate is not None
    first, step = times.ticks[0], 1 / (times.rate * times.base)
    return all(tick - first == at * step for at, tick in enumerate(times.ticks))
