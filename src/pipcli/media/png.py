"""PNG, 8 and 16 bit alike, through libpng (imagecodecs); its metadata chunks are read and written here.

Why not Pillow: it makes 8 bit of 16-bit colour without a word. Why not the ffmpeg binary, which is exact, too: this
needs no process and no pipe, and fails on damage instead of making up for it. Why the chunks here: imagecodecs
carries pixels only, and Pillow would accept a file whose end is missing. libpng sees a stream of nothing but sound
critical chunks, so that it has no cause to print warnings on the user's screen, which it would do past Python.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

import imagecodecs

from pipcli.errors import UnusableInputError
from pipcli.media.exif import MOST_METADATA, usable_dpi
from pipcli.media.photo import Photo, Samples, join_alpha, split_alpha
from pipcli.media.sources import check_size, missing_colours_note

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"cICP", b"cHRM", b"gAMA", b"sRGB", b"mDCV", b"cLLI", b"tEXt", b"zTXt", b"iTXt", b"sCAL")
_XMP = b"XML:com.adobe.xmp\0"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MAX_INFLATED = 16 << 20  # bytes of one compressed metadata chunk; of each kind one is read
_APPLE_ONLY = b"CgBI"
_MOST_CHUNKS = 1 << 18  # the largest picture in pieces of 4 KiB; each costs memory beyond its bytes
_DEFLATE_MOST = 1032  # bytes that one byte of deflate data can become at most
_METRES_PER_INCH = 0.0254

Chunk = tuple[bytes, bytes | memoryview]


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
    bare, notes = _bare(header, chunks)
    samples, alpha = split_alpha(imagecodecs.png_decode(bare))
    first = dict(reversed(chunks))
    carried = _Carried(chunks)
    return Photo(
        samples,
        "PNG",
        alpha=alpha,
        icc_profile=carried.profile,
        exif=bytes(first.get(b"eXIf", b"")) or None,
        xmp=carried.xmp,
        dpi=_dpi(bytes(first.get(b"pHYs", b""))),
        png_chunks=carried.chunks,
        notes=notes + carried.notes,
    )


class _Carried:
    """What of the metadata chunks is carried along; what cannot be is told of, and does not spoil the picture."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self.notes: tuple[str, ...] = ()
        self.xmp: bytes | None = None
        self.profile: bytes | None = None
        kept: list[tuple[bytes, bytes]] = []
        left = MOST_METADATA
        has_xmp, has_profile = False, False
        for kind, content in chunks:
            if kind == b"iTXt" and content[: len(_XMP)] == _XMP:
                if not has_xmp:
                    self.xmp = self._read(_xmp, content, "XMP data are")
                has_xmp = True
            elif kind == b"iCCP":
                if not has_profile:
                    self.profile = self._read(_profile, content, "colour profile is")
                has_profile = True
            elif kind in _KEPT or (kind == b"pHYs" and _states_shape_only(content)):
                left -= len(content)
                if left >= 0:
                    kept.append((kind, bytes(content)))
        if left < 0:
            self.notes += (f"its PNG chunks beyond {MOST_METADATA >> 20} MiB are not carried along",)
        self.chunks = tuple(kept)

    def _read(self, read: Callable[[bytes], bytes], content: bytes | memoryview, what: str) -> bytes | None:
        try:
            return read(bytes(content)) or None
        except (ValueError, IndexError, zlib.error):
            self.notes += (f"its {what} damaged or too large and not carried along",)
            return None


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


def _packed(kind: bytes, content: bytes | memoryview) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + bytes(content)
        + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
    )


def _chunks(data: bytes) -> list[Chunk]:
    """All chunks up to the end mark, each with a sound checksum; their contents are views of the file."""
    view = memoryview(data)
    chunks: list[Chunk] = []
    at = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if not chunks and kind == _APPLE_ONLY:
            raise UnusableInputError("is a PNG in Apple's own form (CgBI), which is not supported: convert it to PNG")
        content = view[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(content, zlib.crc32(kind)) != checksum:
            raise ValueError("a chunk's checksum is wrong")
        chunks.append((kind, content))
        if len(chunks) > _MOST_CHUNKS:
            raise ValueError("there are too many chunks")
        at += length + 12
    return chunks


def _header(chunks: list[Chunk]) -> _Header:
    if chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise ValueError("the header is missing")
    header = _Header(*struct.unpack(">IIBBBBB", chunks[0][1]))
    known = header.depth in _DEPTHS.get(header.colour, ())
    if not known or header.compression or header.filtering or header.interlace > 1:
        raise ValueError("the header is not one of PNG")
    return header


def _bare(header: _Header, chunks: list[Chunk]) -> tuple[bytes, tuple[str, ...]]:
    """The same picture with nothing in it that libpng could stumble over, and what the user is to know of it."""
    body = _sound_stream(b"".join(content for kind, content in chunks if kind == b"IDAT"), header.raw_bytes())
    first = dict(reversed(chunks))
    bare = [chunks[0]]
    notes: tuple[str, ...] = ()
    transparent = first.get(b"tRNS", b"")
    if header.colour == 3:
        palette = first[b"PLTE"]
        if len(palette) % 3 or not 1 <= len(palette) // 3 <= 2**header.depth:
            raise ValueError("the palette's length is wrong")
        notes = _missing_colours(header, body, len(palette) // 3)
        bare.append((b"PLTE", palette))
        if 1 <= len(transparent) <= len(palette) // 3:
            bare.append((b"tRNS", transparent))
    elif len(transparent) == {0: 2, 2: 6}.get(header.colour, -1):
        bare.append((b"tRNS", transparent))
    return _file([*bare, (b"IDAT", body), (b"IEND", b"")]), notes


def _file(chunks: list[Chunk]) -> bytes:
    return SIGNATURE + b"".join(_packed(*chunk) for chunk in chunks)


def _missing_colours(header: _Header, body: bytes, colours: int) -> tuple[str, ...]:
    """A note where pixels have numbers that the palette has no colour for, for which libpng takes black."""
    if colours == 2**header.depth:
        return ()
    as_grey = struct.pack(">IIBBBBB", *astuple(replace(header, colour=0)))
    grey = imagecodecs.png_decode(_file([(b"IHDR", as_grey), (b"IDAT", body), (b"IEND", b"")]))
    numbers = grey // (255 // (2**header.depth - 1))  # libpng spreads fewer than 8 bits over 8
    missing = int((numbers >= colours).sum())
    return (missing_colours_note(missing),) if missing else ()


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


def _xmp(content: bytes) -> bytes:
    compressed, rest = content[len(_XMP)], content[len(_XMP) + 2 :]
    packet = rest.split(b"\0", 2)[2]
    return _inflated(packet) if compressed else packet


def _states_shape_only(content: bytes | memoryview) -> bool:
    return len(content) == 9 and content[8] == 0


def _dpi(content: bytes) -> tuple[float, float] | None:
    if len(content) != 9 or content[8] != 1:  # unit 0 states the pixels' shape only
        return None
    x, y = struct.unpack(">II", content[:8])
    return usable_dpi(x, y, per_inch=_METRES_PER_INCH)
