"""PNM (PBM, PGM, PPM; plain and raw) in, PGM and PPM out.

Read and written here because Pillow makes 8 bit of 16-bit colour; the format is a header and the samples.
"""

from __future__ import annotations

import re

import numpy as np

from pipcli.errors import UnusableInputError
from pipcli.media.photo import Photo, Samples
from pipcli.media.sources import check_size

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([1-6])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})")
_MAXVAL = re.compile(_GAP + rb"(\d{1,5})")
_NOT_SAMPLES = re.compile(rb"[^\s\d]|\d{6}")
_COMMENT = re.compile(rb"#[^\r\n]*")


def decode(data: bytes) -> Photo:
    """A PNM file's photo. Bitmaps become 8-bit grey; a maximum other than 255 or 65535 is scaled to the next of them.

    Raises:
        UnusableInputError: there are several pictures in the file, or it is too large.
        ValueError: it is cut off or damaged.
    """
    header = _HEADER.match(data[:4096])
    if header is None:
        raise ValueError("the header is damaged")
    variant, width, height = (int(group) for group in header.groups())
    check_size(width, height)
    at = header.end()
    most = 1
    if variant not in (1, 4):
        found = _MAXVAL.match(data[at : at + 4096])
        if found is None or not 1 <= int(found[1]) <= 65_535:
            raise ValueError("the maximum value is damaged")
        most, at = int(found[1]), at + found.end()
    shape = (height, width, 3 if variant in (3, 6) else 1)
    if variant == 4:
        samples = 1 - _bitmap(data, at + 1, width, height)
    elif variant > 4:
        samples = _raw(data, at + 1, shape, most)
    else:
        samples = _plain(data[at:], shape, most, digits=variant == 1)
        samples = 1 - samples if variant == 1 else samples  # a bitmap's 1 is black
    if samples.max() > most:
        raise ValueError("a sample exceeds the maximum value")
    return Photo(_scaled(samples, most), "PNM")


def encode(photo: Photo) -> bytes:
    """A raw PGM or PPM file, of 8 or 16 bits."""
    variant = 5 if photo.channels == 1 else 6
    header = f"P{variant}\n{photo.width} {photo.height}\n{2**photo.bit_depth - 1}\n".encode("ascii")
    return header + photo.samples.astype(photo.samples.dtype.newbyteorder(">")).tobytes()


def _raw(data: bytes, start: int, shape: tuple[int, int, int], most: int) -> Samples:
    kind = np.dtype(">u2" if most > 255 else "u1")
    count = shape[0] * shape[1] * shape[2]
    _check_single(data[start + count * kind.itemsize :])
    return np.frombuffer(data, kind, count, start).reshape(shape)


def _bitmap(data: bytes, start: int, width: int, height: int) -> Samples:
    stride = -(-width // 8)
    _check_single(data[start + stride * height :])
    rows = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)
    return np.unpackbits(rows, axis=1, count=width)[:, :, None]


def _plain(text: bytes, shape: tuple[int, int, int], most: int, *, digits: bool) -> Samples:
    count = shape[0] * shape[1] * shape[2]
    if len(text) < count:  # each sample takes a character at least
        raise ValueError("there are too few data for the size")
    text = _COMMENT.sub(b"", text)
    if digits:  # which may stand without spaces in between
        values = np.frombuffer(re.sub(rb"\s", b"", text), np.uint8) - ord("0")
    elif _NOT_SAMPLES.search(text):
        raise ValueError("there is something other than samples")
    else:
        values = np.fromstring(text, np.uint32, sep=" ")  # no count: short of it, numpy makes samples up
    if len(values) < count or values[:count].max() > most:
        raise ValueError("the samples are damaged")
    return values[:count].reshape(shape)


def _check_single(rest: bytes) -> None:
    if _HEADER.match(rest[:4096]):
        raise UnusableInputError("holds several pictures: give a file with one")


def _scaled(samples: Samples, most: int) -> Samples:
    full, kind = (255, np.uint8) if most <= 255 else (65_535, np.uint16)
    if most == full:
        return samples.astype(kind)
    scaled: Samples = np.rint(samples * (full / most)).astype(kind)
    return scaled
