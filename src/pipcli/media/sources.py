"""Getting at a picture's bytes: only regular files, only pictures, only so many bytes, and never a hang."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from pipcli.errors import UnusableInputError
from pipcli.media.exif import MOST_METADATA
from pipcli.media.formats import sniff

MAX_PIXELS = 89_478_485
"""A picture has fewer pixels than this (Pillow's limit, too): beyond it a small file can claim all of the memory."""

MAX_FILE_BYTES = 768 << 20
"""Enough for the largest picture in 16-bit RGBA, uncompressed."""

_CHUNK = 1 << 20
_LARGEST_PNG_PIXEL = 9  # bytes: 16-bit RGBA that Deflate could not make smaller

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_REASONS = {
    errno.ENOENT: "does not exist: check the spelling",
    errno.ENOTDIR: "does not exist: a part of its path is a file, not a folder",
    errno.EACCES: "may not be read: ask for read permission, or copy it to where you have it",
    errno.EPERM: "may not be read: ask for read permission, or copy it to where you have it",
    errno.ENAMETOOLONG: "cannot exist, its name is too long: check the spelling",
}


def shown(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> str:
    """A file name as it can stand in a message: on one line, without control characters, whatever bytes it has."""
    return "".join(c if c.isprintable() else _escaped(c) for c in os.fsdecode(path))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def check_size(width: int, height: int) -> None:
    """Refuse a picture by the size it declares, before anything is allocated for it.

    Raises:
        UnusableInputError: there is no pixel, or there are too many.
    """
    if width < 1 or height < 1:
        raise UnusableInputError(f"has no pixels, its size is {width}x{height}: give a picture of at least 1x1")
    if width * height >= MAX_PIXELS:
        raise UnusableInputError(
            f"claims {width}x{height} pixels, the limit is {MAX_PIXELS:,}: scale it down or cut out a part"
        )


def missing_colours_note(pixels: int) -> str:
    """Tell that the palette of a picture is damaged."""
    return f"its palette lacks the colour of {pixels} pixel(s), which are taken for black: the file may be damaged"


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture file.

    Raises:
        UnusableInputError: it is missing, unreadable, no regular file, no picture, or too large.
    """
    name = shown(path)
    with regular_file(path, "one picture file", "the picture file") as (file, size):
        if size > MAX_FILE_BYTES:
            raise UnusableInputError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB: scale the picture down")
        return read_bounded(file, name)


@contextlib.contextmanager
def regular_file(path: str | os.PathLike[str], wanted: str, link_to: str) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file that is one, for reading, and give it with its size in bytes.

    Args:
        path: of the file.
        wanted: what to give in place of a folder, a pipe or a device.
        link_to: what to give in place of a link that leads back to itself.

    Raises:
        UnusableInputError: it is missing, no regular file, or cannot be opened or, within the context, read.
    """
    name = shown(path)
    try:
        _check_regular(os.stat(path), name, wanted)  # before opening: to open a pipe or a device does something
        # Non-blocking, for the case that a pipe has taken the file's place in between: no writer, no hang.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status, name, wanted)
            yield file, status.st_size
    except OSError as error:
        reasons = {**_REASONS, errno.ELOOP: f"is a symbolic link that leads back to itself: give {link_to}"}
        reason = reasons.get(error.errno or 0, f"cannot be read ({error.strerror}): give another file")
        raise UnusableInputError(f"{name} {reason}") from error
    except ValueError as error:  # a null character
        raise UnusableInputError(f"{name} is not a possible file name: check the spelling") from error


def read_bounded(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a stream, given up as soon as they cannot be a picture or are too many.

    Args:
        stream: open for reading in binary mode; need not be seekable.
        name: what to call it in messages, fit for one line.

    Raises:
        UnusableInputError: it is empty, holds no picture of a known format, or too many bytes.
    """
    data, largest = io.BytesIO(), MAX_FILE_BYTES
    while chunk := stream.read(_CHUNK):
        if not data.tell() and sniff(chunk, name) == "PNG":
            largest = _largest_png(chunk, name)
        data.write(chunk)
        if data.tell() > MAX_FILE_BYTES:
            raise UnusableInputError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB: scale the picture down")
        if data.tell() > largest:
            raise UnusableInputError(f"{name} holds more than {MOST_METADATA >> 20} MiB beside its picture: remove it")
    if not data.tell():
        raise UnusableInputError(f"{name} is empty: give a picture that opens in a viewer")
    return data.getvalue()


def _largest_png(beginning: bytes, name: str) -> int:
    """How many bytes a PNG can have by the size in its header, with as many metadata as are carried along.

    Raises:
        UnusableInputError: it does not begin with a header.
    """
    if beginning[12:16] == b"CgBI":  # which has a reason of its own
        return MAX_FILE_BYTES
    if len(beginning) < 24 or beginning[8:16] != b"\0\0\0\x0dIHDR":
        raise UnusableInputError(f"{name} is cut off or damaged and cannot be read as PNG: get a fresh copy")
    width, height = (int.from_bytes(beginning[at : at + 4], "big") for at in (16, 20))
    return min(MAX_FILE_BYTES, _LARGEST_PNG_PIXEL * width * height + MOST_METADATA)


def _check_regular(status: os.stat_result, name: str, wanted: str) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(status.st_mode):
            raise UnusableInputError(f"{name} is {kind}: give {wanted}")
