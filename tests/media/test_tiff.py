"""TIFF of all kinds by tifffile and Pillow, read; and what is written, by Pillow's libtiff."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo, encode_photo
from support.builders import SIZES, exif_block, photo, samples, tiff_of, with_metadata


@pytest.mark.parametrize("options", [{}, {"planarconfig": "separate"}, {"tile": (16, 16)}, {"byteorder": ">"}])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colour_is_read_exactly_in_every_layout(dtype: str, compression: str | None, options: dict[str, str]) -> None:
    for height, width in [*SIZES, (40, 33)]:
        array = samples(height, width, 3, dtype)
        stored = np.moveaxis(array, -1, 0) if "planarconfig" in options else array
        predictor = compression in ("zlib", "lzw", "zstd")
        data = tiff_of(stored, photometric="rgb", compression=compression, predictor=predictor, **options)
        read = decode_photo(data, "x")
        assert read.samples.dtype == dtype
        np.testing.assert_array_equal(read.samples, array)


@pytest.mark.parametrize(
    ("kind", "premultiplied"), [("unassalpha", False), ("assocalpha", True), ("unspecified", False)]
)
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_told_apart(channels: int, kind: str, premultiplied: bool) -> None:
    array = samples(3, 5, channels, "uint16")
    photometric = "rgb" if channels == 4 else "minisblack"
    read = decode_photo(tiff_of(array, photometric=photometric, extrasamples=[kind], planarconfig="contig"), "x")
    np.testing.assert_array_equal(read.samples, array[:, :, :-1])
    np.testing.assert_array_equal(read.alpha, array[:, :, -1])
    assert read.premultiplied == premultiplied


def test_bitmaps_and_pictures_where_white_is_zero_become_grey() -> None:
    bits = samples(5, 9, 1, "uint8")[:, :, 0] > 127
    grey = bits.astype(np.uint8) * 255
    np.testing.assert_array_equal(decode_photo(tiff_of(bits, photometric="minisblack"), "x").samples[:, :, 0], grey)
    inverted = tiff_of(bits, photometric="miniswhite")
    np.testing.assert_array_equal(decode_photo(inverted, "x").samples[:, :, 0], 255 - grey)
    deep = samples(5, 9, 1, "uint16")[:, :, 0]
    read = decode_photo(tiff_of(deep, photometric="miniswhite"), "x")
    np.testing.assert_array_equal(read.samples[:, :, 0], 65535 - deep)


def test_a_palette_becomes_colour() -> None:
    palette = samples(3, 256, 1, "uint8")[:, :, 0]
    indices = samples(4, 6, 1, "uint8")[:, :, 0]
    data = tiff_of(indices, photometric="palette", colormap=palette.astype(np.uint16) * 257)
    read = decode_photo(data, "x")
    assert read.bit_depth == 8
    np.testing.assert_array_equal(read.samples, palette.T[indices])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_as_pillow_does(orientation: int) -> None:
    array = samples(3, 5, 3, "uint8")
    data = tiff_of(array, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    read = decode_photo(data, "x")
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(array).save(stream, "PNG", exif=exif)
    twin = decode_photo(stream.getvalue(), "x")  # which test_reading compares with Pillow's own transposition
    np.testing.assert_array_equal(read.samples, twin.samples)
    again = decode_photo(encode_photo(read.pixels(), read, "TIFF"), "x")
    np.testing.assert_array_equal(again.samples, read.samples)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pillow_finds_the_metadata_that_is_written(order: str) -> None:
    before = with_metadata(photo(5, 4, 3, "uint8", alpha=True), exif=exif_block(5, 4, order=order))
    with Image.open(io.BytesIO(encode_photo(before.pixels(), before, "TIFF"))) as image:
        np.testing.assert_array_equal(np.asarray(image)[:, :, :3], before.samples)
        assert image.info["icc_profile"] == before.icc_profile
        assert image.info["dpi"] == pytest.approx((300, 150))
        exif = image.getexif()
        assert exif[271] == "Acm\xe9"
        assert exif.get_ifd(34665)[36867] == "2020:01:01 10:00:00"
        assert exif.get_ifd(34665)[37500] == b"MakerNote"
        assert exif.get_ifd(34853)[0] == b"\2\3\0\0"
        assert exif.get_ifd(40965)[1] == "R98"
        assert image.tag_v2[700] == before.xmp  # type: ignore[attr-defined]


def test_tifffile_reads_back_sixteen_bits_and_floats() -> None:
    for dtype in ("uint16", "float32"):
        before = with_metadata(photo(13, 5, 3, dtype, alpha=True))
        array = tifffile.imread(io.BytesIO(encode_photo(before.pixels(), before, "TIFF")))
        assert array.dtype == dtype
        np.testing.assert_array_equal(array[:, :, :3], before.samples)
        np.testing.assert_array_equal(array[:, :, 3], before.alpha)


def test_a_preview_page_is_left_out_with_a_note() -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(samples(6, 6, 1, "uint8")[:, :, 0], metadata=None)
        writer.write(samples(2, 2, 1, "uint8")[:, :, 0], metadata=None, subfiletype=1)
    read = decode_photo(stream.getvalue(), "x")
    assert (read.height, read.width) == (6, 6)
    assert read.notes == ("its preview is not carried along",)


def test_a_bigtiff_is_read_and_says_what_it_loses() -> None:
    array = samples(4, 4, 3, "uint16")
    read = decode_photo(tiff_of(array, photometric="rgb", bigtiff=True), "x")
    np.testing.assert_array_equal(read.samples, array)
    assert "EXIF" in read.notes[0]


def test_missing_strips_are_damage_and_not_black() -> None:
    data = bytearray(tiff_of(samples(8, 8, 1, "uint8")[:, :, 0], rowsperstrip=4))
    offsets = struct.unpack_from("<I", data, data.index(struct.pack("<HH", 273, 4)) + 8)[0]
    data[offsets : offsets + 4] = bytes(4)
    with pytest.raises(UnusableInputError, match="damaged"):
        decode_photo(bytes(data), "x")


def test_a_float_alpha_is_carried() -> None:
    before = replace(photo(2, 2, 1, "float32"), alpha=np.array([[0, 0.25], [0.5, 1]], np.float32))
    after = decode_photo(encode_photo(before.pixels(), before, "TIFF"), "x")
    np.testing.assert_array_equal(after.alpha, before.alpha)


def test_a_palette_of_sixteen_bits_stays_sixteen_bits() -> None:
    palette = samples(3, 256, 1, "uint16")[:, :, 0]
    indices = samples(4, 6, 1, "uint8")[:, :, 0]
    read = decode_photo(tiff_of(indices, photometric="palette", colormap=palette), "x")
    np.testing.assert_array_equal(read.samples, palette.T[indices])


def test_a_tile_far_larger_than_the_picture_is_damage() -> None:
    data = bytearray(tiff_of(samples(16, 16, 1, "uint8")[:, :, 0], tile=(16, 16)))
    for tag in (322, 323):
        at = data.index(struct.pack("<H", tag), 8)
        struct.pack_into("<HII", data, at + 2, 4, 1, 60_000)
    with pytest.raises(UnusableInputError, match="damaged"):
        decode_photo(bytes(data), "x")
