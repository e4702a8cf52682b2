"""Which part of a file's range is taken for black to white."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.media import Photo, decode_photo, encode_photo, prepared
from pipcli.media.ranges import WHOLE, range_used

SIDE = 64


def spread(low: float, high: float, dtype: str) -> NDArray[np.generic]:
    """Samples all over a range, both ends included, in random order."""
    values = np.random.default_rng(0).permutation(np.linspace(low, high, SIDE**2)).reshape(SIDE, SIDE, 1)
    return values.astype(dtype) if dtype == "float32" else values.round().astype(dtype)


def used(samples: NDArray[np.generic], *, gathers_light: bool = False) -> tuple[float, float]:
    """The range in sample values."""
    full = 1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max
    found = range_used(samples, None, gathers_light=gathers_light)
    return round(found.low * full, 9), round(found.high * full, 9)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15])
def test_fewer_bits_in_sixteen_are_found(bits: int) -> None:
    assert used(spread(3, 0.9 * 2**bits, "uint16")) == (0, 2**bits - 1)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(0, 65535, "uint16"), (700, 40_000, "uint16"), (0, 1, "float32"), (0, 0.51, "float32"), (0, 40, "uint8")],
)
def test_a_picture_that_uses_its_range_keeps_it_and_so_do_eight_bits(low: float, high: float, dtype: str) -> None:
    assert range_used(spread(low, high, dtype), None, gathers_light=False) == WHOLE


@pytest.mark.parametrize("value", [0, 1, 30_000, 65_535])
def test_a_constant_has_a_range_all_the_same(value: int) -> None:
    found = range_used(np.full((4, 4, 1), value, np.uint16), None, gathers_light=False)
    assert 0 <= found.low < found.high <= 1


def test_small_floats_end_at_a_power_of_two() -> None:
    assert used(spread(0, 0.01, "float32")) == (0, 2**-6)


def test_a_constant_offset_is_left_out() -> None:
    low, high = used(spread(30_000, 31_000, "uint16"))
    assert 29_000 < low < 30_000
    assert 31_000 < high < 32_000


def test_few_samples_far_above_or_below_do_not_decide_but_where_light_is_gathered() -> None:
    stars = spread(0.001, 0.007, "float32")
    stars[::10, ::12] = 0.8
    assert used(stars) == (0, 2**-6)
    assert used(stars, gathers_light=True) == (0, 1)
    assert used(spread(0, 3000, "uint16"), gathers_light=True) == (0, 8191)
    dead = spread(30_000, 31_000, "uint16")
    dead[0, 0], dead[1, 1] = 0, 65_535
    assert used(dead) == pytest.approx(used(spread(30_000, 31_000, "uint16")), abs=300)


def test_lights_of_a_dark_picture_are_no_outliers() -> None:
    dark = spread(0, 5_000, "uint16")
    dark[:8, :32] = 30_000
    assert used(dark) == (0, 32_767)


def test_pixels_to_fill_and_pixels_without_data_do_not_decide() -> None:
    samples = spread(0, 1000, "uint16")
    samples[:20] = 65_535
    known = np.ones((SIDE, SIDE), bool)
    known[:20] = False
    for photo in (prepared(Photo(samples, "PNG"), known), prepared(Photo(samples, "TIFF", nodata=65_535))):
        assert round(photo.working.high * 65_535) == 1023


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_what_is_not_changed_comes_back_bit_for_bit_and_so_does_what_lies_beyond(dtype: str) -> None:
    samples = spread(0, 0.01, "float32") if dtype == "float32" else spread(30_000, 31_000, "uint16")
    samples[5, 5] = 0.9 if dtype == "float32" else 65_535
    photo = prepared(Photo(samples, "TIFF"))
    assert not photo.is_plain
    assert 0 <= float(photo.pixels().min()) < float(photo.pixels().max()) == 1
    assert np.array_equal(decode_photo(encode_photo(photo.pixels(), photo, "TIFF"), "x").samples, samples)
    changed = decode_photo(encode_photo(photo.pixels() * 0.9 + 0.01, photo, "TIFF"), "x").samples
    assert changed[5, 5] == samples[5, 5]
    assert (changed != samples).mean() > 0.9
