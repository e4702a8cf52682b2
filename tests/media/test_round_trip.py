"""An identity job keeps every property of the picture, or is refused before it starts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipcli.errors import OutputRefusedError
from pipcli.media import (
    Photo,
    check_format,
    decode_photo,
    encode,
    encode_jpeg,
    encode_photo,
    encode_rgb8,
    in_unit_range,
    quantised,
)
from pipcli.media.exif import Field, fields
from pipcli.media.formats import FORMATS
from support.builders import SIZES, XMP, photo, with_metadata

LAYOUTS = [(1, False), (1, True), (3, False), (3, True)]


def holds(plain: Photo, file_format: str) -> bool:
    try:
        check_format(plain, file_format)
    except OutputRefusedError:
        return False
    return True


def round_trip(before: Photo, file_format: str) -> Photo:
    return decode_photo(encode_photo(before.pixels(), before, file_format), "x")


def described(block: bytes | None) -> dict[int, Field]:
    """EXIF without the layout and the resolution, which TIFF and WebP keep elsewhere and here."""
    return {field.tag: field for field in fields(block or b"") if field.tag not in (274, 282, 283, 296)}


@pytest.mark.parametrize("metadata", [False, True])
@pytest.mark.parametrize(("channels", "alpha"), LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_everything_is_kept_or_refused(
    file_format: str, dtype: str, channels: int, alpha: bool, metadata: bool
) -> None:
    for height, width in SIZES:
        before = photo(height, width, channels, dtype, alpha=alpha)
        before = with_metadata(before) if metadata else before
        if not holds(before, file_format):
            with pytest.raises(OutputRefusedError, match=f"^{file_format} cannot hold .*: choose \\.(png|tif)"):
                encode_photo(before.pixels(), before, file_format)
            continue
        after = round_trip(before, file_format)
        samples = after.samples[:, :, :1] if file_format == "WebP" and channels == 1 else after.samples
        assert after.samples.dtype == before.samples.dtype
        if file_format == "JPEG":
            assert np.abs(samples.astype(int) - before.samples.astype(int)).mean() < 4
        else:
            np.testing.assert_array_equal(samples, before.samples)
        if not (file_format == "WebP" and (height, width) == (1, 1)):  # where an opaque alpha is none
            np.testing.assert_array_equal(after.alpha, before.alpha)
        assert (after.icc_profile, after.xmp) == (before.icc_profile, before.xmp)
        if before.dpi is not None and before.exif is not None:
            assert after.dpi == pytest.approx(before.dpi, rel=1e-4)
            assert described(after.exif) == described(before.exif)
        assert after.notes == ()


def test_what_holds_what_is_as_documented() -> None:
    def holders(before: Photo) -> list[str]:
        return [name for name in FORMATS if holds(before, name)]

    assert holders(photo(2, 2, 3, "uint8")) == ["PNG", "JPEG", "WebP", "TIFF", "BMP", "PPM", "PNM"]
    assert holders(photo(2, 2, 1, "uint8")) == ["PNG", "JPEG", "WebP", "TIFF", "BMP", "PGM", "PNM"]
    assert holders(photo(2, 2, 3, "uint8", alpha=True)) == ["PNG", "WebP", "TIFF"]
    assert holders(photo(2, 2, 3, "uint16")) == ["PNG", "TIFF", "PPM", "PNM"]
    assert holders(photo(2, 2, 1, "uint16", alpha=True)) == ["PNG", "TIFF"]
    assert holders(photo(2, 2, 3, "float32", alpha=True)) == ["TIFF"]
    assert holders(with_metadata(photo(2, 2, 3, "uint8"))) == ["PNG", "JPEG", "WebP", "TIFF"]


def test_a_refusal_says_what_would_be_lost_and_what_would_be_right() -> None:
    with pytest.raises(OutputRefusedError) as refusal:
        check_format(photo(2, 2, 3, "uint16", alpha=True), "JPEG")
    assert str(refusal.value) == (
        "JPEG cannot hold the 16-bit samples and the alpha of this picture: choose .png or .tif"
    )


def test_the_enlarged_size_counts() -> None:
    check_format(photo(1, 9000, 3, "uint8"), "WebP")
    with pytest.raises(OutputRefusedError, match="the size of this picture"):
        check_format(photo(1, 9000, 3, "uint8"), "WebP", scale=2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_every_level_survives_the_way_through_floats(dtype: str, data: st.DataObject) -> None:
    levels = 2 ** (8 * np.dtype(dtype).itemsize)
    start = data.draw(st.integers(0, levels - 256))
    samples = np.arange(start, start + 256).reshape(16, 16, 1).astype(dtype)
    after = round_trip(Photo(samples, "PNG"), "PNG")
    np.testing.assert_array_equal(after.samples, samples)


def test_pixels_are_planes_in_the_unit_interval_and_a_copy() -> None:
    before = photo(2, 3, 3, "uint16")
    pixels = before.pixels()
    assert pixels.shape == (1, 3, 2, 3)
    assert pixels.dtype == torch.float32
    assert pixels.min() >= 0
    assert pixels.max() == 1
    original = before.samples.copy()
    pixels.zero_()
    np.testing.assert_array_equal(before.samples, original)
    floats = photo(2, 3, 1, "float32")
    floats.pixels().zero_()
    assert floats.samples.any()


def test_values_outside_of_the_unit_interval_are_clipped() -> None:
    like = photo(1, 2, 1, "uint8")
    after = decode_photo(encode_photo(torch.tensor([[[[-0.5, 1.5]]]]), like, "PNG"), "x")
    assert after.samples.ravel().tolist() == [0, 255]


@pytest.mark.parametrize("wrong", [torch.full((1, 1, 1, 2), torch.nan), torch.zeros(1, 3, 1, 2), torch.zeros(1, 2)])
def test_pixels_that_cannot_be_a_picture_are_an_error(wrong: torch.Tensor) -> None:
    with pytest.raises(ValueError):
        encode_photo(wrong, photo(1, 2, 1, "uint8"), "PNG")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_enlarged_picture_gets_an_enlarged_alpha_and_true_sizes_in_exif(dtype: str) -> None:
    before = with_metadata(photo(3, 2, 3, dtype, alpha=True))
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    before = replace(before, alpha=np.full((3, 2), full, dtype))
    after = decode_photo(encode_photo(torch.zeros(1, 3, 12, 8), before, "TIFF"), "x")
    assert after.alpha is not None
    assert after.alpha.shape == (12, 8)
    assert (after.alpha == full).all()
    exif = described(after.exif)[34665].payload
    assert isinstance(exif, tuple)
    assert {field.tag: field.payload for field in exif if field.tag in (40962, 40963)} == {
        40962: b"\x08\0\0\0",
        40963: b"\x0c\0\0\0",
    }


def test_a_transparent_picture_that_is_enlarged_stays_within_range() -> None:
    edge = np.array([[0, 255], [255, 0]], np.uint8)
    before = replace(photo(2, 2, 1, "uint8"), alpha=edge)
    after = decode_photo(encode_photo(torch.zeros(1, 1, 8, 8), before, "PNG"), "x")
    assert after.alpha is not None
    assert after.alpha[0, 0] < 30 and after.alpha[0, 7] > 225  # bicubic overshoots, and must not wrap around


def test_premultiplied_alpha_goes_into_tiff_only() -> None:
    before = replace(photo(2, 2, 3, "uint8", alpha=True), premultiplied=True)
    assert round_trip(before, "TIFF").premultiplied
    with pytest.raises(OutputRefusedError, match=r"premultiplied alpha .* choose \.tif"):
        check_format(before, "PNG")


def test_metadata_crosses_over_to_other_formats() -> None:
    before = with_metadata(photo(5, 4, 3, "uint8"))
    for first in ("PNG", "JPEG", "WebP", "TIFF"):
        for second in ("PNG", "JPEG", "WebP", "TIFF"):
            after = round_trip(round_trip(before, first), second)
            assert (after.icc_profile, after.xmp) == (before.icc_profile, before.xmp)
            assert after.dpi == pytest.approx(before.dpi, rel=1e-4)
            assert described(after.exif) == described(before.exif)


def test_xmp_and_exif_are_said_to_be_upright_after_reading() -> None:
    before = with_metadata(photo(5, 4, 3, "uint8"), xmp=XMP, exif=None)
    assert round_trip(before, "PNG").xmp == XMP.replace(b'"6"', b'"1"')


def test_a_sheet_of_colours_is_a_png() -> None:
    array = photo(3, 4, 3, "uint8").samples
    np.testing.assert_array_equal(decode_photo(encode_rgb8(array), "x").samples, array)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_values_are_the_samples_and_come_back(dtype: str) -> None:
    before = photo(13, 5, 3, dtype)
    values = before.values()
    assert values.dtype == np.float64
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.array_equal(quantised(values, before.bit_depth), before.samples)
    assert np.allclose(values, before.pixels()[0].permute(1, 2, 0).numpy(), atol=1e-7)


def test_every_level_of_8_bits_survives_16() -> None:
    levels = np.arange(256, dtype=np.uint8)
    deep = quantised(in_unit_range(levels), 16)
    assert np.array_equal(deep, levels.astype(np.uint16) * 257)
    assert np.array_equal(quantised(in_unit_range(deep), 8), levels)


def test_what_is_outside_is_clipped_and_what_is_no_number_refused() -> None:
    assert quantised(np.array([-0.1, 0.5, 1.1]), 8).tolist() == [0, 128, 255]
    with pytest.raises(ValueError, match="not numbers"):
        quantised(np.array([np.nan]), 8)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WebP"])
def test_a_photo_is_encoded_as_it_stands(file_format: str) -> None:
    before = with_metadata(photo(13, 5, 3, "uint8", alpha=True))
    after = decode_photo(encode(before, file_format), "x")
    assert np.array_equal(after.samples, before.samples)
    assert np.array_equal(after.alpha, before.alpha)
    assert after.icc_profile == before.icc_profile
    assert encode(before, file_format) == encode_photo(before.pixels(), before, file_format)


def test_the_exif_block_follows_the_size_that_is_written() -> None:
    before = with_metadata(photo(13, 5, 3, "uint8"))
    smaller = replace(before, samples=before.samples[:6, :4].copy())
    nested = described(decode_photo(encode(smaller, "PNG"), "x").exif)[34665].payload
    assert {int.from_bytes(field.payload[:2], "little") for field in nested if field.tag in (40962, 40963)} == {4, 6}


def test_a_coarser_jpeg_is_smaller_and_keeps_the_metadata() -> None:
    before = with_metadata(photo(48, 64, 3, "uint8"))
    files = [encode_jpeg(before, quality=quality, subsampling="4:2:0") for quality in (5, 50, 95)]
    assert sorted(files, key=len) == files
    assert all(decode_photo(file, "x").icc_profile == before.icc_profile for file in files)
    with pytest.raises(OutputRefusedError, match="16-bit"):
        encode_jpeg(photo(8, 8, 3, "uint16"), quality=50, subsampling="4:2:0")
