"""Through the whole command: size, depth, alpha, profile, orientation and resolution of the input are the output's."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from support.builders import ICC, exif_block, jpeg_like_a_photo, pillow_file, png_of, samples, tiff_of
from support.running import Run, in_process_of_its_own, names, opened, picture

Command = Callable[..., Run]


def png_samples(path: Path) -> NDArray[np.generic]:
    """The (H, W) or (H, W, C) samples of a PNG in their own depth, by a decoder of its own."""
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (13, 5)])
def test_png_keeps_size_depth_channels_and_every_bit_of_alpha(
    size: tuple[int, int], channels: int, dtype: str, denoise: Command, tmp_path: Path
) -> None:
    array = samples(*size, channels, dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    # So few pixels say nothing of their noise, so the level is given.
    assert denoise(tmp_path / "in.png", "--sigma", "25", "--steps", "1", "-q").code == 0
    restored = png_samples(tmp_path / "in_denoised.png").reshape(array.shape)
    assert restored.dtype == array.dtype
    if channels in (2, 4):
        assert np.array_equal(restored[:, :, -1], array[:, :, -1])
    colours = slice(0, -1) if channels in (2, 4) else slice(None)
    # A single white pixel stays white.
    assert np.array_equal(restored[:, :, colours], array[:, :, colours]) == (size == (1, 1) and channels < 3)


def test_a_single_pixel_comes_back_as_it_is(denoise: Command, tmp_path: Path) -> None:
    array = samples(1, 1, 3, "uint8")
    (tmp_path / "in.png").write_bytes(png_of(array))
    assert denoise(tmp_path / "in.png", "--steps", "1", "-q").code == 0
    assert np.array_equal(png_samples(tmp_path / "in_denoised.png").reshape(array.shape), array)


def test_profile_resolution_and_exif_are_kept(denoise: Command, tmp_path: Path) -> None:
    image = Image.fromarray(samples(13, 5, 3, "uint8"))
    for name, options in (("in.png", {}), ("in.jpg", {"quality": 90}), ("in.tif", {}), ("in.webp", {})):
        image.save(tmp_path / name, icc_profile=ICC, dpi=(300, 300), exif=b"Exif\0\0" + exif_block(13, 5), **options)
        assert denoise(tmp_path / name).code == 0
        before, after = opened(tmp_path / name), opened(tmp_path / name.replace(".", "_denoised."))
        assert after.size == before.size == (5, 13)
        assert after.mode == before.mode
        assert after.format == before.format
        assert after.info["icc_profile"] == ICC
        assert dict(after.getexif())[271] == dict(before.getexif())[271]
        assert after.info.get("dpi") == pytest.approx(before.info.get("dpi"), abs=0.01)


def test_orientation_is_applied_once(denoise: Command, tmp_path: Path) -> None:
    source = tmp_path / "in.jpg"
    source.write_bytes(jpeg_like_a_photo(24, 40, exif=b"Exif\0\0" + exif_block(24, 40, orientation=6)))
    assert denoise(source, "--steps", "60", "--stop", "none", "--sigma", "5").code == 0
    upright, restored = ImageOps.exif_transpose(opened(source)), opened(tmp_path / "in_denoised.jpg")
    assert restored.size == upright.size == (24, 40)
    assert restored.getexif().get(274, 1) == 1
    wrong_way = upright.transpose(Image.Transpose.ROTATE_180)
    assert distance(restored, upright) < distance(restored, wrong_way)


def distance(first: Image.Image, second: Image.Image) -> float:
    """The mean squared difference of two pictures."""
    return float(np.square(np.asarray(first, float) - np.asarray(second, float)).mean())


def test_16_bit_tiff_stays_16_bit(denoise: Command, tmp_path: Path) -> None:
    array = samples(9, 14, 4, "uint16")
    (tmp_path / "in.tif").write_bytes(tiff_of(array, photometric="rgb", extrasamples=["unassalpha"]))
    assert denoise(tmp_path / "in.tif").code == 0
    restored = tifffile.imread(tmp_path / "in_denoised.tif")
    assert restored.dtype == np.uint16
    assert restored.shape == array.shape
    assert np.array_equal(restored[:, :, 3], array[:, :, 3])


def test_a_float_tiff_stays_float(denoise: Command, tmp_path: Path) -> None:
    (tmp_path / "in.tif").write_bytes(tiff_of(samples(9, 14, 3, "float32"), photometric="rgb"))
    assert denoise(tmp_path / "in.tif").code == 0
    assert tifffile.imread(tmp_path / "in_denoised.tif").dtype == np.float32


def test_a_palette_is_expanded_and_its_transparency_kept(denoise: Command, tmp_path: Path) -> None:
    array = samples(12, 10, 4, "uint8")
    image = Image.fromarray(array).quantize(16)
    image.save(tmp_path / "in.png")
    assert opened(tmp_path / "in.png").mode == "P"
    assert denoise(tmp_path / "in.png").code == 0
    expected = np.asarray(opened(tmp_path / "in.png").convert("RGBA"))[:, :, 3]
    assert np.array_equal(np.asarray(opened(tmp_path / "in_denoised.png").convert("RGBA"))[:, :, 3], expected)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".ppm"])
def test_the_output_is_of_the_format_that_its_suffix_names(suffix: str, denoise: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.bmp", 5, 13)
    output = tmp_path / f"out{suffix}"
    # A BMP states a resolution, which PNM cannot hold: a PNG without one stands in there.
    source = picture(tmp_path / "in.png", 5, 13) if suffix == ".ppm" else source
    run = denoise(source, "-o", output)
    assert run.code == 0, run.err
    assert run.out == os.fsencode(output) + b"\n"
    expected = {".jpg": "JPEG", ".tif": "TIFF", ".ppm": "PPM"}.get(suffix, suffix[1:].upper())
    with Image.open(output) as image:
        assert image.format == expected
        assert image.size == (13, 5)


def test_a_wrong_suffix_of_the_input_does_not_mislead(denoise: Command, tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_bytes(pillow_file(samples(5, 13, 3, "uint8"), "WEBP"))
    assert denoise(tmp_path / "in.jpg", "-o", tmp_path / "out.png").code == 0
    assert opened(tmp_path / "out.png").size == (13, 5)


@pytest.mark.parametrize(("plugin", "array_of"), [("PNG", (13, 5, 4)), ("TIFF", (13, 5, 1))])
def test_from_stdin_to_stdout_come_the_bytes_of_the_file(
    plugin: str, array_of: tuple[int, int, int], tmp_path: Path
) -> None:
    data = pillow_file(samples(*array_of, "uint8"), plugin)
    suffix = {"PNG": ".png", "TIFF": ".tif"}[plugin]
    (tmp_path / f"in{suffix}").write_bytes(data)
    options = ["--steps", "3", "--device", "cpu"]
    assert in_process_of_its_own("denoise", f"in{suffix}", "-o", f"out{suffix}", *options, cwd=tmp_path).code == 0
    before = names(tmp_path)
    run = in_process_of_its_own("denoise", "-", *options, data=data, cwd=tmp_path)
    assert run.code == 0, run.err
    assert names(tmp_path) == before
    with Image.open(io.BytesIO(run.out)) as image:
        assert image.format == plugin
        assert image.size == (5, 13)
    assert run.out == (tmp_path / f"out{suffix}").read_bytes()


def test_a_file_goes_to_stdout_and_stdin_to_a_file(tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", 5, 13)
    run = in_process_of_its_own("denoise", source, "-o", "-", "--steps", "1", "-q")
    assert run.code == 0
    assert run.err == b""
    assert Image.open(io.BytesIO(run.out)).size == (13, 5)
    output = tmp_path / "out.webp"
    run = in_process_of_its_own("denoise", "-", "-o", output, "--steps", "1", data=source.read_bytes())
    assert run.code == 0
    assert run.out == os.fsencode(output) + b"\n"
    assert opened(output).size == (13, 5)
