"""JPEG, WebP and BMP, through Pillow; what Pillow lets pass is checked here before it sees the file.

Pillow takes the last rows of a JPEG as complete when its end mark is missing, allocates a picture before it doubts
its size, and gives CMYK and animations to anyone who does not ask.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from pipcli.errors import UnusableInputError
from pipcli.jpeg_tables import BLOCK, BlockCoding, Plane
from pipcli.media import exif as exif_block
from pipcli.media import jpeg_scan
from pipcli.media.exif import MOST_METADATA, usable_dpi
from pipcli.media.photo import Photo, Samples, join_alpha, split_alpha
from pipcli.media.sources import check_size, missing_colours_note

_EXIF_PREFIX = b"Exif\0\0"
_LARGEST_PIXEL = 8  # bytes that a pixel of these formats takes at most, uncompressed, with room to spare
_FURTHER_PICTURES = "the file holds further pictures (a preview, a depth or gain map), which are not carried along"


def decode_jpeg(data: bytes) -> Photo:
    """A JPEG file's photo, not yet turned upright.

    Raises:
        UnusableInputError: it is CMYK, of more than 8 bits, or too large.
        ValueError, OSError: it is cut off or damaged.
    """
    layout = jpeg_scan.layout(data)
    check_size(layout.width, layout.height)
    _check_beside(data, layout.width, layout.height)
    jpeg_scan.check_scans(layout)
    if layout.depth != 8:
        raise UnusableInputError(
            f"is a {layout.depth}-bit JPEG, which is not supported: convert it to 16-bit PNG or TIFF"
        )
    if layout.components == 4:
        raise UnusableInputError("is a CMYK picture: convert it to RGB")
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        decoded = np.asarray(image)
        info, pictures = image.info, getattr(image, "n_frames", 1)
        coding = None if layout.lossless else _jpeg_coding(image)
    damage = jpeg_scan.damage(data, layout, decoded, _plain_jpeg)
    if damage == jpeg_scan.CUT_SHORT:
        raise UnusableInputError(f"is cut off or damaged, {damage}")
    block = _without_prefix(info.get("exif"))
    notes = (*((_FURTHER_PICTURES,) if pictures > 1 else ()), *((damage,) if damage else ()))
    return Photo(
        split_alpha(decoded)[0],
        "JPEG",
        icc_profile=info.get("icc_profile") or None,
        exif=block,
        xmp=info.get("xmp") or None,
        dpi=_jfif_dpi(info) or (_exif_dpi(block) if block else None),
        notes=notes,
        coding=coding,
    )


def decode_webp(data: bytes) -> Photo:
    """A WebP file's photo, not yet turned upright.

    Raises:
        UnusableInputError: it is animated or too large.
        ValueError, OSError: it is cut off or damaged.
    """
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise ValueError("the end is missing")
    check_size(*_webp_size(data))
    _check_beside(data, *_webp_size(data))
    if data[12:16] == b"VP8X" and data[20] & 2:
        raise UnusableInputError("is an animated WebP: give one still picture")
    with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
        samples, alpha = split_alpha(np.asarray(image))
        info = image.info
    block = _without_prefix(info.get("exif"))
    return Photo(
        samples,
        "WebP",
        alpha=alpha,
        icc_profile=info.get("icc_profile") or None,
        exif=block,
        xmp=info.get("xmp") or None,
        dpi=_exif_dpi(block) if block else None,
    )


def decode_bmp(data: bytes) -> Photo:
    """A BMP file's photo.

    Raises:
        UnusableInputError: it is too large.
        ValueError, OSError: it is cut off or damaged.
    """
    (header_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    check_size(width, abs(height))
    _check_beside(data, width, abs(height))
    with Image.open(io.BytesIO(data), formats=["BMP"]) as image:
        dpi = image.info.get("dpi", (0.0, 0.0))
        plain = {"1": "L", "P": "RGB"}.get(image.mode)
        missing = _without_colour(image) if image.mode == "P" else 0
        samples, alpha = split_alpha(np.asarray(image.convert(plain) if plain else image))
    notes = (missing_colours_note(missing),) if missing else ()
    return Photo(samples, "BMP", alpha=alpha, dpi=usable_dpi(*dpi), notes=notes)


def _without_colour(image: Image.Image) -> int:
    """How many pixels of a picture with a palette have a number for which there is no colour."""
    colours = len(image.getpalette("RGB") or ()) // 3
    return int((np.asarray(image) >= colours).sum())


def encode_jpeg(photo: Photo, *, quality: int = 95, subsampling: str = "4:4:4") -> bytes:
    """A JPEG file with all metadata; unless asked otherwise of high quality with full colour resolution."""
    return _saved(
        photo,
        "JPEG",
        quality=quality,
        subsampling=subsampling,
        icc_profile=photo.icc_profile,
        exif=_EXIF_PREFIX + photo.exif if photo.exif else b"",
        xmp=photo.xmp or b"",
        dpi=photo.dpi or (0, 0),
    )


def encode_webp(photo: Photo) -> bytes:
    """A lossless WebP file, the colour under transparent pixels included, and all metadata."""
    block = photo.exif if photo.dpi is None else exif_block.with_resolution(photo.exif, photo.dpi)
    return _saved(
        photo,
        "WEBP",
        lossless=True,
        exact=True,
        icc_profile=photo.icc_profile,
        exif=block or b"",
        xmp=photo.xmp or b"",
    )


def encode_bmp(photo: Photo) -> bytes:
    """An uncompressed BMP file, with the resolution."""
    return _saved(photo, "BMP", dpi=photo.dpi or (0, 0))


def _saved(photo: Photo, plugin: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(join_alpha(photo.samples, photo.alpha)).save(stream, plugin, **options)
    return stream.getvalue()


def _plain_jpeg(data: bytes) -> Samples:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)


def _check_beside(data: bytes, width: int, height: int) -> None:
    """Refuse a file of which most is no picture: Pillow copies it several times over."""
    if len(data) > _LARGEST_PIXEL * width * height + MOST_METADATA:
        raise UnusableInputError(f"holds more than {MOST_METADATA >> 20} MiB beside its picture: remove the metadata")


def _jpeg_coding(image: Any) -> BlockCoding | None:
    """How an opened JPEG was rounded; None where its colours are not luma and chroma."""
    names = tuple(component for component, *_ in image.layer)
    if names == tuple(b"RGB") or (len(names) == 3 and image.info.get("adobe_transform") == 0):
        return None
    finest = [max(layer[axis] for layer in image.layer) for axis in (2, 1)]  # rows, columns
    planes = []
    for _, across, down, table in image.layer:
        if finest[0] % down or finest[1] % across or table not in image.quantization:
            return None
        steps = image.quantization[table]
        rows = tuple(tuple(steps[start : start + BLOCK]) for start in range(0, BLOCK**2, BLOCK))
        planes.append(Plane(rows, (finest[0] // down, finest[1] // across)))
    return BlockCoding(tuple(planes))


def _webp_size(data: bytes) -> tuple[int, int]:
    """(width, height) as the first chunk of any of the three kinds of WebP declares it."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("there is no picture")


def _without_prefix(block: bytes | None) -> bytes | None:
    return (block or b"").removeprefix(_EXIF_PREFIX) or None


def _jfif_dpi(info: dict[Any, Any]) -> tuple[float, float] | None:
    per_inch = {1: 1.0, 2: 2.54}.get(info.get("jfif_unit", 0), 0.0)
    x, y = info.get("jfif_density", (0, 0))
    return usable_dpi(x, y, per_inch=per_inch)


def _exif_dpi(block: bytes) -> tuple[float, float] | None:
    try:
        return exif_block.resolution(block)
    except ValueError:  # a damaged block: what becomes of it is decided in one place, in `reading`
        return None
