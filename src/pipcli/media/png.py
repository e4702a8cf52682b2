"""PNG, 8 and 16 bit alike, through libpng (imagecodecs); its metadata chunks are read and written here.

Why not Pillow: it makes 8 bit of 16-bit colour without a word. Why not the ffmpeg binary, which is exact, too: this
needs no process and no pipe, and fails on damage instead of making up for it. Why the chunks here: imagecodecs
carries pixels only, and Pillow would accept a file whose end is missing. libpng sees a stream of nothing but sound
critical chunks, so that it has no cause to print warnings on the user's screen, which it would do past Python.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import imagecodecs

from pipcli.errors import UnusableInputError
from pipcli.media.exif import usable_dpi
from pipcli.media.photo import Photo, Samples, join_alpha, split_alpha
from pipcli.media.sources import check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"cICP", b"cHRM", b"gAMA", b"sRGB", b"mDCV", b"cLLI", b"tEXt", b"zTXt", b"iTXt")
_XMP = b"XML:com.adobe.xmp\0"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MAX_INFLATED = 16 << 20  # bytes of one compressed metadata chunk
_DEFLATE_MOST = 1032  # bytes that one byte of deflate data can become at most
_METRES_PER_INCH = 0.0254

Chunk = tuple[bytes, bytes]


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlace: int

    def raw_bytes(self) -> int:
        """How many bytes the pixel data inflate to: a filter byte and the packed samples for every row."""
        bits = self.depth * _CHANNELS[self.colour]
        total = 0
        for x, y, across, down in _ADAM7 if self.interlace else ((0, 0, 1, 1),):
            columns, rows = -(-(self.width - x) // across), -(-(self.height - y) // down)
            total += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
        return total


def decode(data: bytes) -> Photo:
    """A PNG file's photo, not yet turned upright.

    Raises:
        UnusableInputError: it is animated or too large.
        ValueError: it is cut off or damaged.
    """
    chunks = _chunks(data)
    header = _header(chunks)
    check_size(header.width, header.height)
    if any(kind == b"acTL" for kind, _ in chunks):
        raise UnusableInputError("is an animated PNG: give one still picture")
    samples, alpha = split_alpha(imagecodecs.png_decode(_bare(header, chunks)))
    first = dict(reversed(chunks))
    packets = [packet for kind, content in chunks if kind == b"iTXt" and (packet := _xmp(content)) is not None]
    kept = tuple(
        (kind, content) for kind, content in chunks if kind in _KEPT and not (packets and content.startswith(_XMP))
    )
    return Photo(
        samples,
        "PNG",
        alpha=alpha,
        icc_profile=_profile(first[b"iCCP"]) if b"iCCP" in first else None,
        exif=first.get(b"eXIf") or None,
        xmp=packets[0] if packets else None,
        dpi=_dpi(first.get(b"pHYs", b"")),
        png_chunks=kept,
    )


def encode(photo: Photo) -> bytes:
    """A PNG file, losslessly, with everything that the photo carries."""
    chunks = list(photo.png_chunks)
    if photo.icc_profile is not None:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(photo.icc_profile)))
    if photo.dpi is not None:
        x, y = (round(value / _METRES_PER_INCH) for value in photo.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if photo.exif is not None:
        chunks.append((b"eXIf", photo.exif))
    if photo.xmp is not None:
        chunks.append((b"iTXt", _XMP + b"\0\0\0\0" + photo.xmp))
    bare = encode_samples(join_alpha(photo.samples, photo.alpha))
    after_header = len(SIGNATURE) + 25
    return bare[:after_header] + b"".join(_packed(*chunk) for chunk in chunks) + bare[after_header:]


def encode_samples(array: Samples) -> bytes:
    """A bare PNG file of (H, W) or (H, W, 2..4) uint8 or uint16 samples."""
    import numpy as np

    return bytes(imagecodecs.png_encode(np.ascontiguousarray(array)))


def _packed(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _chunks(data: bytes) -> list[Chunk]:
    """All chunks up to the end mark, each with a sound checksum."""
    chunks: list[Chunk] = []
    at = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(content, zlib.crc32(kind)) != checksum:
            raise ValueError("a chunk's checksum is wrong")
        chunks.append((kind, content))
        at += length + 12
    return chunks


def _header(chunks: list[Chunk]) -> _Header:
    if chunks[0][0] != b"IHDR":
        raise ValueError("the header is missing")
    header = _Header(*struct.unpack(">IIBBBBB", chunks[0][1]))
    known = header.depth in _DEPTHS.get(header.colour, ())
    if not known or header.compression or header.filtering or header.interlace > 1:
        raise ValueError("the header is not one of PNG")
    return header


def _bare(header: _Header, chunks: list[Chunk]) -> bytes:
    """The same picture with nothing in it that libpng could stumble over."""
    body = _sound_stream(b"".join(content for kind, content in chunks if kind == b"IDAT"), header.raw_bytes())
    first = dict(reversed(chunks))
    bare = [chunks[0]]
    if header.colour == 3:
        palette = first[b"PLTE"]
        if len(palette) % 3 or not 1 <= len(palette) // 3 <= 2**header.depth:
            raise ValueError("the palette's length is wrong")
        bare.append((b"PLTE", palette))
        if 1 <= len(first.get(b"tRNS", b"")) <= len(palette) // 3:
            bare.append((b"tRNS", first[b"tRNS"]))
    elif len(first.get(b"tRNS", b"")) == {0: 2, 2: 6}.get(header.colour, -1):
        bare.append((b"tRNS", first[b"tRNS"]))
    return SIGNATURE + b"".join(_packed(*chunk) for chunk in [*bare, (b"IDAT", body), (b"IEND", b"")])


def _sound_stream(body: bytes, raw_bytes: int) -> bytes:
    """The compressed pixel data, once it is certain that they inflate to just what the header promises.

    It costs a second inflation, and saves an allocation of gigabytes for a file of a few bytes.
    """
    if len(body) * _DEFLATE_MOST < raw_bytes:
        raise ValueError("there are too few data for the size")
    inflater = zlib.decompressobj()
    step, found = 1 << 14, 0
    for at in range(0, len(body), step):
        found += len(inflater.decompress(body[at : at + step]))
        if inflater.eof or found > raw_bytes:
            body = body[: at + step]
            break
    if not inflater.eof or found != raw_bytes:
        raise ValueError("the data do not match the size")
    return body[: len(body) - len(inflater.unused_data)]


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(content, _MAX_INFLATED)
    if not inflater.eof:
        raise ValueError("a metadata chunk is damaged or too large")
    return inflated


def _profile(content: bytes) -> bytes:
    _, _, rest = content.partition(b"\0")
    return _inflated(rest[1:])


def _xmp(content: bytes) -> bytes | None:
    if not content.startswith(_XMP):
        return None
    compressed, rest = content[len(_XMP)], content[len(_XMP) + 2 :]
    packet = rest.split(b"\0", 2)[2]
    return _inflated(packet) if compressed else packet


def _dpi(content: bytes) -> tuple[float, float] | None:
    if len(content) != 9 or content[8] != 1:  # unit 0 states the pixels' shape only
        return None
    x, y = struct.unpack(">II", content[:8])
    return usable_dpi(x, y, per_inch=_METRES_PER_INCH)
