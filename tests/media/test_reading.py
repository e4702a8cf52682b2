"""Reading by content, upright, through Pillow's codecs, and from streams."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo, encode_photo, read_photo, read_stream
from support.builders import exif_block, jpeg_like_a_photo, photo, pillow_file, png_of, samples, with_metadata
from support.hostile import AWKWARD_NAMES


@pytest.mark.parametrize("plugin", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_does_and_only_once(orientation: int, order: str, plugin: str) -> None:
    block = b"Exif\0\0" + exif_block(16, 24, orientation=orientation, order=order)
    options = {"lossless": True} if plugin == "WEBP" else {"dpi": (300, 150)}
    data = pillow_file(samples(16, 24, 3, "uint8"), plugin, exif=block, **options)
    read = decode_photo(data, "x")
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(read.samples, np.asarray(ImageOps.exif_transpose(image)))
    if plugin != "WEBP":
        assert read.dpi == pytest.approx((300, 150) if orientation < 5 else (150, 300), rel=1e-4)
    again = decode_photo(encode_photo(read.pixels(), read, "PNG"), "x")
    np.testing.assert_array_equal(again.samples, read.samples)
    with Image.open(io.BytesIO(encode_photo(read.pixels(), read, "JPEG"))) as image:
        exif = image.getexif()
        assert exif[274] == 1
        assert exif.get_ifd(34665)[37500] == b"MakerNote"
        assert (exif.get_ifd(34665)[40963], exif.get_ifd(34665)[40962]) == (read.height, read.width)


def test_the_name_says_nothing_about_the_format(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(png_of(samples(2, 3, 3, "uint8")))
    assert read_photo(path).file_format == "PNG"
    path.write_text("no picture at all\n" * 100)
    with pytest.raises(UnusableInputError, match=r"really_a_png\.jpg is not a picture in a known format"):
        read_photo(path)


@pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
def test_awkward_file_names_are_read_and_named_on_one_line(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(png_of(samples(2, 3, 3, "uint8")))
    assert read_photo(path).width == 3
    path.write_bytes(b"")
    with pytest.raises(UnusableInputError) as refusal:
        read_photo(path)
    assert str(refusal.value).isprintable()


def test_a_stream_is_read_to_its_end() -> None:
    data = png_of(samples(2, 3, 3, "uint16"))
    assert read_stream(io.BytesIO(data)).bit_depth == 16


def test_an_endless_stream_without_a_picture_is_given_up_at_once() -> None:
    with open("/dev/zero", "rb") as stream, pytest.raises(UnusableInputError, match="standard input is not a picture"):
        read_stream(stream)


def test_an_endless_stream_that_begins_like_a_picture_is_given_up_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"\xff\xd8\xff".ljust(size, b"\0")

    monkeypatch.setattr("pipcli.media.sources.MAX_FILE_BYTES", 3 << 20)
    with pytest.raises(UnusableInputError, match="larger than 3 MiB"):
        read_stream(Endless())  # type: ignore[arg-type]


def test_a_stream_that_fails_is_a_refusal() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(UnusableInputError, match="standard input cannot be read"):
        read_stream(Broken())  # type: ignore[arg-type]


def test_a_jpeg_keeps_full_colour_resolution_and_its_metadata() -> None:
    before = with_metadata(photo(16, 24, 3, "uint8"))
    with Image.open(io.BytesIO(encode_photo(before.pixels(), before, "JPEG"))) as image:
        assert image.layer[0][1:3] == image.layer[1][1:3] == (1, 1)  # type: ignore[attr-defined]
        assert image.info["icc_profile"] == before.icc_profile
        assert image.info["exif"] == b"Exif\0\0" + (before.exif or b"")
        assert image.info["dpi"] == (300, 150)
        assert image.info["xmp"] == before.xmp


def test_a_jpeg_with_a_large_profile_keeps_it() -> None:
    profile = samples(200, 1000, 1, "uint8").tobytes()  # more than a JPEG segment holds
    before = with_metadata(photo(4, 4, 3, "uint8"), icc_profile=profile)
    for file_format in ("JPEG", "PNG", "WebP", "TIFF"):
        assert decode_photo(encode_photo(before.pixels(), before, file_format), "x").icc_profile == profile


def test_a_jpeg_says_how_it_was_rounded_as_far_as_it_is_luma_and_chroma() -> None:
    plain = decode_photo(pillow_file(samples(16, 24, 3, "uint8"), "JPEG", quality=50, subsampling="4:2:0"), "x")
    assert plain.coding is not None
    assert [plane.coarseness for plane in plain.coding.planes] == [(1, 1), (2, 2), (2, 2)]
    assert plain.coding.planes[0].steps[0][:3] == (16, 11, 10)
    assert plain.coding.planes[0].steps[1][0] == 12
    assert decode_photo(pillow_file(samples(9, 9, 3, "uint8"), "JPEG", keep_rgb=True), "x").coding is None
    assert decode_photo(png_of(samples(9, 9, 3, "uint8")), "x").coding is None


def test_a_jpeg_with_further_pictures_says_that_they_stay_behind() -> None:
    stream = io.BytesIO()
    pictures = [Image.fromarray(samples(8, 8, 3, "uint8", seed=seed)) for seed in (1, 2)]
    pictures[0].save(stream, "MPO", save_all=True, append_images=pictures[1:])
    assert "further pictures" in decode_photo(stream.getvalue(), "x").notes[0]


def test_grey_stays_grey_in_jpeg_and_bmp() -> None:
    grey = samples(8, 8, 1, "uint8")
    assert decode_photo(pillow_file(grey, "JPEG"), "x").channels == 1
    np.testing.assert_array_equal(decode_photo(pillow_file(grey, "BMP"), "x").samples, grey)


def test_palettes_in_bmp_become_colour_and_bitmaps_grey() -> None:
    stream = io.BytesIO()
    paletted = Image.fromarray(samples(8, 8, 3, "uint8")).quantize(7)
    paletted.save(stream, "BMP")
    read = decode_photo(stream.getvalue(), "x")
    np.testing.assert_array_equal(read.samples, np.asarray(paletted.convert("RGB")))
    stream = io.BytesIO()
    Image.fromarray(samples(8, 8, 1, "uint8")[:, :, 0] > 99).save(stream, "BMP")
    assert set(decode_photo(stream.getvalue(), "x").samples.ravel()) == {0, 255}


def test_the_colour_below_transparent_pixels_survives_webp() -> None:
    before = photo(5, 5, 3, "uint8", alpha=True)
    before.alpha[:] = 0  # type: ignore[index]
    after = decode_photo(encode_photo(before.pixels(), before, "WebP"), "x")
    np.testing.assert_array_equal(after.samples, before.samples)


@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"]
)
def test_damaged_exif_is_left_out_with_a_note(block: bytes) -> None:
    read = decode_photo(jpeg_like_a_photo(exif=block), "x")
    assert read.exif is None
    assert read.notes == ("its EXIF data are damaged and are not carried along",)


def test_running_out_of_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(data: bytes) -> object:
        raise MemoryError

    monkeypatch.setattr("pipcli.media.png.decode", greedy)
    with pytest.raises(UnusableInputError, match="x does not fit into memory"):
        decode_photo(png_of(samples(1, 1, 1, "uint8")), "x")


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x2f\0\0\0IHDR", "cut off or damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x09\0\0\0\x09\x08\0\0\0\0", "64 MiB beside its picture"),
    ],
)
def test_a_png_of_much_more_than_its_picture_is_given_up_long_before_its_end(beginning: bytes, words: str) -> None:
    taken = 0

    class Long(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            nonlocal taken
            part = beginning.ljust(size, b"\0") if taken == 0 else bytes(size)
            taken += size
            return part

    with pytest.raises(UnusableInputError, match=words):
        read_stream(Long())  # type: ignore[arg-type]
    assert taken < 80 << 20
