"""PNM in all six variants."""

import io

import numpy as np
import pytest
from PIL import Image

from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo, encode_photo
from support.builders import photo, samples


@pytest.mark.parametrize(
    ("data", "dtype", "expected"),
    [
        (b"P1\n# a comment\n3 1\n101", "uint8", [0, 255, 0]),
        (b"P1 3 1\n1 0 1\n", "uint8", [0, 255, 0]),
        (b"P2 2 1 255\n7 255\n", "uint8", [7, 255]),
        (b"P2 2 1 65535\n7 65535\n", "uint16", [7, 65535]),
        (b"P2 2 1 15\n5 # five\n15\n", "uint8", [85, 255]),
        (b"P3 1 1 1023\n0 1023 512", "uint16", [0, 65535, 32800]),
        (b"P4 9 1\n\xaa\x80", "uint8", [0, 255, 0, 255, 0, 255, 0, 255, 0]),
        (b"P5 2 1 255\n\x07\xff", "uint8", [7, 255]),
        (b"P5\n#c\n2 1\n#d\n65535\n\x00\x07\xff\xff", "uint16", [7, 65535]),
        (b"P6 1 1 65535\n\x00\x01\x00\x02\xff\xff", "uint16", [1, 2, 65535]),
        (b"P6 1 1 15\n\x00\x05\x0f", "uint8", [0, 85, 255]),
    ],
)
def test_every_variant_is_read(data: bytes, dtype: str, expected: list[int]) -> None:
    read = decode_photo(data, "x")
    assert read.samples.dtype == dtype
    assert read.samples.ravel().tolist() == expected


def test_a_binary_sample_that_looks_like_a_space_is_a_sample() -> None:
    assert decode_photo(b"P5 2 1 255\n\n#", "x").samples.ravel().tolist() == [10, 35]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read_by_pillow(channels: int) -> None:
    before = photo(3, 5, channels, "uint8")
    with Image.open(io.BytesIO(encode_photo(before.pixels(), before, "PNM"))) as image:
        np.testing.assert_array_equal(np.asarray(image).reshape(3, 5, channels), before.samples)


def test_sixteen_bits_are_written_with_the_high_byte_first() -> None:
    before = photo(2, 3, 3, "uint16")
    data = encode_photo(before.pixels(), before, "PPM")
    assert data == b"P6\n3 2\n65535\n" + samples(2, 3, 3, "uint16").astype(">u2").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"P2 2 1 255\n7",
        b"P2 2 1 255\n7 -5",
        b"P2 2 1 255\n7 256",
        b"P2 2 1 255\n7 99999999999",
        b"P2 2 1 255\n7 x",
        b"P2 2 1 0\n0 0",
        b"P5 2 1 65536\n\0\0\0\0",
        b"P5 2 1 255\n\0",
        b"P6 2\n",
        b"P1 2 1 31",
    ],
)
def test_nonsense_is_damage(data: bytes) -> None:
    with pytest.raises(UnusableInputError, match="damaged"):
        decode_photo(data, "x")
