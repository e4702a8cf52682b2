"""What an encoder refuses is found before the work; and if one fails after it all the same, the result is not lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.jobs.photos import job as photo_job
from support import strange
from support.builders import ICC, jpeg_like_a_photo, pillow_file, png_of, samples, tiff_of
from support.running import Run, names, opened

Command = Callable[..., Run]
XMP = (b"iTXt", strange.XMP_KEYWORD + b"\0\0\0\0<x>" + b"p" * 70_000 + b"</x>")


def with_damaged_exif() -> bytes:
    return strange.jpeg_with_exif(strange.damaged_exif_block())


LEFT_OUT = {
    "damaged EXIF of a JPEG, in TIFF": (with_damaged_exif(), "jpg", "tif", "its EXIF data are damaged"),
    "damaged EXIF of a JPEG, in WebP": (with_damaged_exif(), "jpg", "webp", "its EXIF data are damaged"),
    "damaged EXIF of a PNG, in TIFF": (
        png_of(samples(8, 8, 3, "uint8"), (b"eXIf", strange.damaged_exif_block())), "png", "tif", "its EXIF data are"
    ),
    "a bomb of EXIF in TIFF": (
        strange.jpeg_with_exif(strange.nested_exif_block(600, 14_000)), "jpg", "tif", "its EXIF data are damaged"
    ),
    "chunks of PNG in JPEG": (
        png_of(samples(8, 8, 3, "uint8"), (b"tEXt", b"Comment\0x")), "png", "jpg", "its PNG chunks tEXt are not carried"
    ),
}  # fmt: skip
REFUSED = {
    "long XMP": (png_of(samples(8, 8, 3, "uint8"), XMP), "png", "the long XMP data"),
    "a huge profile": (
        tiff_of(samples(8, 8, 3, "uint8"), photometric="rgb", iccprofile=ICC + bytes(17 << 20)), "tif", "colour profile"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_format_cannot_hold_is_left_out_with_a_word(name: str, tmp_path: Path, denoise: Command) -> None:
    data, suffix, asked, words = LEFT_OUT[name]
    (tmp_path / f"in.{suffix}").write_bytes(data)
    run = denoise(tmp_path / f"in.{suffix}", "-o", tmp_path / f"out.{asked}", "--sigma", "20", "--steps", "1")
    assert run.code == 0, run.err.decode()
    said = run.err.decode()
    assert words in said
    assert said.index(words) < said.index("step 1 of")
    assert opened(tmp_path / f"out.{asked}").size == opened(tmp_path / f"in.{suffix}").size


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_user_should_decide_on_is_refused_before_the_work(name: str, tmp_path: Path, denoise: Command) -> None:
    data, suffix, words = REFUSED[name]
    (tmp_path / f"in.{suffix}").write_bytes(data)
    run = denoise(tmp_path / f"in.{suffix}", "-o", tmp_path / "out.jpg", "--sigma", "20")
    assert run.code == 2
    assert words in run.message
    assert names(tmp_path) == {f"in.{suffix}"}


@pytest.mark.parametrize(
    ("source", "rescued"),
    [
        (pillow_file(samples(8, 8, 4, "uint8"), "WEBP", lossless=True), "out_rescued.png"),
        (jpeg_like_a_photo(8, 8), "out_rescued.png"),
        (tiff_of(samples(8, 8, 3, "float32"), photometric="rgb"), "out_rescued.tif"),
    ],
)
def test_a_result_whose_encoder_fails_is_written_beside_it_and_named(
    source: bytes, rescued: str, tmp_path: Path, denoise: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> bytes:
        raise RuntimeError("the encoder\nhas failed")

    monkeypatch.setattr(photo_job, "encode_photo", failing)
    (tmp_path / "in").write_bytes(source)
    run = denoise(tmp_path / "in", "-o", tmp_path / "out.tif", "--sigma", "20", "--steps", "1")
    assert run.code == 1
    last = run.err.decode().splitlines()[-1]
    assert "(the encoder): the result is" in last
    assert last.count(rescued) == 1
    assert names(tmp_path) == {"in", rescued}
    if rescued.endswith(".png"):
        assert opened(tmp_path / rescued).size == (8, 8)


def test_a_second_rescue_takes_no_name_that_is_taken(
    tmp_path: Path, denoise: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_job, "encode_photo", lambda *_: 1 / 0)
    (tmp_path / "in.png").write_bytes(png_of(samples(8, 8, 3, "uint8")))
    (tmp_path / "out_rescued.png").write_bytes(b"somebody's")
    assert denoise(tmp_path / "in.png", "-o", tmp_path / "out.webp", "--sigma", "20", "--steps", "1").code == 1
    assert names(tmp_path) == {"in.png", "out_rescued.png", "out_rescued_2.png"}
    assert (tmp_path / "out_rescued.png").read_bytes() == b"somebody's"
