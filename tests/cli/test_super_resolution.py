"""`pip-restore sr`: any factor, in the right place, and true to the small picture."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.settings import KernelName
from support.builders import png_of, samples
from support.running import Run

Command = Callable[..., Run]


@pytest.fixture
def sr(command: Command) -> Command:
    def run(*arguments: str | Path) -> Run:
        return command("sr", "--device", "cpu", "-q", *arguments)

    return run


def written(path: Path) -> NDArray[np.float64]:
    return np.asarray(imagecodecs.png_decode(path.read_bytes()), float)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) samples of waves that any sensible enlargement gets right."""
    down, right = (np.arange(length)[:, None] / 24 for length in (height, width))
    waves = 128 + 80 * np.sin(down + 0.4) @ np.cos(right.T)
    return np.stack([waves, 255 - waves, waves], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("kernel", list(KernelName))
def test_the_result_made_small_again_is_the_input(
    kernel: KernelName, sr: Command, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "small.png").write_bytes(png_of(samples(24, 20, 3, "uint8") // 2 + 64))
    assert sr(tmp_path / "small.png", "--scale", "3", "--kernel", kernel, "--steps", "5").code == 0
    again = tmp_path / "again.png"
    assert (
        command(
            "degrade", "downsample", tmp_path / "small_x3.png", "--scale", "3", "--kernel", kernel, "-o", again
        ).code
        == 0
    )
    error = written(again) - written(tmp_path / "small.png")
    assert np.sqrt(np.square(error).mean()) < 0.5


@pytest.mark.parametrize("scale", [1, 1.5, 2, 2.6, 4])
def test_the_picture_stays_in_its_place(scale: float, sr: Command, tmp_path: Path) -> None:
    height, width = round(21 * scale), round(26 * scale)
    centres = [(np.arange(length) + 0.5) / scale - 0.5 for length in (height, width)]
    wave = 128 + 80 * np.sin(centres[0] / 5 + 0.4)[:, None] * np.cos(centres[1] / 5)[None]
    small = 128 + 80 * np.sin(np.arange(21) / 5 + 0.4)[:, None] * np.cos(np.arange(26) / 5)[None]
    (tmp_path / "small.png").write_bytes(png_of(small.round().astype(np.uint8)[:, :, None]))
    assert sr(tmp_path / "small.png", "--scale", f"{scale}", "--steps", "40", "-o", tmp_path / "large.png").code == 0
    large = written(tmp_path / "large.png")
    assert large.shape == (height, width)
    inside = np.s_[4:-4, 4:-4]
    error = np.abs(large - wave)[inside].mean()
    shifted = np.abs(np.roll(large, 1, axis=1) - wave)[inside].mean()
    assert error < 3.5
    assert scale == 1 or error < shifted


@pytest.mark.parametrize("scale", ["0.5", "17", "nan", "two"])
def test_factors_out_of_range_are_refused(scale: str, sr: Command, tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(png_of(samples(8, 8, 3, "uint8")))
    run = sr(tmp_path / "small.png", "--scale", scale)
    assert run.code == 2
    assert "--scale" in run.message


def test_a_single_pixel_and_a_row_become_larger(sr: Command, tmp_path: Path) -> None:
    for name, size in (("pixel", (1, 1)), ("row", (1, 9))):
        (tmp_path / f"{name}.png").write_bytes(png_of(samples(*size, 3, "uint8")))
        assert sr(tmp_path / f"{name}.png", "--scale", "2.5", "--steps", "2").code == 0
        height, width = written(tmp_path / f"{name}_x2.5.png").shape[:2]
        assert (height, width) == (int(size[0] * 2.5 + 0.5), int(size[1] * 2.5 + 0.5))


def test_noise_that_is_told_is_not_enlarged(sr: Command, tmp_path: Path) -> None:
    clean = np.full((48, 48, 3), 120.0)
    noisy = clean + np.random.default_rng(0).normal(0, 20, clean.shape)
    (tmp_path / "small.png").write_bytes(png_of(noisy.round().clip(0, 255).astype(np.uint8)))
    deviations = []
    for name, words in (("told.png", ("--sigma", "20")), ("untold.png", ())):
        assert sr(tmp_path / "small.png", "--scale", "2", "--steps", "60", "-o", tmp_path / name, *words).code == 0
        deviations.append(written(tmp_path / name).std())
    assert deviations[0] < deviations[1] / 2
