"""Which frame of a clip is shown at the times of another one."""

from __future__ import annotations

from collections.abc import Iterator

from pipcli.media.clips.clip import FrameTimes


def shown_at(source: FrameTimes, times: FrameTimes) -> Iterator[int]:
    """The numbers of a source's frames that are shown when each frame of a restored clip begins; they never fall.

    Args:
        source: the times of the source's frames.
        times: of the restored frames; where there are as many, each is that of one frame, however they are counted.
    """
    if len(times.ticks) == len(source.ticks):
        yield from range(len(source.ticks))
        return
    number = 0
    for tick in times.ticks:
        while number + 1 < len(source.ticks) and source.ticks[number + 1] * source.base <= tick * times.base:
            number += 1
        yield number
