"""Pictures and files made by hand, so that no test reads back only what the code under test wrote."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pipcli.media import Photo
from pipcli.media.exif import Field, packed_block

SIZES = [(1, 1), (1, 7), (7, 1), (13, 5)]
ICC = b"\0" * 16 + b"RGB " + bytes(range(108))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def samples(height: int, width: int, channels: int, dtype: str, *, seed: int = 0) -> NDArray[np.generic]:
    """Random (H, W, C) samples over the full range of the dtype."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random((height, width, channels), np.float32)
    array = rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)
    array.flat[0] = np.iinfo(dtype).max
    return array


def photo(height: int, width: int, channels: int, dtype: str, *, alpha: bool = False) -> Photo:
    """A photo without metadata."""
    plane = samples(height, width, 1, dtype, seed=1)[:, :, 0] if alpha else None
    return Photo(samples(height, width, channels, dtype), "PNG", alpha=plane)


def exif_block(height: int, width: int, *, orientation: int = 1, order: str = "<") -> bytes:
    """A block with text that is not ASCII, a maker's note, the size, GPS and an interoperability directory."""

    def short(value: int) -> bytes:
        return struct.pack(order + "H", value)

    return packed_block(
        [
            Field(271, 2, 5, b"Acm\xe9\0"),
            Field(274, 3, 1, short(orientation)),
            Field(
                34665,
                4,
                1,
                (
                    Field(36867, 2, 20, b"2020:01:01 10:00:00\0"),
                    Field(37500, 7, 9, b"MakerNote"),
                    Field(40962, 3, 1, short(width)),
                    Field(40963, 3, 1, short(height)),
                    Field(40965, 4, 1, (Field(1, 2, 4, b"R98\0"),)),
                ),
            ),
            Field(34853, 4, 1, (Field(0, 1, 4, b"\2\3\0\0"),)),
        ],
        order,
    )


def with_metadata(plain: Photo, **changes: object) -> Photo:
    """The photo with a profile, EXIF, XMP and a resolution that differs in x and y."""
    block = exif_block(plain.height, plain.width)
    full = replace(plain, icc_profile=ICC, exif=block, xmp=XMP.replace(b'"6"', b'"1"'), dpi=(300.0, 150.0))
    return replace(full, **changes)  # type: ignore[arg-type]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int,
    height: int,
    depth: int,
    colour: int,
    raw: bytes,
    *,
    chunks: tuple[tuple[bytes, bytes], ...] = (),
    interlace: int = 0,
) -> bytes:
    """A PNG file of these raw (filtered) rows, made with nothing but zlib."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(png_chunk(*part) for part in parts)


def png_of(array: NDArray[np.generic], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of (H, W, 1..4) uint8 or uint16 samples."""
    height, width, channels = array.shape
    rows = array.astype(array.dtype.newbyteorder(">")).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    return png(width, height, 8 * array.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels], raw, chunks=chunks)


def tiff_of(array: NDArray[np.generic], **options: object) -> bytes:
    """A TIFF file by tifffile, which is not what writes the metadata in the code under test."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, metadata=None, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def pillow_file(array: NDArray[np.generic], plugin: str, **options: object) -> bytes:
    """A file by Pillow."""
    stream = io.BytesIO()
    Image.fromarray(array.squeeze()).save(stream, plugin, **options)
    return stream.getvalue()


def jpeg_like_a_photo(height: int = 48, width: int = 64, **options: object) -> bytes:
    """A JPEG file with smooth content, whose decoder has something to work on."""
    y, x = np.mgrid[0:height, 0:width]
    array = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], axis=-1)
    return pillow_file(array.astype(np.uint8), "JPEG", quality=90, **options)
