"""`pip-restore enhance`: detail is added or taken, dark and bright alike, and a strength of 0 changes nothing."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from support.builders import jpeg_like_a_photo, png_of, samples
from support.running import Run

Command = Callable[..., Run]


@pytest.fixture
def enhance(command: Command) -> Command:
    def run(*arguments: str | Path) -> Run:
        return command("enhance", "--device", "cpu", "--steps", "20", "-q", *arguments)

    return run


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_no_strength_gives_every_sample_back(dtype: str, channels: int, enhance: Command, tmp_path: Path) -> None:
    array = samples(20, 24, channels, dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    assert enhance(tmp_path / "in.png", "--strength", "0").code == 0
    restored = np.asarray(imagecodecs.png_decode((tmp_path / "in_enhanced.png").read_bytes()))
    assert np.array_equal(restored.reshape(array.shape), array)


def test_no_strength_gives_a_jpeg_file_back_as_it_is(enhance: Command, tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_bytes(jpeg_like_a_photo(24, 40))
    assert enhance(tmp_path / "in.jpg", "--strength", "0").code == 0
    assert (tmp_path / "in_enhanced.jpg").read_bytes() == (tmp_path / "in.jpg").read_bytes()


def test_strength_goes_both_ways(enhance: Command, tmp_path: Path) -> None:
    down, right = np.mgrid[0:64, 0:64]
    detailed = 128 + 30 * np.sin(down / 20) + 12 * ((down // 2 + right // 2) % 2 * 2 - 1)
    (tmp_path / "in.png").write_bytes(png_of(detailed.round().astype(np.uint8)[:, :, None]))
    deviations = []
    for name, strength in (("less.png", "-1"), ("as.png", "0"), ("more.png", "1")):
        assert enhance(tmp_path / "in.png", "--strength", strength, "-o", tmp_path / name).code == 0
        picture = np.asarray(imagecodecs.png_decode((tmp_path / name).read_bytes()), float)
        deviations.append(float(np.abs(np.diff(picture, axis=1)).mean()))
    assert deviations[0] < 0.6 * deviations[1]
    assert deviations[2] > 1.4 * deviations[1]


@pytest.mark.parametrize("strength", ["-1.5", "11", "nan"])
def test_strengths_out_of_range_are_refused(strength: str, enhance: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(8, 8, 3, "uint8")))
    run = enhance(tmp_path / "in.png", "--strength", strength)
    assert run.code == 2
    assert "strength" in run.message
