"""The structure of a JPEG file, and whether its scans hold the whole picture.

libjpeg makes up what a scan lacks, and skips what it has too much, with a warning that Pillow drops. Both can be told
from outside: bytes that are added behind a scan never reach the picture unless the scan ended too early, and the last
bytes of a scan always do, unless it lost its place before. This works for any entropy coding.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipcli.errors import UnusableInputError
from pipcli.media.photo import Samples

_MARK = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # a marker, but not a stuffed byte or a restart
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_HIERARCHICAL, _LOSSLESS = {*range(0xC5, 0xC8), *range(0xCD, 0xD0)}, {0xC3, 0xCB}
_END, _SCAN, _JPEG_LS = 0xD9, 0xDA, 0xF7
# Each scan is a pass over the picture, and a few bytes can ask for one. Ten are usual, of the largest pictures, too.
_MANY_SCANS, _MOST_SCANNED = 30, 1 << 28
_MOST_SCANS = 200
# Pixels times scans up to which a file is decoded a third time: a second on a slow processor.
_MOST_DOUBTED = 1 << 26
# What is put behind the scans: a byte of 255 would be a marker. One block can take a hundred bytes of it.
_FILL = bytes(random.Random(0).choices(range(255), k=128))
# What a sound scan never has too much, not even where an encoder fills it up, and is far from all of most scans.
_SURPLUS, _LONG_SCAN = 12, 96

CUT_SHORT = "its scan ends before its picture: get a fresh copy"
DISTURBED = "some of its picture data are damaged, and parts of the picture may be wrong"


@dataclass(frozen=True)
class Layout:
    """What a JPEG file says of itself.

    Attributes:
        depth: bits of a sample.
        height: in pixels.
        width: in pixels.
        components: 1 grey, 3 colour, 4 CMYK.
        scans: (begin, end) of the coded data of each scan, in bytes of the file.
        lossless: whether it is of the rare kind that rounds nothing.
    """

    depth: int
    height: int
    width: int
    components: int
    scans: tuple[tuple[int, int], ...]
    lossless: bool


def layout(data: bytes) -> Layout:
    """Walk through a JPEG file to its end mark.

    Raises:
        UnusableInputError: it is a JPEG of a kind that is not read.
        ValueError, struct.error: it is cut off or damaged.
    """
    frame, lossless, scans, at = b"", False, [], 2
    begin: int | None = None
    while mark := _MARK.search(data, at):
        code, at = mark[1][0], mark.end()
        if begin is not None:
            scans.append((begin, mark.start()))
            begin = None
        if code == _END:
            break
        if code == _JPEG_LS:
            raise UnusableInputError("is a JPEG-LS picture, which is not supported: convert it to PNG")
        if code in _FRAMES and not frame:
            frame = data[at + 2 : at + 8]
            lossless = code in _LOSSLESS
            if code in _HIERARCHICAL:
                raise UnusableInputError("is a hierarchical JPEG, which is not supported: convert it to PNG")
        (length,) = struct.unpack_from(">H", data, at)
        at += length
        if code == _SCAN:
            begin = at
        if len(scans) > _MOST_SCANS:
            raise ValueError("there are too many scans")
    if mark is None or not frame or not scans:
        raise ValueError("the end, the frame or the scan is missing")
    depth, height, width, components = struct.unpack(">BHHB", frame)
    return Layout(depth, height, width, components, tuple(scans), lossless)


def check_scans(found: Layout) -> None:
    """Refuse more passes over the picture than any camera or program asks for.

    Raises:
        ValueError: there are.
    """
    count = len(found.scans)
    if count > _MANY_SCANS and count * found.width * found.height > _MOST_SCANNED:
        raise ValueError("there are too many scans for the size")


def damage(data: bytes, found: Layout, samples: Samples, decode: Callable[[bytes], Samples]) -> str | None:
    """Tell what is wrong with the scans of a file that was decoded.

    Args:
        data: the file.
        found: its layout.
        samples: the picture that `decode` makes of it.
        decode: makes samples of a file.

    Returns:
        `CUT_SHORT`, `DISTURBED`, or None where the scans are sound.
    """
    import numpy as np

    if not np.array_equal(decode(_changed(data, found, lambda part: part + _FILL)), samples):
        return CUT_SHORT
    if len(found.scans) * found.width * found.height > _MOST_DOUBTED:
        return None
    shortened = _changed(data, found, _without_end)
    if shortened != data and np.array_equal(decode(shortened), samples):
        return DISTURBED
    return None


def _changed(data: bytes, found: Layout, change: Callable[[bytes], bytes]) -> bytes:
    """The file with another end of each run of coded data, which markers in a scan part into several."""
    pieces, at = [], 0
    for begin, end in found.scans:
        pieces.append(data[at:begin])
        pieces += [change(part) if is_data else part for part, is_data in _runs(data[begin:end])]
        at = end
    return b"".join([*pieces, data[at:]])


def _runs(scan: bytes) -> Iterator[tuple[bytes, bool]]:
    at = 0
    for restart in _RESTART.finditer(scan):
        yield scan[at : restart.start()], True
        yield restart[0], False
        at = restart.end()
    yield scan[at:], True


def _without_end(part: bytes) -> bytes:
    if len(part) < _LONG_SCAN:
        return part
    kept = part[:-_SURPLUS].rstrip(b"\xff")  # a byte of 255 would make a marker of what follows
    return kept + _FILL[: len(part) - len(kept)]
