"""EXIF blocks: patched in place, or moved, without loss."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipcli.media.exif import (
    Field,
    fields,
    orientation,
    packed_block,
    resolution,
    settled,
    settled_xmp,
    with_resolution,
)
from support.builders import exif_block


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_is_patched_in_place(order: str) -> None:
    block = exif_block(5, 4, orientation=8, order=order)
    patched = settled(block, height=4, width=5)
    assert orientation(block) == 8
    assert orientation(patched) == 1
    assert len(patched) == len(block)
    assert patched.index(b"MakerNote") == block.index(b"MakerNote")
    assert b"Acm\xe9" in patched
    assert settled(exif_block(5, 4, order=order), height=5, width=4) == exif_block(5, 4, order=order)


def test_the_thumbnail_of_the_unrestored_picture_is_unlinked() -> None:
    block = bytearray(exif_block(1, 1))
    end = 8 + 2 + 12 * struct.unpack_from("<H", block, 8)[0]
    struct.pack_into("<I", block, end, 8)
    assert settled(bytes(block), height=1, width=1)[end : end + 4] == bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_moving_a_block_keeps_every_value(order: str) -> None:
    block = exif_block(5, 4, order=order)
    assert fields(packed_block(list(fields(block)), order)) == fields(block)
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + packed_block(list(fields(block)), order))
    assert exif.get_ifd(40965)[1] == "R98"


@pytest.mark.parametrize("order", ["<", ">"])
def test_resolution_is_stated_and_found(order: str) -> None:
    block = with_resolution(exif_block(5, 4, order=order), (300.0, 72.5))
    assert resolution(block) == (300.0, 72.5)
    assert with_resolution(block, (300.0, 72.5)) is block
    assert resolution(with_resolution(block, (96.0, 96.0))) == (96.0, 96.0)
    assert resolution(with_resolution(None, (1.0, 2.0))) == (1.0, 2.0)
    assert resolution(exif_block(5, 4)) is None


def test_resolution_per_centimetre_is_per_inch_here() -> None:
    rational, short = struct.pack("<II", 100, 1), struct.pack("<H", 3)
    block = packed_block([Field(282, 5, 1, rational), Field(283, 5, 1, rational), Field(296, 3, 1, short)], "<")
    assert resolution(block) == (254, 254)


def test_a_nonsensical_orientation_is_upright() -> None:
    assert orientation(exif_block(1, 1, orientation=9)) == 1
    assert orientation(packed_block([Field(274, 2, 4, b"abc\0")], "<")) == 1
    assert orientation(packed_block([Field(271, 2, 4, b"abc\0")], "<")) == 1


def test_a_directory_that_points_to_itself_ends() -> None:
    block = bytearray(packed_block([Field(34665, 4, 1, b"\x08\0\0\0")], "<"))
    assert fields(bytes(block))[0].tag == 34665


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_arbitrary_bytes_are_a_block_or_a_value_error(tail: bytes, head: bytes) -> None:
    for function in (orientation, resolution, fields, lambda block: settled(block, height=1, width=1)):
        try:
            function(head + tail)
        except ValueError:
            continue


@given(st.data())
def test_flipped_bytes_are_a_block_or_a_value_error(data: st.DataObject) -> None:
    block = bytearray(exif_block(5, 4))
    for at in data.draw(st.lists(st.integers(0, len(block) - 1), min_size=1, max_size=8)):
        block[at] ^= data.draw(st.integers(1, 255))
    for function in (orientation, resolution, fields, lambda block: settled(block, height=1, width=1)):
        try:
            function(bytes(block))
        except ValueError:
            continue


def test_xmp_in_both_spellings_is_settled() -> None:
    assert settled_xmp(b"tiff:Orientation='8'") == b"tiff:Orientation='1'"
    assert settled_xmp(b"<tiff:Orientation>3</tiff:Orientation>") == b"<tiff:Orientation>1</tiff:Orientation>"
    assert settled_xmp(b"x:Rating='5'") == b"x:Rating='5'"
