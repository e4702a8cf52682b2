"""The containers: recognised by their first bytes, whole or cut off, and named by a suffix."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media.clips.clip import Kind
from pipcli.media.clips.ffmpeg import file_url
from pipcli.media.sources import regular_file, shown

READABLE = "MP4, MOV, MKV, WebM, AVI, GIF and folders of numbered pictures"
CUT_OFF = "is cut off, its end is missing: get a whole copy"

SUFFIXES: dict[str, Kind] = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "mkv",
    ".webm": "webm",
    ".avi": "avi",
    ".gif": "gif",
    "": "folder",
}
READERS: dict[Kind, str] = {
    "mp4": "mov",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "gif": "gif",
}
"""What ffmpeg calls the reader of a kind. It is always named, since others follow what a file says to other files."""

WRITERS: dict[Kind, str] = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "avi": "avi",
    "gif": "gif",
}

_FIRST_BYTES = 4096
_OTHERS: dict[str, tuple[tuple[tuple[int, bytes], ...], ...]] = {
    "an MPEG transport stream": (((0, b"G"), (188, b"G"), (376, b"G")), ((4, b"G"), (196, b"G"), (388, b"G"))),
    "an MPEG program stream": (((0, b"\0\0\x01\xba"),),),
    "MPEG video without a container": (((0, b"\0\0\x01\xb3"),),),
    "Windows Media": (((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),),),
    "Flash video": (((0, b"FLV\x01"),),),
    "Ogg": (((0, b"OggS"),),),
    "DV without a container": (((0, b"\x1f\x07\0"),),),
}
"""Clips of kinds that are not read, by marks at places of their first bytes; any row of marks will do."""
_BOX_TYPES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof")
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067


class Examined(NamedTuple):
    """What the bytes of a file say before anything of it is decoded.

    Args:
        kind: of container.
        complete: the container says how long it is, and it is so long. Where it does not say, only its frames can tell.
        loops: of a GIF, how often it is played, 0 for ever; None if it does not say.
    """

    kind: Kind
    complete: bool
    loops: int | None = None


def examine(path: Path) -> Examined:
    """Recognise a file and see whether all of it is there.

    Raises:
        UnusableInputError: it cannot be read, is no clip, or is cut off.
    """
    name = shown(path)
    try:
        with regular_file(path, "a clip's file", "the clip") as (file, size):
            if size == 0:
                raise UnusableInputError(f"{name} is empty: give a clip that opens in a player")
            return _examined(file, size, name)
    except _CutOff as error:
        raise UnusableInputError(f"{name} {CUT_OFF}") from error


def is_clip(path: Path) -> bool:
    """Whether a path means a clip: a folder, or a file whose suffix is of a clip."""
    return path.suffix.lower() in SUFFIXES.keys() - {""} or path.is_dir()


def suffix_for(path: Path) -> str:
    """The suffix that the result of a clip's file gets by itself: its own if it names a clip, else its container's.

    Raises:
        UnusableInputError: it cannot be read, is no clip, or is cut off.
    """
    if path.suffix.lower() in SUFFIXES.keys() - {""}:
        return path.suffix
    return f".{examine(path).kind}"


def kind_for(path: Path) -> Kind:
    """The container that a file name asks for by its suffix; without one, a folder of pictures.

    Raises:
        OutputRefusedError: the suffix names none; the message lists those that do.
    """
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(filter(None, SUFFIXES))
        raise OutputRefusedError(
            f"the output's suffix must name a clip that is written ({known}, none for a folder of pictures), "
            f"not {ascii(suffix)[1:-1]}"
        )
    return SUFFIXES[suffix]


def input_options(kind: Kind, path: Path) -> list[str]:
    """How ffmpeg is told to read a file: as what it is, and nothing but this file."""
    return ["-protocol_whitelist", "file,pipe", "-f", READERS[kind], "-i", file_url(path)]


class _CutOff(Exception):
    """Bytes that the container counts on are not there."""


def _examined(file: BinaryIO, size: int, name: str) -> Examined:
    start = file.read(_FIRST_BYTES)
    if start[4:8] in _BOX_TYPES:
        kind: Kind = "mov" if start[4:8] != b"ftyp" or start[8:12] == b"qt  " else "mp4"
        return Examined(kind, _boxes_are_whole(file, size))
    if start[:4] == b"\x1aE\xdf\xa3":
        kind = "webm" if re.search(rb"\x42\x82.{1,8}?webm", start[:128], re.DOTALL) else "mkv"
        return Examined(kind, _segment_is_whole(file, size))
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return Examined("avi", _chunks_are_whole(file, size))
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return Examined("gif", True, _gif_loops(file))
    for name_of_kind, marks in _OTHERS.items():
        if any(all(start[at : at + len(mark)] == mark for at, mark in places) for places in marks):
            raise UnusableInputError(
                f"{name} is a file of {name_of_kind}, which is not read: copy its streams into a .mkv, as "
                "ffmpeg -i IN -map 0 -c copy OUT.mkv does"
            )
    raise UnusableInputError(f"{name} is not a clip of a known kind: {READABLE} are read")


def _boxes_are_whole(file: BinaryIO, size: int) -> bool:
    """Walk the boxes of MP4 and MOV; False where fragments follow each other without a number of them."""
    types, at = [], 0
    while at + 8 <= size:
        length, kind = struct.unpack(">I4s", _bytes_at(file, at, 8))
        if length == 1:
            (length,) = struct.unpack(">Q", _bytes_at(file, at + 8, 8))
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size:
            raise _CutOff
        types.append(kind)
        at += length
    if b"moov" not in types:
        raise _CutOff
    return b"moof" not in types and b"mdat" in types


def _segment_is_whole(file: BinaryIO, size: int) -> bool:
    """Read the length of the one segment of MKV and WebM; False where it was written without knowing it."""
    at = 0
    while at < size:
        identifier, at = _ebml_number(file, at, keep_marker=True)
        length, at = _ebml_number(file, at, keep_marker=False)
        if identifier == _SEGMENT:
            if length is None:
                return False
            if at + length > size:
                raise _CutOff
            return True
        at += length or 0
    raise _CutOff


def _ebml_number(file: BinaryIO, at: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """A number of variable length, None where all its bits are set, and the place behind it."""
    first = _bytes_at(file, at, 1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise _CutOff
    number = int.from_bytes(_bytes_at(file, at, length), "big")
    largest = (1 << 7 * length) - 1
    if keep_marker:
        return number, at + length
    number &= largest
    return (None if number == largest else number), at + length


def _chunks_are_whole(file: BinaryIO, size: int) -> bool:
    at = 0
    while at + 12 <= size:
        marker, length = struct.unpack("<4sI", _bytes_at(file, at, 8))
        if marker != b"RIFF":
            break
        if length == 0:  # its writer did not come to its end
            raise _CutOff
        at += 8 + length
        if at > size:
            raise _CutOff
        at += length % 2
    return True


def _gif_loops(file: BinaryIO) -> int | None:
    """Walk a GIF to its end; how often it says it is played."""
    loops = None
    file.seek(10)
    (flags,) = _exactly(file, 3)[:1]
    _exactly(file, _colours(flags))
    while (introducer := _exactly(file, 1)) != b";":
        if introducer == b"!":
            label = _exactly(file, 1)
            blocks = list(_sub_blocks(file, keep=label == b"\xff"))
            if len(blocks) > 1 and blocks[0] == b"NETSCAPE2.0" and len(blocks[1]) == 3:
                loops = int.from_bytes(blocks[1][1:], "little")
        elif introducer == b",":
            _exactly(file, _colours(_exactly(file, 9)[8]) + 1)
            list(_sub_blocks(file, keep=False))
        else:
            raise _CutOff
    return loops


def _colours(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _sub_blocks(file: BinaryIO, *, keep: bool) -> Iterator[bytes]:
    while length := _exactly(file, 1)[0]:
        block = _exactly(file, length)
        if keep:
            yield block


def _bytes_at(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return _exactly(file, count)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _CutOff
    return data
