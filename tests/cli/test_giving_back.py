"""How much of the residual goes back into the file depends on the noise that is really there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running import Run, opened

LEVEL, SIGMA = 128, 40


@pytest.fixture
def flat_with_noise(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).normal(0, SIGMA, (96, 96, 3))
    path = tmp_path / "in.png"
    Image.fromarray(np.clip(LEVEL + noise, 0, 255).round().astype(np.uint8)).save(path)
    return path


def error(path: Path) -> float:
    return float(((np.asarray(opened(path), dtype=float) - LEVEL) ** 2).mean())


def test_a_sigma_far_below_the_noise_does_not_give_the_noise_back(
    denoise: Callable[..., Run], flat_with_noise: Path, tmp_path: Path
) -> None:
    right, low = tmp_path / "right.png", tmp_path / "low.png"
    assert denoise(flat_with_noise, "--sigma", str(SIGMA), "--steps", "80", "-o", right).code == 0
    assert denoise(flat_with_noise, "--sigma", "12", "--steps", "80", "-o", low).code == 0
    assert error(right) < error(flat_with_noise) / 10
    assert error(low) < 1.2 * error(right)
