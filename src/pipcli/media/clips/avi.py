"""When a stream of an AVI file begins: a number in its header that ffmpeg reads, but always writes as 0.

AVI has no times, only the order of its packets. A picture that starts late would get empty packets before it, which
some readers count as frames. (AVISTREAMHEADER of Microsoft's "AVI RIFF File Reference", `dwStart`.)
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

_SCALE_AT, _START_AT = 20, 28  # bytes from the beginning of a stream's header
_LONGEST_HEADER = 1 << 20

LATEST_START = 3600
"""Seconds: what begins later is taken for an error by ffmpeg's reader."""


def set_starts(path: Path, starts: dict[int, Fraction]) -> None:
    """Say when streams begin.

    Args:
        path: an AVI file, which is changed.
        starts: seconds, by the place of the stream in the file; rounded to the stream's own ticks.
    """
    with path.open("r+b") as file:
        head = file.read(_LONGEST_HEADER)
        at = -1
        for place in range(max(starts, default=-1) + 1):
            at = head.find(b"strh", at + 1)
            if at < 0:
                return
            scale, rate = struct.unpack_from("<II", head, at + 8 + _SCALE_AT)
            if place in starts and scale:
                file.seek(at + 8 + _START_AT)
                file.write(struct.pack("<I", round(starts[place] * rate / scale)))
