"""Damage that leaves a picture to be read is told of, and files that only look strange are restored without a word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support import strange
from support.builders import jpeg_like_a_photo, png_of, samples
from support.running import Run, names, opened

Denoise = Callable[..., Run]

TOLD = {
    "PNG of 2 bits": (strange.png_of_four_colours(), "png", "its palette lacks the colour of 8 pixel(s)"),
    "PNG of 8 bits": (strange.png_of_many_colours(), "png", "its palette lacks the colour of 6 pixel(s)"),
    "BMP": (strange.bmp_of_few_colours(), "bmp", "its palette lacks the colour of 6 pixel(s)"),
    "JPEG with a surplus": (strange.jpeg_with_surplus(), "jpg", "some of its picture data are damaged"),
    "TIFF of too many values": (strange.tiff_with_shared_values(300, 1 << 20), "tif", "its EXIF data are too large"),
    "PNG with a bomb of a profile": (
        png_of(samples(4, 4, 3, "uint8"), (b"iCCP", b"p\0\0no deflate")), "png", "its colour profile is damaged"
    ),
    "PNG with damaged XMP": (
        png_of(samples(4, 4, 3, "uint8"), (b"iTXt", strange.XMP_KEYWORD + b"\1\0")), "png", "its XMP data are damaged"
    ),
}  # fmt: skip

SOUND = {
    "JPEG of runs": (jpeg_like_a_photo(restart_marker_blocks=1), "jpg"),
    "progressive JPEG": (jpeg_like_a_photo(progressive=True), "jpg"),
    "JPEG of one pixel": (jpeg_like_a_photo(1, 1), "jpg"),
    "TIFF with its resolution as a float": (strange.tiff_with_resolution_as_float(), "tif"),
    "TIFF with smaller copies": (strange.pyramid(), "tif"),
}


@pytest.mark.parametrize("name", TOLD)
def test_damage_that_leaves_a_picture_is_told(name: str, tmp_path: Path, denoise: Denoise) -> None:
    data, suffix, words = TOLD[name]
    (tmp_path / f"in.{suffix}").write_bytes(data)
    run = denoise(tmp_path / f"in.{suffix}", "-o", tmp_path / "out.png", "--sigma", "20", "--steps", "1")
    assert run.code == 0, run.err.decode()
    assert words in run.err.decode()
    assert opened(tmp_path / "out.png").size


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_raise_no_alarm(name: str, tmp_path: Path, denoise: Denoise) -> None:
    data, suffix = SOUND[name]
    (tmp_path / f"in.{suffix}").write_bytes(data)
    run = denoise(tmp_path / f"in.{suffix}", "-o", tmp_path / "out.png", "--sigma", "20", "--steps", "1")
    assert run.code == 0, run.err.decode()
    assert names(tmp_path) == {f"in.{suffix}", "out.png"}
    assert not any(word in run.err for word in (b"damaged", b"lacks", b"carried"))
