"""Metadata on the size and place of pixels, kept true when a picture is scaled.

Numbers in an EXIF block are patched where they lie, as in `exif`. Of ImageDescription, which is text of any kind, the
statements of programs that measure are known: OME, ImageJ, Aperio and tifffile.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from pipcli.media import exif as exif_block
from pipcli.media.exif import Entry, Field
from pipcli.media.photo import Photo

DESCRIPTION = 270
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_RATIONAL_POLYNOMIALS = 50844
_PLACE = {_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _RATIONAL_POLYNOMIALS}
_FOCAL_X, _FOCAL_Y = 41486, 41487
_SHORT, _RATIONAL, _DOUBLE = 3, 5, 12
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2
_LARGEST_LONG = 2**32 - 1
_REGIONS = re.compile(rb"<(?:\w+:)?ROI\b.*?</(?:\w+:)?ROI>|<(?:\w+:)?ROIRef\b[^>]*/>", re.DOTALL)
_NUMBER = rb"([0-9.]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class _Change:
    """From one size of the same scene to another, each (height, width) in pixels."""

    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def down(self) -> Fraction:
        """How many times as many rows there are."""
        return Fraction(self.after[0], self.before[0])

    @property
    def across(self) -> Fraction:
        """How many times as many columns there are."""
        return Fraction(self.after[1], self.before[1])


def rescaled(photo: Photo, size: tuple[int, int]) -> Photo:
    """Return a photo with its metadata as they are true of a picture of the same scene in another size.

    Args:
        photo: what was read; its samples stay as they are.
        size: (height, width) of the picture that will carry the metadata, in pixels.

    Returns:
        The photo; what had to be left out is told in its notes.
    """
    change = _Change((photo.height, photo.width), size)
    if change.before == change.after:
        return photo
    dpi = None if photo.dpi is None else (photo.dpi[0] * float(change.across), photo.dpi[1] * float(change.down))
    chunks = tuple((kind, _scaled_chunk(kind, content, change)) for kind, content in photo.png_chunks)
    xmp = None if photo.xmp is None else _scaled_xmp(photo.xmp, change)
    block, notes = photo.exif, photo.notes
    if block is not None:
        try:
            block, more = _scaled_block(block, change)
            notes += more
        except (ValueError, struct.error):
            pass  # a damaged block: what becomes of it is decided where it is written
    return replace(photo, dpi=dpi, png_chunks=chunks, xmp=xmp, exif=block, notes=notes)


def without_place(block: bytes) -> tuple[bytes | None, tuple[str, ...]]:
    """The block without what says where on Earth which pixel lies: that is not true of a turned picture."""
    if all(exif_block.entry(block, exif_block.first(block), tag) is None for tag in _PLACE):
        return block, ()
    return _rebuilt(block, lambda field: None if field.tag in _PLACE else field), (
        "its geographic place is of the picture before it was turned and is not carried along",
    )


def _scaled_block(block: bytes, change: _Change) -> tuple[bytes | None, tuple[str, ...]]:
    patched, first = bytearray(block), exif_block.first(block)
    resolutions = [(first, exif_block.X_RESOLUTION, change.across), (first, exif_block.Y_RESOLUTION, change.down)]
    below = exif_block.entry(block, first, exif_block.EXIF_IFD)
    if below is not None:
        inner = exif_block.pointed_to(block, below)
        resolutions += [(inner, _FOCAL_X, change.across), (inner, _FOCAL_Y, change.down)]
    _scale_rationals(patched, block, resolutions)
    _scale_place(patched, block, change)
    notes: tuple[str, ...] = ()
    scaled: bytes | None = bytes(patched)
    if exif_block.entry(block, first, _RATIONAL_POLYNOMIALS) is not None:
        notes += ("its RPC model is of the pixels before and is not carried along",)
        scaled = _rebuilt(bytes(patched), lambda field: None if field.tag == _RATIONAL_POLYNOMIALS else field)
    if scaled is not None and exif_block.entry(scaled, exif_block.first(scaled), DESCRIPTION) is not None:
        return _with_scaled_description(scaled, change, notes)
    return scaled, notes


def _rebuilt(block: bytes, change: Callable[[Field], Field | None]) -> bytes | None:
    """The block with fields of its first directory changed or left out."""
    fields = [changed for field in exif_block.fields(block) if (changed := change(field)) is not None]
    return exif_block.packed_block(fields, exif_block.byte_order(block)) if fields else None


def _scale_rationals(patched: bytearray, block: bytes, places: Iterable[tuple[int, int, Fraction]]) -> None:
    done: set[int] = set()  # two entries may share their value
    for directory, tag, factor in places:
        found = exif_block.entry(block, directory, tag)
        if found is None or found.kind != _RATIONAL or found.start in done:
            continue
        code = exif_block.byte_order(block) + "II"
        over, under = struct.unpack_from(code, block, found.start)
        if over and under:
            struct.pack_into(code, patched, found.start, *_as_longs(Fraction(over, under) * factor))
        done.add(found.start)


def _as_longs(value: Fraction) -> tuple[int, int]:
    for denominator in (_LARGEST_LONG, 1 << 16, 1):
        near = value.limit_denominator(denominator)
        if near.numerator <= _LARGEST_LONG:
            return near.numerator, near.denominator
    return _LARGEST_LONG, 1


def _scale_place(patched: bytearray, block: bytes, change: _Change) -> None:
    """Scale what GeoTIFF says of the pixels: their size, points of known place among them, or a matrix."""
    across, down = float(change.across), float(change.down)
    # Of a file that says so, coordinates count from the centre of the first pixel and not from its corner.
    shift = 0.5 if _pixel_is_point(block) else 0.0
    for tag, scaled in (
        (_PIXEL_SCALE, lambda values: [values[0] / across, values[1] / down, *values[2:]]),
        (_TIE_POINTS, lambda values: _scaled_tie_points(values, across, down, shift)),
        (_TRANSFORMATION, lambda values: _scaled_matrix(values, across, down, shift)),
    ):
        found = exif_block.entry(block, exif_block.first(block), tag)
        if found is None or found.kind != _DOUBLE or found.count < 2:
            continue
        code = f"{exif_block.byte_order(block)}{found.count}d"
        struct.pack_into(code, patched, found.start, *scaled(list(struct.unpack_from(code, block, found.start))))


def _scaled_tie_points(values: list[float], across: float, down: float, shift: float) -> list[float]:
    for at in range(0, len(values) - 5, 6):
        values[at] = (values[at] + shift) * across - shift
        values[at + 1] = (values[at + 1] + shift) * down - shift
    return values


def _scaled_matrix(values: list[float], across: float, down: float, shift: float) -> list[float]:
    for row in range(0, len(values) - 3, 4):
        column, line = values[row] / across, values[row + 1] / down
        # The old coordinate of the new one x is (x + shift) / factor - shift.
        values[row + 3] += shift * (column - values[row]) + shift * (line - values[row + 1])
        values[row], values[row + 1] = column, line
    return values


def _pixel_is_point(block: bytes) -> bool:
    found = exif_block.entry(block, exif_block.first(block), _GEO_KEYS)
    if found is None or found.kind != _SHORT:
        return False
    keys = struct.unpack_from(f"{exif_block.byte_order(block)}{found.count}H", block, found.start)
    return any(keys[at] == _RASTER_TYPE and keys[at + 3] == _PIXEL_IS_POINT for at in range(4, len(keys) - 3, 4))


def _with_scaled_description(
    block: bytes, change: _Change, notes: tuple[str, ...]
) -> tuple[bytes | None, tuple[str, ...]]:
    found = exif_block.entry(block, exif_block.first(block), DESCRIPTION)
    text = b"" if found is None else _bytes_of(block, found)
    scaled = _scaled_description(text, change)
    if scaled == text:
        return block, notes
    if b"<ROI" in text:
        notes += ("its OME regions of interest are of the pixels before and are not carried along",)
    return _rebuilt(
        block, lambda field: replace(field, count=len(scaled), payload=scaled) if field.tag == DESCRIPTION else field
    ), notes


def _bytes_of(block: bytes, found: Entry) -> bytes:
    return block[found.start : found.start + found.count]


def _scaled_description(text: bytes, change: _Change) -> bytes:
    if re.search(rb"<(?:\w+:)?OME[\s>]", text):
        text = re.sub(rb"<(?:\w+:)?Pixels\b[^>]*>", lambda found: _scaled_pixels(found[0], change), text)
        return _REGIONS.sub(b"", text)
    if text.startswith(b"ImageJ="):
        for axis, factor in ((b"x", change.across), (b"y", change.down)):
            text = _multiplied(text, rb"(?m)(^" + axis + rb"origin=)" + _NUMBER, factor)
        return text
    if text.startswith(b"Aperio"):
        return _multiplied(text, rb"(\bMPP = )" + _NUMBER, 1 / change.across)
    if text.startswith(b'{"shape":'):
        return _scaled_shape(text, change)
    return text


def _scaled_pixels(element: bytes, change: _Change) -> bytes:
    """OME's element for a picture with the new size, if it is of a picture with the old one."""
    for axis, before, after, factor in (
        (b"X", change.before[1], change.after[1], change.across),
        (b"Y", change.before[0], change.after[0], change.down),
    ):
        element, count = re.subn(rb"(\bSize" + axis + rb'=")%d(")' % before, rb"\g<1>%d\2" % after, element)
        if count:
            element = _multiplied(element, rb"(\bPhysicalSize" + axis + rb'=")' + _NUMBER, 1 / factor)
    return element


def _scaled_shape(text: bytes, change: _Change) -> bytes:
    """The shape that tifffile notes of an array, with the new height and width."""
    try:
        noted = json.loads(text.rstrip(b"\0"))
        shape = [int(length) for length in noted["shape"]]
    except (ValueError, TypeError, KeyError):
        return text
    for at in range(len(shape) - 1):
        if tuple(shape[at : at + 2]) == change.before:
            shape[at : at + 2] = change.after
            return json.dumps({**noted, "shape": shape}).encode() + b"\0"
    return text


def _scaled_xmp(packet: bytes, change: _Change) -> bytes:
    """The XMP packet with its copies of the size and the resolution scaled."""
    for name, old, new in (
        (rb"(?:exif:PixelXDimension|tiff:ImageWidth)", change.before[1], change.after[1]),
        (rb"(?:exif:PixelYDimension|tiff:ImageLength)", change.before[0], change.after[0]),
    ):
        packet = re.sub(rb"(" + name + rb"(?:\s*=\s*[\"']|>))%d([\"'<])" % old, rb"\g<1>%d\2" % new, packet)
    for name, factor in ((rb"tiff:XResolution", change.across), (rb"tiff:YResolution", change.down)):
        pattern = re.compile(rb"(" + name + rb"(?:\s*=\s*[\"']|>))(\d{1,9})/(\d{1,9})([\"'<])")
        packet = pattern.sub(lambda found, factor=factor: _scaled_ratio(found, factor), packet)  # type: ignore[misc]
    return packet


def _scaled_ratio(found: re.Match[bytes], factor: Fraction) -> bytes:
    if not int(found[2]) or not int(found[3]):
        return found[0]
    over, under = _as_longs(Fraction(int(found[2]), int(found[3])) * factor)
    return found[1] + b"%d/%d" % (over, under) + found[4]


def _scaled_chunk(kind: bytes, content: bytes, change: _Change) -> bytes:
    """PNG's statement of how large a pixel is on the subject: a unit, and the width and the height as text."""
    if kind != b"sCAL":
        return content
    found = re.fullmatch(rb"([\x01\x02])" + _NUMBER + rb"\0" + _NUMBER, content)
    if found is None:
        return content
    width, height = float(found[2]) / float(change.across), float(found[3]) / float(change.down)
    return found[1] + b"%s\0%s" % (repr(width).encode(), repr(height).encode())


def _multiplied(text: bytes, pattern: bytes, factor: Fraction) -> bytes:
    """Text with the numbers of the second group of a pattern, which follow the first, multiplied."""

    def scaled(found: re.Match[bytes]) -> bytes:
        try:
            return found[1] + repr(float(found[2]) * float(factor)).encode()
        except ValueError:  # such as 1.2.3
            return found[0]

    return re.sub(pattern, scaled, text)
