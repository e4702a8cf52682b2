"""`--strength`: how much of the noise is taken out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.running import Run, lines_of, opened, smooth_picture

Command = Callable[..., Run]


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 48)


def taken(noisy: Path) -> float:
    """Return the mean square of what was taken from a picture."""
    result = np.asarray(opened(noisy.with_name("in_denoised.png")), dtype=float)
    return float(np.mean((result - np.asarray(opened(noisy), dtype=float)) ** 2))


@pytest.mark.parametrize("sigma", [(), ("--sigma", "25")])
def test_less_strength_takes_less(sigma: tuple[str, ...], noisy: Path, denoise: Command) -> None:
    found = []
    for strength in ("0.3", "1", "2"):
        run = denoise(noisy, *sigma, "--strength", strength, "--overwrite")
        assert run.code == 0, run.err
        found.append(taken(noisy))
    assert found[0] < 0.8 * found[1]
    assert found[1] <= found[2]


def test_the_level_that_is_told_is_the_one_that_is_taken_out(noisy: Path, denoise: Command) -> None:
    run = denoise(noisy, "--sigma", "25", "--strength", "0.5", "--json")
    assert next(iter(lines_of(run)))["noise"]["level"] == 12.5
    assert b"sigma 12.5 (given, strength 0.5)" in run.err


def test_no_strength_gives_the_picture_back(noisy: Path, denoise: Command) -> None:
    run = denoise(noisy, "--strength", "0", "--json")
    result = next(line for line in lines_of(run) if line["type"] == "result")
    assert result["outcome"] == "unasked"
    assert taken(noisy) == 0


@pytest.mark.parametrize("strength", ["-0.1", "2.1", "nan", "much"])
def test_other_strengths_are_refused(strength: str, noisy: Path, denoise: Command) -> None:
    run = denoise(noisy, "--strength", strength)
    assert run.code == 2
    assert not noisy.with_name("in_denoised.png").exists()
