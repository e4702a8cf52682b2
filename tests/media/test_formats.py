"""Names of formats by suffix and by first bytes."""

import os
from pathlib import Path

import pytest

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media import format_for
from pipcli.media.formats import sniff


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("a.png", "PNG"),
        ("a.JPG", "JPEG"),
        ("a.b.jpeg", "JPEG"),
        ("a.tiff", "TIFF"),
        ("a.Tif", "TIFF"),
        ("a.webp", "WebP"),
        ("a.bmp", "BMP"),
        ("a.ppm", "PPM"),
        ("a.pgm", "PGM"),
        ("a.pnm", "PNM"),
    ],
)
def test_the_suffix_names_the_format(name: str, file_format: str) -> None:
    assert format_for(Path(name)) == file_format


@pytest.mark.parametrize("name", ["a", "a.gif", "png", ".png", "a.png ", os.fsdecode(b"a.p\xffg"), "a.p\ng"])
def test_other_suffixes_are_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(OutputRefusedError, match=r"\.png \.jpg \.webp \.tif ") as refusal:
        format_for(Path(name))
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("data", [b"\x89PNG", b"\xff\xd8", b"II*", b"P6", b"RIFF....WEBX", b"hello", b"\0" * 64])
def test_what_is_no_picture_is_not_taken_for_one(data: bytes) -> None:
    with pytest.raises(UnusableInputError, match="x is not a picture in a known format: PNG, JPEG"):
        sniff(data, "x")
