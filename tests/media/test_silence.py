"""Which pixels of a picture have no say, and what stands in for them."""

import io
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from pipcli.errors import UnusableInputError
from pipcli.media import Photo, decode_photo, encode_photo, prepared
from pipcli.media.silence import empty_pixels, filled
from support.builders import samples

SIDE = 64
GDAL_NODATA = 42113


def disc(radius: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    return x**2 + y**2 < radius**2


def noisy(inside: NDArray[np.bool_], level: float, std: float, dtype: str = "uint16") -> NDArray[np.generic]:
    """A flat picture with noise, clipped at black, where a mask says, and exact zeros elsewhere."""
    values = np.random.default_rng(0).normal(level, std, inside.shape).clip(0, np.iinfo(dtype).max)
    return (values * inside).round().astype(dtype)[:, :, None]


def text_on_black() -> NDArray[np.generic]:
    picture = np.zeros((SIDE, SIDE, 1), np.uint8)
    picture[8:-8:10, 4:-4] = picture[8:-8, 6:-6:9] = 200
    return picture


def fading() -> NDArray[np.generic]:
    line = (np.arange(SIDE) - SIDE // 2).clip(0) ** 2 // 5
    return np.tile(line.astype(np.uint8)[:, None, None], (1, SIDE, 1))


@pytest.mark.parametrize(("dtype", "level"), [("uint16", 30_000), ("uint8", 120)])
def test_solid_zeros_next_to_a_picture_are_no_data(dtype: str, level: float) -> None:
    inside = disc(28)
    found = empty_pixels(Photo(noisy(inside, level, level / 8, dtype), "PNG"))
    assert found is not None
    assert np.array_equal(found, ~inside)


@pytest.mark.parametrize(
    "picture",
    [
        noisy(np.ones((SIDE, SIDE), bool), 0, 900),  # a black sky with noise, half of it cut off
        noisy(np.ones((SIDE, SIDE), bool), -2500, 1000),  # nearly all of it cut off
        text_on_black(),
        fading(),
        noisy(np.ones((SIDE, SIDE), bool), 30_000, 900),
        np.zeros((SIDE, SIDE, 1), np.uint8),
    ],
    ids=["noise", "specks", "text", "fading", "none", "black"],
)
def test_other_zeros_are_picture(picture: NDArray[np.generic]) -> None:
    assert empty_pixels(Photo(picture, "PNG")) is None
    assert prepared(Photo(picture, "PNG")).silent is None


def test_a_declared_value_is_believed_wherever_it_is_and_then_zeros_are_picture() -> None:
    picture = noisy(disc(28), 30_000, 900)
    picture[30, 30] = 65_535
    found = empty_pixels(Photo(picture, "TIFF", nodata=65_535.0))
    assert found is not None
    assert np.argwhere(found).tolist() == [[30, 30]]


@pytest.mark.parametrize("nodata", ["-9999", "nan", "-3.4028234663852886e+38"])
def test_floats_may_have_a_declared_value_that_is_no_brightness(nodata: str) -> None:
    array = samples(SIDE, SIDE, 1, "float32")[:, :, 0]
    array[:9] = np.float32(nodata)
    file = io.BytesIO()
    tifffile.imwrite(file, array, extratags=[(GDAL_NODATA, 2, 0, nodata, True)])
    photo = prepared(decode_photo(file.getvalue(), "x"))
    assert photo.silent is not None
    assert photo.silent[:9].all()
    assert not photo.silent[9:].any()
    assert bool(photo.pixels().isfinite().all())
    written = encode_photo(torch.full((1, 1, SIDE, SIDE), 0.5), photo, "TIFF")
    with tifffile.TiffFile(io.BytesIO(written)) as again:
        assert again.pages.first.tags[GDAL_NODATA].value.strip("\0") == nodata
        assert np.array_equal(again.asarray()[:9], array[:9], equal_nan=True)
        assert (again.asarray()[9:] == 0.5).all()
    undeclared = io.BytesIO()
    tifffile.imwrite(undeclared, array)
    with pytest.raises(UnusableInputError, match="not all in 0 to 1"):
        decode_photo(undeclared.getvalue(), "x")


def test_hidden_colours_have_no_say_and_come_back() -> None:
    colours = samples(SIDE, SIDE, 3, "uint8")
    alpha = np.where(disc(20), 255, 0).astype(np.uint8)
    photo = prepared(Photo(colours, "PNG", alpha=alpha))
    other = prepared(replace(photo, samples=np.where(disc(20)[:, :, None], colours, 77).astype(np.uint8)))
    assert torch.equal(photo.pixels(), other.pixels())
    after = decode_photo(encode_photo(torch.zeros(1, 3, SIDE, SIDE), photo, "PNG"), "x")
    assert np.array_equal(after.samples[alpha == 0], colours[alpha == 0])
    assert not after.samples[alpha > 0].any()


def test_without_a_visible_pixel_all_are_as_they_are() -> None:
    photo = prepared(Photo(samples(9, 9, 3, "uint8"), "PNG", alpha=np.zeros((9, 9), np.uint8)))
    assert bool(photo.pixels().isfinite().all())
    after = decode_photo(encode_photo(torch.zeros(1, 3, 9, 9), photo, "PNG"), "x")
    assert np.array_equal(after.samples, photo.samples)


def test_new_samples_are_not_put_back() -> None:
    colours = samples(SIDE, SIDE, 3, "uint8")
    photo = prepared(Photo(colours, "PNG", alpha=np.where(disc(20), 255, 0).astype(np.uint8)))
    made = np.zeros((SIDE, SIDE, 1), bool)
    made[:3] = True
    after = decode_photo(encode_photo(torch.zeros(1, 3, SIDE, SIDE), photo, "PNG", made), "x")
    assert not after.samples[:3].any()
    assert np.array_equal(after.samples[3:5], colours[3:5])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_premultiplied_colours_are_seen_straight_and_written_as_they_were(dtype: str) -> None:
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    alpha = np.linspace(0, 1, SIDE)[None, :].repeat(SIDE, 0)
    cast = (lambda x: x.astype(dtype)) if dtype == "float32" else (lambda x: (x * full).round().astype(dtype))
    photo = prepared(Photo(cast(0.6 * alpha)[:, :, None], "TIFF", alpha=cast(alpha), premultiplied=True))
    assert torch.allclose(photo.pixels()[..., 8:], torch.tensor(0.6), atol=0.02)
    after = decode_photo(encode_photo(photo.pixels(), photo, "TIFF"), "x")
    assert np.array_equal(after.samples, photo.samples)
    enlarged = decode_photo(encode_photo(torch.full((1, 1, 2 * SIDE, 2 * SIDE), 0.6), photo, "TIFF"), "x")
    assert enlarged.alpha is not None
    assert (enlarged.samples[:, :, 0] <= enlarged.alpha).all()


def test_what_fills_continues_what_is_around_it() -> None:
    ramp = torch.linspace(0.2, 0.8, 37).expand(1, 3, 25, 37)
    valid = torch.ones(1, 1, 25, 37, dtype=torch.bool)
    valid[..., 8:16, 10:22] = False
    holed = torch.where(valid, ramp, torch.nan)
    assert torch.allclose(filled(holed, valid), ramp, atol=0.06)
    one = torch.zeros(1, 1, 25, 37, dtype=torch.bool)
    one[..., 3, 4] = True
    assert torch.allclose(filled(ramp, one), ramp[..., 3:4, 4:5])


@pytest.mark.parametrize("scale", [2, 3])
def test_an_enlarged_picture_has_no_data_where_its_pixels_had_none(scale: int) -> None:
    inside = disc(28)
    photo = prepared(Photo(noisy(inside, 30_000, 900), "PNG"))
    large = torch.full((1, 1, scale * SIDE, scale * SIDE), 0.5)
    after = decode_photo(encode_photo(large, photo, "PNG"), "x").samples[:, :, 0]
    assert np.array_equal(after == 0, ~inside.repeat(scale, 0).repeat(scale, 1))
