"""Through the whole command: what a file says of the size and the place of its pixels stays true of the result."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipcli.media.exif import Field, packed_block
from support.builders import jpeg_like_a_photo, png_of, samples, tiff_of
from support.running import Run, opened

Command = Callable[..., Run]
GREY = samples(8, 12, 1, "uint16")[:, :, 0]
KEYS_OF_POINTS = (1, 1, 0, 1, 1025, 0, 1, 2)  # GeoKeyDirectory: coordinates are of the pixels' centres


def enlarged(command: Command, source: Path, output: Path) -> Run:
    """Run `sr` by two, for a step."""
    run = command("sr", source, "--scale", "2", "-o", output, "--steps", "1", "--device", "cpu")
    assert run.code == 0, run.err.decode()
    return run


def tags_of(path: Path) -> dict[int, Any]:
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages.first.tags}


def geo_tiff(*tags: tuple[int, str, int, Any], **options: Any) -> bytes:
    return tiff_of(GREY, extratags=[(*tag, True) for tag in tags], **options)


def test_a_microscope_s_micrometres_are_kept_and_halved(command: Command, denoise: Command, tmp_path: Path) -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, GREY, imagej=True, resolution=(1 / 0.325, 1 / 0.5), metadata={"unit": "um"})
    (tmp_path / "in.tif").write_bytes(stream.getvalue())
    assert denoise(tmp_path / "in.tif", "-o", tmp_path / "same.tif", "--sigma", "5", "--steps", "1").code == 0
    enlarged(command, tmp_path / "in.tif", tmp_path / "large.tif")
    for name, factor in (("same.tif", 1), ("large.tif", 2)):
        tags = tags_of(tmp_path / name)
        assert "unit=um" in tags[270]
        assert tags[296] == 1
        assert [over / under for over, under in (tags[282], tags[283])] == pytest.approx([factor / 0.325, factor / 0.5])


def test_ome_s_size_and_pixel_size_are_those_of_the_result(command: Command, tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(tmp_path / "in.ome.tif", GREY, ome=True, metadata=sizes)
    enlarged(command, tmp_path / "in.ome.tif", tmp_path / "out.ome.tif")
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        assert file.series[0].shape == (16, 24)
        assert 'SizeX="24" SizeY="16"' in file.ome_metadata
        assert 'PhysicalSizeX="0.1625"' in file.ome_metadata
        assert 'PhysicalSizeY="0.25"' in file.ome_metadata


def test_a_map_s_pixels_are_half_as_wide_and_where_they_were(command: Command, tmp_path: Path) -> None:
    tie, scale = (2.0, 1.0, 0.0, 500_000.0, 4e6, 0.0), (10.0, 20.0, 0.0)
    (tmp_path / "in.tif").write_bytes(geo_tiff((33550, "d", 3, scale), (33922, "d", 6, tie)))
    enlarged(command, tmp_path / "in.tif", tmp_path / "out.tif")
    tags = tags_of(tmp_path / "out.tif")
    assert tags[33550] == (5.0, 10.0, 0.0)
    assert tags[33922] == (4.0, 2.0, 0.0, 500_000.0, 4e6, 0.0)


def test_a_map_whose_coordinates_are_of_centres_moves_by_half_a_pixel(command: Command, tmp_path: Path) -> None:
    keys = (34735, "H", len(KEYS_OF_POINTS), KEYS_OF_POINTS)
    matrix = (10.0, 0, 0, 500.0, 0, -10.0, 0, 4000.0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)
    tie = (0.0, 0.0, 0.0, 500.0, 4000.0, 0.0)
    (tmp_path / "in.tif").write_bytes(geo_tiff(keys, (33922, "d", 6, tie), (34264, "d", 16, matrix)))
    enlarged(command, tmp_path / "in.tif", tmp_path / "out.tif")
    tags = tags_of(tmp_path / "out.tif")
    assert tags[33922][:2] == (0.5, 0.5)  # the centre of the first pixel is the corner where four of the new ones meet
    # The centre of the first new pixel lies a quarter of an old pixel up and to the left.
    assert [tags[34264][at] for at in (0, 3, 5, 7)] == pytest.approx([5.0, 497.5, -5.0, 4002.5])


def test_what_cannot_be_scaled_is_left_out_with_a_word(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.tif").write_bytes(geo_tiff((50844, "d", 92, tuple(range(92)))))
    run = enlarged(command, tmp_path / "in.tif", tmp_path / "out.tif")
    assert b"RPC model" in run.err
    assert 50844 not in tags_of(tmp_path / "out.tif")


def test_the_place_of_a_turned_map_is_left_out_with_a_word(denoise: Command, tmp_path: Path) -> None:
    (tmp_path / "in.tif").write_bytes(geo_tiff((33550, "d", 3, (10.0, 10.0, 0.0)), (274, "H", 1, 6)))
    run = denoise(tmp_path / "in.tif", "-o", tmp_path / "out.tif", "--sigma", "5", "--steps", "1")
    assert run.code == 0
    assert b"geographic place" in run.err
    assert 33550 not in tags_of(tmp_path / "out.tif")


def test_dots_an_inch_double_with_the_pixels(command: Command, tmp_path: Path) -> None:
    resolution = [Field(tag, 5, 1, struct.pack("<II", 300, 1)) for tag in (282, 283)]
    focal = Field(34665, 4, 1, tuple(Field(tag, 5, 1, struct.pack("<II", 4000, 3)) for tag in (41486, 41487)))
    block = packed_block([*resolution, Field(296, 3, 1, b"\2\0"), focal], "<")
    (tmp_path / "in.jpg").write_bytes(jpeg_like_a_photo(8, 12, dpi=(300, 300), exif=b"Exif\0\0" + block))
    for name in ("out.jpg", "out.png", "out.webp", "out.tif"):
        enlarged(command, tmp_path / "in.jpg", tmp_path / name)
        written = opened(tmp_path / name)
        exif = written.getexif()
        assert exif[282] == pytest.approx(600)
        assert exif.get_ifd(34665)[41486] == pytest.approx(8000 / 3)
        if name != "out.webp":  # for which Pillow does not read it from there
            assert written.info["dpi"] == pytest.approx((600, 600), rel=1e-4)


def test_png_s_own_scale_and_shape_and_xmp_s_copies_are_scaled(command: Command, tmp_path: Path) -> None:
    xmp = b'<x exif:PixelXDimension="12" tiff:XResolution="72/1"><tiff:ImageLength>8</tiff:ImageLength></x>'
    chunks = ((b"sCAL", b"\x010.25\x000.5"), (b"pHYs", struct.pack(">IIB", 2, 3, 0)))
    packet = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    (tmp_path / "in.png").write_bytes(png_of(samples(8, 12, 3, "uint8"), *chunks, packet))
    enlarged(command, tmp_path / "in.png", tmp_path / "out.png")
    data = (tmp_path / "out.png").read_bytes()
    assert b"sCAL\x010.125\x000.25" in data
    assert b"pHYs" + struct.pack(">IIB", 2, 3, 0) in data
    assert b'exif:PixelXDimension="24" tiff:XResolution="144/1"' in data
    assert b"<tiff:ImageLength>16</tiff:ImageLength>" in data


def test_a_picture_made_smaller_on_purpose_has_larger_pixels(command: Command, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "in.png", dpi=(300, 300))
    words = ("--scale", "2", "-o", tmp_path / "out.png")
    assert command("degrade", "downsample", tmp_path / "in.png", *words).code == 0
    assert opened(tmp_path / "out.png").info["dpi"] == pytest.approx((150, 150), rel=1e-3)
