"""Noise as a camera's photo has it, through the real command."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pipcli.restoration import frame_networks, networks
from support.noise_pictures import camera_noise
from support.running import Run, lines_of, opened

Command = Callable[..., Run]
SIDE = 192


def clean(side: int = SIDE) -> NDArray[np.float64]:
    """Return a (side, side, 3) picture with a slow gradient and an edge, in [0, 1]."""
    y, x = np.mgrid[0:side, 0:side] / side
    picture = np.stack([0.3 + 0.3 * x, 0.4 + 0.2 * y, 0.5 - 0.2 * x], axis=-1)
    picture[side * 5 // 16 : side * 5 // 8, side * 5 // 24 : side * 35 // 48] += 0.2
    return picture


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    samples = clean() + camera_noise((SIDE, SIDE, 3), 6 / 255, 1.0)
    Image.fromarray((255 * samples).round().clip(0, 255).astype(np.uint8)).save(path)
    return path


def error(path: Path) -> float:
    return float(np.sqrt(np.mean((np.asarray(opened(path)) / 255 - clean()) ** 2)))


def test_told_nothing_the_command_takes_out_correlated_noise(noisy: Path, denoise: Command, tmp_path: Path) -> None:
    run = denoise(noisy, "--json")
    start = next(line for line in lines_of(run) if line["type"] == "start")
    assert (start["noise"]["kind"], start["noise"]["detected"]) == ("camera", True)
    assert start["noise"]["level"] == pytest.approx(6, rel=0.2)
    assert b"camera noise, correlated over" in run.err
    assert error(tmp_path / "in_denoised.png") < 0.6 * error(noisy)


def test_a_given_sigma_is_the_level_of_the_whole(noisy: Path, denoise: Command) -> None:
    start = next(line for line in lines_of(denoise(noisy, "--noise", "camera", "--sigma", "12", "--json")))
    assert start["noise"] == {
        "kind": "camera", "detected": False, "level": 12.0, "unit": "sigma", "origin": "given"
    }  # fmt: skip


def test_a_generator_without_filters_takes_out_correlated_noise(noisy: Path, denoise: Command, tmp_path: Path) -> None:
    run = denoise(noisy, "--prior", "dip", "--no-filters", "--steps", "60", "--json")
    result = next(line for line in lines_of(run) if line["type"] == "result")
    assert result["outcome"] in ("step_limit", "held_out")
    assert 50 < result["steps"][0] <= 60
    assert error(tmp_path / "in_denoised.png") < 0.75 * error(noisy)


def test_the_second_network_is_one_of_the_filters(noisy: Path, denoise: Command) -> None:
    run = denoise(noisy, "--no-filters", "--quality", "best")
    assert run.code == 2
    assert b"--no-filters" in run.err


def test_frames_with_correlated_noise_are_filtered_along_their_motion_without_networks(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object, **__: object) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr(networks, "build", build)
    monkeypatch.setattr(frame_networks, "build", build)
    folder = tmp_path / "frames"
    folder.mkdir()
    picture = clean(96)[:64, :64]
    for frame in range(4):
        samples = picture + camera_noise(picture.shape, 6 / 255, 1.0, seed=frame)
        Image.fromarray((255 * samples).round().clip(0, 255).astype(np.uint8)).save(folder / f"{frame}.png")
    errors = {}
    for way in ((), ("--per-frame",)):
        output = tmp_path / f"restored{len(way)}"
        output.mkdir()
        run = command("video", folder, "--noise", "camera", "-o", output, "--quality", "draft", *way)
        assert run.code == 0, run.err
        written = sorted((output if any(output.glob("*.png")) else next(output.iterdir())).glob("*.png"))
        assert len(written) == 4
        frames = np.stack([np.asarray(opened(path)) for path in written]) / 255
        errors[way] = float(np.sqrt(np.mean((frames - picture) ** 2)))
    assert errors["--per-frame",] < 0.75 * 6 / 255
    assert errors[()] < 0.8 * errors["--per-frame",]


def test_told_nothing_the_command_takes_out_the_grain_of_a_film_scan(denoise: Command, tmp_path: Path) -> None:
    """Blotchy, of 16 bits, and strongest in the middle of the range."""
    picture, shape = clean(), (SIDE, SIDE, 3)
    grey = camera_noise((SIDE, SIDE, 1), 1.0, 2.2, seed=3)
    grain = 0.6 * grey + 0.8 * (0.8 * camera_noise(shape, 1.0, 1.3) + 0.6 * camera_noise(shape, 1.0, 2.2, seed=1))
    brightness = picture.mean(axis=2, keepdims=True)
    curve = 0.35 + 0.65 * np.sqrt(4 * brightness * (1 - brightness))
    noisy = np.clip(picture + 9 / 255 * curve * grain, 0, 1)
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, np.round(65535 * noisy).astype(np.uint16), photometric="rgb")
    run = denoise(path, "--json")
    start = next(line for line in lines_of(run) if line["type"] == "start")
    assert start["noise"]["kind"] == "camera"
    written = tifffile.imread(tmp_path / "scan_denoised.tif") / 65535
    before, after = (float(np.mean((one - picture) ** 2)) for one in (noisy, written))
    assert 10 * np.log10(before / after) > 2
