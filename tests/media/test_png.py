"""PNG against files made by hand, a decoder written from the specification, and Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo, encode_photo
from support.builders import SIZES, exif_block, photo, png, png_chunk, png_of, samples, with_metadata


def unfiltered(data: bytes) -> np.ndarray:
    """Decode a non-interlaced 8- or 16-bit PNG with zlib and the five filters of the specification, slowly."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    body, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"IDAT":
            body += data[at + 8 : at + 8 + length]
        at += length + 12
    raw, size = zlib.decompress(body), channels * depth // 8
    stride = width * size
    rows = [bytearray(stride)]
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        above = rows[-1]
        for x in range(stride):
            a, b = (line[x - size] if x >= size else 0), above[x]
            c = above[x - size] if x >= size else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = (line[x] + [0, a, b, (a + b) // 2, nearest][kind]) % 256
        rows.append(line)
    array = np.frombuffer(b"".join(rows[1:]), f">u{depth // 8}")
    return array.reshape(height, width, channels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_files_made_by_hand_are_read_exactly(size: tuple[int, int], channels: int, dtype: str) -> None:
    array = samples(*size, channels, dtype)
    read = decode_photo(png_of(array), "x")
    colours = channels - (channels % 2 == 0)
    assert read.samples.dtype == dtype
    np.testing.assert_array_equal(read.samples, array[:, :, :colours])
    if channels % 2:
        assert read.alpha is None
    else:
        np.testing.assert_array_equal(read.alpha, array[:, :, -1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("channels", "alpha"), [(1, False), (1, True), (3, False), (3, True)])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_exact_by_a_decoder_written_from_the_specification(
    size: tuple[int, int], channels: int, alpha: bool, dtype: str
) -> None:
    before = photo(*size, channels, dtype, alpha=alpha)
    array = unfiltered(encode_photo(before.pixels(), before, "PNG"))
    assert array.dtype.itemsize * 8 == before.bit_depth
    np.testing.assert_array_equal(array[:, :, :channels], before.samples)
    if alpha:
        np.testing.assert_array_equal(array[:, :, -1], before.alpha)


def test_pillow_finds_the_metadata_that_is_written() -> None:
    before = with_metadata(photo(5, 4, 3, "uint16", alpha=True))
    with Image.open(io.BytesIO(encode_photo(before.pixels(), before, "PNG"))) as image:
        assert image.info["icc_profile"] == before.icc_profile
        assert image.info["exif"] == b"Exif\0\0" + before.exif
        assert image.info["dpi"] == pytest.approx(before.dpi, rel=1e-4)
        assert image.info["xmp"] == before.xmp


def test_an_interlaced_16_bit_picture_is_read_exactly() -> None:
    array = samples(9, 11, 3, "uint16")
    raw = b""
    for x, y, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ):  # fmt: skip
        for row in array[y::down, x::across]:
            raw += b"\0" + row.astype(">u2").tobytes() if row.size else b""
    read = decode_photo(png(11, 9, 16, 2, raw, interlace=1), "x")
    np.testing.assert_array_equal(read.samples, array)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 3), (5, 1), (9, 9)])
def test_interlaced_pictures_of_any_size_are_read(width: int, height: int) -> None:
    array = samples(height, width, 1, "uint8")
    raw = b""
    for x, y, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ):  # fmt: skip
        for row in array[y::down, x::across]:
            raw += b"\0" + row.tobytes() if row.size else b""
    np.testing.assert_array_equal(decode_photo(png(width, height, 8, 0, raw, interlace=1), "x").samples, array)


PALETTE = (b"PLTE", bytes(range(9)))


@pytest.mark.parametrize(
    ("data", "colours", "alpha"),
    [
        (png(3, 1, 1, 0, b"\0\xa0"), [255, 0, 255], None),
        (png(4, 1, 2, 0, b"\0\x1b"), [0, 85, 170, 255], None),
        (png(2, 1, 4, 0, b"\0\x1f"), [17, 255], None),
        (png(4, 1, 2, 0, b"\0\x1b", chunks=((b"tRNS", b"\0\2"),)), [0, 85, 170, 255], [255, 255, 0, 255]),
        (png(2, 1, 8, 0, b"\0\5\6", chunks=((b"tRNS", b"\0\5"),)), [5, 6], [0, 255]),
        (png(1, 1, 16, 0, b"\0\1\2", chunks=((b"tRNS", b"\1\2"),)), [258], [0]),
        (png(1, 1, 16, 2, b"\0\1\2\3\4\5\6", chunks=((b"tRNS", b"\1\2\3\4\5\6"),)), [258, 772, 1286], [0]),
        (png(2, 1, 8, 3, b"\0\1\2", chunks=(PALETTE,)), [3, 4, 5, 6, 7, 8], None),
        (png(2, 1, 2, 3, b"\0\x60", chunks=(PALETTE,)), [3, 4, 5, 6, 7, 8], None),
        (
            png(3, 1, 8, 3, b"\0\0\1\2", chunks=(PALETTE, (b"tRNS", b"\x07\x80"))),
            [0, 1, 2, 3, 4, 5, 6, 7, 8],
            [7, 128, 255],
        ),
        (png(1, 1, 8, 2, b"\0\1\2\3", chunks=(PALETTE,)), [1, 2, 3], None),
    ],
)
def test_few_bits_palettes_and_transparent_colours_are_spread_out(
    data: bytes, colours: list[int], alpha: list[int] | None
) -> None:
    read = decode_photo(data, "x")
    assert read.samples.ravel().tolist() == colours
    assert (None if read.alpha is None else read.alpha.ravel().tolist()) == alpha


def test_colour_and_text_chunks_come_back_once() -> None:
    chunks = ((b"gAMA", struct.pack(">I", 100_000)), (b"sRGB", b"\0"), (b"tEXt", b"Author\0J. Doe"))
    read = decode_photo(png_of(samples(2, 2, 3, "uint8"), *chunks), "x")
    again = encode_photo(read.pixels(), read, "PNG")
    assert read.png_chunks == chunks
    assert all(again.count(png_chunk(*chunk)) == 1 for chunk in chunks)


def test_the_orientation_of_exif_is_applied() -> None:
    array = samples(2, 3, 3, "uint16")
    read = decode_photo(png_of(array, (b"eXIf", exif_block(2, 3, orientation=6))), "x")
    np.testing.assert_array_equal(read.samples, np.rot90(array, -1))


@pytest.mark.parametrize("place", ["IHDR", "IDAT", "IEND", "pHYs"])
def test_a_wrong_checksum_anywhere_is_damage(place: str) -> None:
    data = bytearray(png_of(samples(2, 2, 3, "uint8"), (b"pHYs", struct.pack(">IIB", 9, 9, 1))))
    data[data.index(place.encode()) + 3] ^= 0x20
    with pytest.raises(UnusableInputError, match="damaged"):
        decode_photo(bytes(data), "x")


@pytest.mark.parametrize(
    "data",
    [
        png(2, 2, 8, 0, b"\0\1\2"),
        png(2, 1, 8, 0, b"\0\1\2" * 100),
        png(2, 1, 8, 0, b"\7\1\2"),
        png(2, 1, 8, 3, b"\0\1\2"),
        png(2, 1, 8, 3, b"\0\1\2", chunks=((b"PLTE", b"12"),)),
        png(2, 1, 16, 3, b"\0\0\1\0\2", chunks=(PALETTE,)),
        png(2, 1, 8, 5, b"\0\1\2"),
        png(2, 1, 8, 0, b"\0\1\2", interlace=2),
    ],
    ids=["few rows", "many rows", "filter", "no palette", "odd palette", "depth", "colour type", "interlace"],
)
def test_pixel_data_that_do_not_fit_the_header_are_damage(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnusableInputError, match="damaged"):
        decode_photo(data, "x")
    assert capfd.readouterr().err == ""


def test_bytes_after_the_pixel_data_do_no_harm(capfd: pytest.CaptureFixture[str]) -> None:
    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0\1\2") + b"more"
    data = png(1, 1, 8, 0, b"\0\0")[:8]
    data += png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body[:5]) + png_chunk(b"IDAT", body[5:])
    assert decode_photo(data + png_chunk(b"IEND", b"") + b"trailer", "x").samples.ravel().tolist() == [1, 2]
    assert capfd.readouterr().err == ""


def test_a_shape_of_pixels_is_no_resolution_and_compressed_xmp_is_found() -> None:
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<xmp/>")
    shape = (b"pHYs", struct.pack(">IIB", 1, 2, 0))
    read = decode_photo(png_of(samples(2, 2, 3, "uint8"), shape, (b"iTXt", text)), "x")
    assert read.dpi is None
    assert read.xmp == b"<xmp/>"
