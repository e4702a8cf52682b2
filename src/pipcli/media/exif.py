"""EXIF blocks: reading orientation and resolution, and keeping a block true of the picture it travels with.

A block is a small TIFF file. It is patched in place, because to parse and rebuild it would shift the maker's note,
whose inner offsets nobody knows, and would spoil text that is not ASCII. It is rebuilt only where it has to move:
into and out of a TIFF file, whose own directory is the EXIF directory.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
EXIF_IFD, GPS_IFD, INTEROP_IFD = 34665, 34853, 40965
_PIXEL_WIDTH, _PIXEL_HEIGHT = 40962, 40963
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_CODES = {_SHORT: "H", _LONG: "I"}
# Values may share bytes, as two equal resolutions do. Many that do are a bomb: a small file then claims gigabytes.
_MOST_OVERLAP = 2
MOST_METADATA = 64 << 20
"""Bytes of metadata that are carried along, all together: many times what cameras and programs write."""


class TooMuchMetadataError(ValueError):
    """Metadata of more than `MOST_METADATA` bytes, or more than their block can hold."""


@dataclass(frozen=True)
class Field:
    """One directory entry: its values as the bytes of the file, or the fields of the directory it points to."""

    tag: int
    kind: int
    count: int
    payload: bytes | tuple[Field, ...]


def byte_order(block: bytes) -> str:
    """ "<" or ">", as `struct` has it.

    Raises:
        ValueError: the block does not begin like one.
    """
    orders = {b"II*\0": "<", b"MM\0*": ">"}
    if block[:4] not in orders:
        raise ValueError("no EXIF header")
    return orders[block[:4]]


def orientation(block: bytes) -> int:
    """1 to 8; 1, upright, where the block does not say or says nonsense."""
    order = byte_order(block)
    at = find(block, first(block), ORIENTATION)
    if at is None or _read(block, order + "H", at + 2) != _SHORT:
        return 1
    value = _read(block, order + "H", at + 8)
    return value if 1 <= value <= 8 else 1


def resolution(block: bytes) -> tuple[float, float] | None:
    """Pixels per inch, (horizontal, vertical), if the block says."""
    order, top = byte_order(block), first(block)
    places = [find(block, top, tag) for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)]
    if places[0] is None or places[1] is None:
        return None
    unit = 2 if places[2] is None else _read(block, order + "H", places[2] + 8)
    values = []
    for at in places[:2]:
        offset = _read(block, order + "I", (at or 0) + 8)
        over, under = _read(block, order + "I", offset), _read(block, order + "I", offset + 4)
        values.append(over / under if under else 0.0)
    return usable_dpi(values[0], values[1], per_inch={2: 1.0, 3: 2.54}.get(unit, 0.0))


def usable_dpi(x: float, y: float, *, per_inch: float = 1.0) -> tuple[float, float] | None:
    """A resolution that every format can state, or None: files are full of zeros and worse in this place."""
    pair = (x * per_inch, y * per_inch)
    return pair if all(math.isfinite(v) and 1 <= v <= 65_535 for v in pair) else None


def settled(block: bytes, *, height: int, width: int) -> bytes:
    """The same block, of the same length, for an upright picture of this size.

    Orientation becomes 1, the size fields are corrected, and the thumbnail, which shows the picture before it was
    restored, is unlinked.

    Raises:
        ValueError: the block is damaged.
    """
    order, top = byte_order(block), first(block)
    patched = bytearray(block)
    at = find(block, top, ORIENTATION)
    if at is not None:
        struct.pack_into(order + "HIHH", patched, at + 2, _SHORT, 1, 1, 0)
    end = top + 2 + 12 * _read(block, order + "H", top)
    if end + 4 <= len(block):
        struct.pack_into(order + "I", patched, end, 0)
    at = find(block, top, EXIF_IFD)
    if at is not None:
        _settle_size(patched, order, _read(block, order + "I", at + 8), {_PIXEL_WIDTH: width, _PIXEL_HEIGHT: height})
    return bytes(patched)


def _settle_size(patched: bytearray, order: str, directory: int, sizes: dict[int, int]) -> None:
    block = bytes(patched)
    for tag, value in sizes.items():
        at = find(block, directory, tag)
        if at is not None and value != _read(block, order + _CODES.get(_read(block, order + "H", at + 2), "I"), at + 8):
            struct.pack_into(order + "HII", patched, at + 2, _LONG, 1, value)


def settled_xmp(packet: bytes) -> bytes:
    """The XMP packet with its copy of the orientation set to 1."""
    packet = re.sub(rb"(tiff:Orientation\s*=\s*[\"'])[2-8]([\"'])", rb"\g<1>1\2", packet)
    return re.sub(rb"(<tiff:Orientation>)[2-8](</tiff:Orientation>)", rb"\g<1>1\2", packet)


def with_resolution(block: bytes | None, dpi: tuple[float, float]) -> bytes:
    """The block, or a new one, stating this resolution: for WebP, which has no other place for it."""
    if block is not None and resolution(block) == dpi:
        return block
    order = "<" if block is None else byte_order(block)
    stated = [
        Field(X_RESOLUTION, _RATIONAL, 1, struct.pack(order + "II", round(dpi[0] * 10_000), 10_000)),
        Field(Y_RESOLUTION, _RATIONAL, 1, struct.pack(order + "II", round(dpi[1] * 10_000), 10_000)),
        Field(RESOLUTION_UNIT, _SHORT, 1, struct.pack(order + "H", 2)),
    ]
    replaced = {field.tag for field in stated}
    kept = [field for field in (fields(block) if block is not None else ()) if field.tag not in replaced]
    return packed_block([*kept, *stated], order)


def fields(block: bytes, wanted: Callable[[int], bool] = lambda tag: True) -> tuple[Field, ...]:
    """The entries of the first directory, with the EXIF, GPS and interoperability directories below it.

    Args:
        block: the block, or a whole TIFF file.
        wanted: tells by their tag which entries to read.

    Raises:
        ValueError: the block, or the TIFF file, is damaged.
        TooMuchMetadataError: its values are more than are carried along.
    """
    return _Fields(block, wanted).below(first(block), {EXIF_IFD, GPS_IFD})


class _Fields:
    """The reading of one block, with a budget for the bytes of all values together."""

    def __init__(self, block: bytes, wanted: Callable[[int], bool]) -> None:
        self.block = block
        self.order = byte_order(block)
        self.wanted = wanted
        self.left = min(MOST_METADATA, _MOST_OVERLAP * len(block))

    def below(self, directory: int, children: set[int]) -> tuple[Field, ...]:
        """The entries of a directory; those of `children` point to directories."""
        found = []
        children = set(children)
        for at in _entries(self.block, directory):
            tag, kind, count = struct.unpack_from(self.order + "HHI", self.block, at)
            if tag in children:  # which set shrinks, on the way down and on its own: no file can send us in circles
                children.remove(tag)
                below = {INTEROP_IFD} if tag == EXIF_IFD else set[int]()
                found.append(Field(tag, _LONG, 1, self.below(_read(self.block, self.order + "I", at + 8), below)))
            elif tag not in (EXIF_IFD, GPS_IFD, INTEROP_IFD) and self.wanted(tag):
                found.append(Field(tag, kind, count, self._payload(at, _TYPE_SIZES.get(kind, 0) * count)))
        return tuple(found)

    def _payload(self, at: int, size: int) -> bytes:
        start = at + 8 if size <= 4 else _read(self.block, self.order + "I", at + 8)
        if start + size > len(self.block):
            raise ValueError("an EXIF value lies outside of its block")
        self.left -= size
        if self.left < 0:
            raise TooMuchMetadataError("the EXIF values are longer than all of their block")
        return self.block[start : start + size]


def packed_block(entries: list[Field], order: str) -> bytes:
    """A whole block with these entries."""
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return header + packed(tuple(entries), order, start=8)


def packed(entries: tuple[Field, ...], order: str, *, start: int) -> bytes:
    """A directory as bytes that are to lie at the offset `start` of their file; offsets in it count from there."""
    directory = struct.pack(order + "H", len(entries))
    values = bytearray()  # which grows in place: there may be many
    values_start = start + 2 + 12 * len(entries) + 4
    for field in sorted(entries, key=lambda entry: entry.tag):
        payload = field.payload
        if isinstance(payload, tuple):
            child = packed(payload, order, start=values_start + len(values))
            inline = struct.pack(order + "I", values_start + len(values))
            values += child + b"\0" * (len(child) % 2)
        elif len(payload) <= 4:
            inline = payload.ljust(4, b"\0")
        else:
            inline = struct.pack(order + "I", values_start + len(values))
            values += payload + b"\0" * (len(payload) % 2)
        directory += struct.pack(order + "HHI", field.tag, field.kind, field.count) + inline
    return directory + b"\0" * 4 + values


@dataclass(frozen=True)
class Entry:
    """One directory entry where it lies: its type, how many values it has, and where they start in the block."""

    kind: int
    count: int
    start: int


def entry(block: bytes, directory: int, tag: int) -> Entry | None:
    """The entry for a tag in the directory that lies there; None if it has none.

    Raises:
        ValueError: the directory or the values lie outside of the block.
    """
    at = find(block, directory, tag)
    if at is None:
        return None
    _, kind, count = struct.unpack_from(byte_order(block) + "HHI", block, at)
    size = _TYPE_SIZES.get(kind, 0) * count
    start = at + 8 if size <= 4 else _read(block, byte_order(block) + "I", at + 8)
    if start + size > len(block):
        raise ValueError("an EXIF value lies outside of its block")
    return Entry(kind, count, start)


def pointed_to(block: bytes, pointer: Entry) -> int:
    """Where the directory lies that an entry points to."""
    return _read(block, byte_order(block) + "I", pointer.start)


def first(block: bytes) -> int:
    """Where the first directory lies.

    Raises:
        ValueError: the block is damaged.
    """
    return _read(block, byte_order(block) + "I", 4)


def find(block: bytes, directory: int, tag: int) -> int | None:
    """Where the entry for a tag lies; None if the directory has none.

    Raises:
        ValueError: the directory lies outside of the block.
    """
    code = byte_order(block) + "H"
    return next((at for at in _entries(block, directory) if _read(block, code, at) == tag), None)


def _entries(block: bytes, directory: int) -> range:
    count = _read(block, byte_order(block) + "H", directory)
    if directory + 2 + 12 * count > len(block):
        raise ValueError("an EXIF directory lies outside of its block")
    return range(directory + 2, directory + 2 + 12 * count, 12)


def _read(block: bytes, code: str, at: int) -> int:
    if at + struct.calcsize(code) > len(block):
        raise ValueError("an EXIF value lies outside of its block")
    return int(struct.unpack_from(code, block, at)[0])
