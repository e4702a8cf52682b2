"""Small files whose damage, kind or greed does not show in their first bytes; `hostile` lists them with the others."""

import io
import re
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

from support.builders import PNG_SIGNATURE, jpeg_like_a_photo, pillow_file, png, png_chunk, png_of, samples, tiff_of

XMP_KEYWORD = b"XML:com.adobe.xmp\0"


def jpeg_of_half_a_scan(**options: object) -> bytes:
    """A JPEG of whose first scan the second half is missing; its end mark, and all further scans, are there."""
    data = jpeg_like_a_photo(**options)
    begin = data.index(b"\xff\xda") + 2
    end = next(mark.start() for mark in re.compile(rb"\xff[\xc4\xd9\xda]").finditer(data, begin))
    return data[: (begin + end) // 2].rstrip(b"\xff") + data[end:]


def jpeg_without_a_restart() -> bytes:
    """A JPEG with restart marks whose first run of data is short of most of it."""
    data = jpeg_like_a_photo(restart_marker_blocks=6)
    begin, restart = data.index(b"\xff\xda") + 14, data.index(b"\xff\xd0")
    return data[: begin + 4] + data[restart:]


def jpeg_with_surplus(count: int = 200) -> bytes:
    """A JPEG whose scan goes on after its picture, as one does that lost its place."""
    data = jpeg_like_a_photo()
    return data[:-2] + bytes(range(1, count + 1)) + data[-2:]


def png_of_four_colours() -> bytes:
    """A PNG of 2 bits a pixel with the colours of two of its four numbers; half of its 16 pixels want the others."""
    return png(4, 4, 2, 3, b"\0\x1b" * 4, chunks=((b"PLTE", bytes(range(6))),))


def png_of_many_colours() -> bytes:
    """A PNG of 8 bits a pixel, 16 pixels of the numbers 0 to 15, with 10 colours."""
    rows = b"".join(b"\0" + bytes(range(4 * y, 4 * y + 4)) for y in range(4))
    return png(4, 4, 8, 3, rows, chunks=((b"PLTE", bytes(range(30))),))


def bmp_of_few_colours() -> bytes:
    """A BMP of 8 bits a pixel, 16 pixels of the numbers 0 to 15, with 10 colours."""
    offset = 14 + 40 + 40
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 0, 16, 2835, 2835, 10, 0)
    return b"BM" + struct.pack("<IHHI", offset + 16, 0, 0, offset) + header + bytes(range(40)) + bytes(range(16))


def raw_photo(*, dng: bool) -> bytes:
    """A TIFF as cameras make it: a small preview, and the sensor's data below it; with or without the tag of DNG."""
    stream = io.BytesIO()
    version = [(50706, 1, 4, b"\1\4\0\0", True)] if dng else []
    with tifffile.TiffWriter(stream) as file:
        file.write(samples(4, 6, 3, "uint8"), photometric="rgb", subifds=1, metadata=None, extratags=version)
        sensor = samples(40, 60, 1, "uint16")[:, :, 0]
        file.write(sensor, photometric=32803, metadata=None, extratags=[(33421, 3, 2, (2, 2), True)])
    return stream.getvalue()


def preview_of_a_larger_tiff(*, below: bool) -> bytes:
    """A TIFF that begins with a reduced picture, the large one being below it or after it."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        small, large = samples(4, 6, 3, "uint8"), samples(40, 60, 3, "uint8")
        file.write(small, photometric="rgb", subfiletype=0 if below else 1, subifds=int(below), metadata=None)
        file.write(large, photometric="rgb", subfiletype=0, metadata=None)
    return stream.getvalue()


def pyramid() -> bytes:
    """A TIFF with smaller copies below its picture, as microscopes and maps have them."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        file.write(samples(40, 60, 3, "uint8"), photometric="rgb", subifds=1, metadata=None)
        file.write(samples(20, 30, 3, "uint8"), photometric="rgb", subfiletype=1, metadata=None)
    return stream.getvalue()


def apple_png() -> bytes:
    """A PNG as Xcode writes it."""
    data = png_of(samples(4, 4, 3, "uint8"))
    return PNG_SIGNATURE + png_chunk(b"CgBI", b"\x50\0\x20\6") + data[8:]


def tiff_with_resolution_as_float() -> bytes:
    """A TIFF whose resolution is of another type than the standard says; its picture is sound."""
    data = bytearray(tiff_of(samples(4, 4, 3, "uint8"), photometric="rgb", resolution=(72, 72)))
    struct.pack_into("<HIf", data, data.index(struct.pack("<HH", 282, 5)) + 2, 11, 1, 72.0)
    return bytes(data)


def tiff_of_short_strips() -> bytes:
    """A TIFF with a Deflate strip that holds half of the rows that it stands for."""
    data = bytearray(tiff_of(samples(64, 64, 1, "uint8")[:, :, 0], compression="zlib"))
    packed = zlib.compress(bytes(64 * 32))
    for tag, value in ((273, len(data)), (279, len(packed))):
        struct.pack_into("<HII", data, data.index(struct.pack("<H", tag), 8) + 2, 4, 1, value)
    return bytes(data) + packed


def png_with_metadata_bombs(kind: bytes, count: int) -> bytes:
    """A PNG with many chunks of a kind, each of which inflates to 15 MiB."""
    inflating = zlib.compress(bytes(15 << 20), 9)
    content = {b"iTXt": XMP_KEYWORD + b"\1\0\0\0", b"iCCP": b"p\0\0", b"zTXt": b"Comment\0\0"}[kind] + inflating
    return png_of(samples(4, 4, 3, "uint8"), *[(kind, content)] * count)


def tiff_with_shared_values(count: int, size: int) -> bytes:
    """A TIFF of which many tags claim the same bytes."""
    layout = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 0)]
    layout += [(277, 3, 1, 1), (278, 4, 1, 4), (279, 4, 1, 16)]
    entries = layout + [(5300 + index, 7, size, 0) for index in range(count)]
    end = 8 + 2 + 12 * len(entries) + 4
    packed = [
        struct.pack("<HHII", tag, kind, number, end if tag == 273 or tag >= 5300 else value)
        for tag, kind, number, value in entries
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(packed) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(size)


def nested_exif_block(entries: int, size: int) -> bytes:
    """An EXIF block with many EXIF directories, which are one, of many values, which share their bytes."""
    top_end = 8 + 2 + 12 * entries + 4
    top = struct.pack("<H", entries) + struct.pack("<HHII", 34665, 4, 1, top_end) * entries + bytes(4)
    below = struct.pack("<H", entries) + struct.pack("<HHII", 37510, 7, size, 0) * entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + top + below


def damaged_exif_block() -> bytes:
    """An EXIF block of which one value lies outside of it."""
    entries = struct.pack("<HHII", 271, 2, 200, 5000) + struct.pack("<HHIHH", 274, 3, 1, 1, 0)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + entries + bytes(4)


def jpeg_with_exif(block: bytes) -> bytes:
    """A JPEG that carries an EXIF block."""
    return jpeg_like_a_photo(exif=b"Exif\0\0" + block, dpi=(300, 300))


def jpeg_of_many_scans(side: int, count: int) -> bytes:
    """A progressive JPEG of black, whose last scan is there many times: each a pass for a few bytes."""
    stream = io.BytesIO()
    Image.new("L", (side, side)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    begin = data.rindex(b"\xff\xda")
    return data[:begin] + data[begin:-2] * count + data[-2:]


def webp_of_little_picture(metadata: int) -> bytes:
    """A WebP of 4x4 pixels with so many bytes of metadata."""
    return pillow_file(samples(4, 4, 3, "uint8"), "WEBP", lossless=True, xmp=bytes(metadata))


def sparse_chunk(size: int) -> bytes:
    """The beginning of a PNG whose first chunk claims so many bytes, and as many zeros."""
    return PNG_SIGNATURE + struct.pack(">I", size) + b"IHDR" + bytes(np.zeros(size, np.uint8))
