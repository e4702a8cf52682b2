"""Rotation of frames as the file says, after colour conversion.

ffmpeg would turn frames before that, which moves chroma against luma and makes chroma of 4:2:2 anew.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_ONE = 1 << 16
_TURNS: dict[tuple[int, ...], tuple[str, ...]] = {
    (1, 0, 0, 1): (),
    (-1, 0, 0, 1): ("hflip",),
    (1, 0, 0, -1): ("vflip",),
    (-1, 0, 0, -1): ("hflip", "vflip"),
    (0, 1, -1, 0): ("transpose=clock",),
    (0, -1, 1, 0): ("transpose=cclock",),
    (0, 1, 1, 0): ("transpose=cclock_flip",),
    (0, -1, -1, 0): ("transpose=clock_flip",),
}
"""ffmpeg's filters for a display matrix, by where (right, down) and how far its two columns point."""


def turning_of(frame: VideoFrame) -> tuple[str, ...]:
    """ffmpeg's filters that turn the frames of a stream upright, of one of which PyAV has decoded the samples.

    Returns:
        Nothing where they stand upright already, or are turned by no multiple of 90 degrees.
    """
    sides: Any = frame.side_data  # a mapping by its base class, but its iterator gives the values
    with contextlib.suppress(ValueError):  # a kind that PyAV has no name for
        for one in sides:
            if one.type.name == "DISPLAYMATRIX":
                right, down, _, right_of_down, down_of_down = struct.unpack_from("=5i", bytes(one))
                return _TURNS.get(tuple(round(part / _ONE) for part in (right, down, right_of_down, down_of_down)), ())
    return ()


def is_on_its_side(turning: tuple[str, ...]) -> bool:
    """Whether width and height change places."""
    return any(one.startswith("transpose") for one in turning)
