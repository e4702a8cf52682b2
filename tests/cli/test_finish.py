"""What the command makes of the networks' picture: never worse than the input, and in time."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipcli.jobs.photos import job
from pipcli.refine.r2r import Branch
from support.running import Run, lines_of, opened, smooth_picture

Command = Callable[..., Run]


def textured(folder: Path, sigma: float, channels: int) -> tuple[Path, Path]:
    """Write a picture that is smooth on the left and full of fine waves and edges on the right, clean and noisy."""
    draw = np.random.default_rng(1)
    rows, columns = np.mgrid[:80, :96]
    waves = 35 * np.sin(2.1 * rows + 0.3 * columns) + 30 * ((rows // 5 + columns // 7) % 2)
    clean = 90 + columns / 2 + np.where(columns < 40, 0, waves)
    clean = np.repeat(np.round(clean)[:, :, None], channels, axis=2)
    noisy = np.clip(np.round(clean + sigma * draw.standard_normal(clean.shape)), 0, 255)
    paths = folder / "clean.png", folder / "noisy.png"
    for path, samples in zip(paths, (clean, noisy), strict=True):
        Image.fromarray(samples.astype(np.uint8).squeeze()).save(path)
    return paths


@pytest.mark.parametrize("sigma", [2, 10, 40])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("told", [True, False])
def test_it_is_not_worse_than_the_input_however_little_the_networks_know(
    sigma: float, channels: int, told: bool, denoise: Command, tmp_path: Path
) -> None:
    clean, noisy = textured(tmp_path, sigma, channels)
    level = ("--sigma", str(sigma)) if told else ("--noise", "gaussian")
    result = lines_of(denoise(noisy, "--reference", clean, "--json", "--steps", "5", *level))[-2]
    assert result["metrics"]["psnr"] >= result["metrics"]["psnr_input"] - 0.02


def interrupting(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Branch.train

    def interrupted(branch: Branch, *arguments: Any) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return train(branch, *arguments)

    monkeypatch.setattr(Branch, "train", interrupted)


def test_an_interruption_while_the_branch_learns_writes_the_picture_without_it(
    denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupting(monkeypatch)
    run = denoise(smooth_picture(tmp_path / "in.png", 32), "--quality", "best", "--sigma", "20")
    assert run.code == 130
    assert "written without it" in run.err.decode()
    assert opened(tmp_path / "in_denoised.png").size == (32, 32)


def test_the_time_limit_is_of_the_branch_too(denoise: Command, tmp_path: Path) -> None:
    source = smooth_picture(tmp_path / "in.png", 32)
    run = denoise(source, "--quality", "best", "--sigma", "20", "--time-limit", "0.01")
    assert run.code == 0
    assert "written without it" in run.err.decode()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_fit_is_not_lost_when_the_filters_run_out_of_memory(
    error: Exception, denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "finish", raising(error))
    run = denoise(smooth_picture(tmp_path / "in.png", 32), "--sigma", "20", "--steps", "5")
    assert run.code == 0
    assert b"the filters ran out of memory: the networks' picture is written" in run.err
    assert opened(tmp_path / "in_denoised.png").size == (32, 32)


def test_another_error_of_the_filters_is_not_hidden(
    denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "finish", raising(RuntimeError("a defect")))
    with pytest.raises(RuntimeError, match="a defect"):
        denoise(smooth_picture(tmp_path / "in.png", 32), "--sigma", "20", "--steps", "5")
    assert not (tmp_path / "in_denoised.png").exists()


def raising(error: Exception) -> Callable[..., None]:
    """A function that raises, whatever it is called with."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
