"""Decoding of photos: codec by the first bytes, picture upright, every refusal on one line."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from pipcli.errors import UnusableInputError
from pipcli.media import exif as exif_block
from pipcli.media import pixel_size
from pipcli.media.formats import sniff
from pipcli.media.photo import Photo
from pipcli.media.sources import read_bounded, read_file, shown

if TYPE_CHECKING:
    from pipcli.media.photo import Samples

_DAMAGED_EXIF = "its EXIF data are damaged and are not carried along"


def read_photo(path: str | os.PathLike[str]) -> Photo:
    """Read one still picture from a file.

    Raises:
        UnusableInputError: it is missing, unreadable, no picture, damaged, too large or of an unsupported kind.
    """
    return decode_photo(read_file(path), shown(path))


def read_stream(stream: BinaryIO, name: str = "standard input") -> Photo:
    """Read one still picture from a binary stream that may never end.

    Raises:
        UnusableInputError: as for `read_photo`.
    """
    try:
        data = read_bounded(stream, name)
    except OSError as error:
        raise UnusableInputError(f"{name} cannot be read ({error.strerror}): give a file") from error
    return decode_photo(data, name)


def decode_photo(data: bytes, name: str) -> Photo:
    """Decode one still picture.

    Args:
        data: the whole file.
        name: what to call it in messages, fit for one line.

    Raises:
        UnusableInputError: it is no picture, damaged, too large or of an unsupported kind.
    """
    file_format = sniff(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the codecs' remarks on the file are not for the user's screen
            return _decoded(data, file_format)
    except UnusableInputError as error:
        raise UnusableInputError(f"{name} {error}") from error
    except MemoryError as error:
        raise UnusableInputError(f"{name} does not fit into memory: scale it down or cut out a part") from error
    except Exception as error:
        # The one broad handler: on bytes that are not what they claim to be, the codecs raise whatever they happen
        # to trip over (struct.error, KeyError, zlib.error, SyntaxError, TiffFileError and many more).
        raise UnusableInputError(
            f"{name} is cut off or damaged and cannot be read as {file_format}: get a fresh copy"
        ) from error


def _decoded(data: bytes, file_format: str) -> Photo:
    if file_format == "TIFF":
        from pipcli.media import tiff

        photo, orientation = tiff.decode(data)
    else:
        photo, orientation = _decode_other(data, file_format), None
    return _upright(photo, orientation)


def _decode_other(data: bytes, file_format: str) -> Photo:
    if file_format == "PNG":
        from pipcli.media import png

        return png.decode(data)
    if file_format == "PNM":
        from pipcli.media import pnm

        return pnm.decode(data)
    from pipcli.media import pillow_formats

    decoders = {
        "JPEG": pillow_formats.decode_jpeg,
        "WebP": pillow_formats.decode_webp,
        "BMP": pillow_formats.decode_bmp,
    }
    return decoders[file_format](data)


def _upright(photo: Photo, orientation: int | None) -> Photo:
    """The photo turned as its orientation says, which then says 1. TIFF has its own, the others have it in EXIF."""
    block, notes = photo.exif, photo.notes
    if block is not None:
        try:
            orientation = exif_block.orientation(block) if orientation is None else orientation
            height, width = _turned_size(photo, orientation)
            block = exif_block.settled(block, height=height, width=width)
            if (orientation or 1) > 1:
                block, turned = pixel_size.without_place(block)
                notes += turned
        except ValueError:
            block, notes = None, (*notes, _DAMAGED_EXIF)
    orientation = orientation or 1
    return replace(
        photo,
        samples=_turned(photo.samples, orientation),
        alpha=None if photo.alpha is None else _turned(photo.alpha, orientation),
        exif=block,
        xmp=None if photo.xmp is None else exif_block.settled_xmp(photo.xmp),
        coding=None if photo.coding is None else photo.coding.turned(orientation, *_turned_size(photo, orientation)),
        dpi=photo.dpi[::-1] if photo.dpi is not None and orientation > 4 else photo.dpi,
        notes=notes,
    )


def _turned_size(photo: Photo, orientation: int) -> tuple[int, int]:
    return (photo.width, photo.height) if orientation > 4 else (photo.height, photo.width)


def _turned(array: Samples, orientation: int) -> Samples:
    """The array as it is to be looked at. EXIF names where row 0 and column 0 of the stored picture belong."""
    import numpy as np

    if orientation > 4:  # row 0 is at the left or the right
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)
