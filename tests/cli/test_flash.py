"""`pip-restore flash`: light of one photo, detail of the other."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np

from support.builders import png_of, samples
from support.running import Run, names

Command = Callable[..., Run]
SIDE = 64


def test_light_is_of_the_dark_picture_and_detail_of_the_flash(command: Command, tmp_path: Path) -> None:
    down, right = np.mgrid[0:SIDE, 0:SIDE]
    detail = ((down // 8 + right // 8) % 2)[:, :, None]
    warm, cold = np.array([90.0, 50, 30]), np.array([150.0, 160, 170])
    dark = warm * (0.7 + 0.6 * detail)
    noisy = dark + np.random.default_rng(0).normal(0, 25, dark.shape)
    (tmp_path / "dark.png").write_bytes(png_of(noisy.round().clip(0, 255).astype(np.uint8)))
    (tmp_path / "flash.png").write_bytes(png_of((cold * (0.7 + 0.6 * detail)).round().clip(0, 255).astype(np.uint8)))
    run = command("flash", tmp_path / "dark.png", "--guide", tmp_path / "flash.png", "--device", "cpu", "-q")
    assert run.code == 0
    restored = np.asarray(imagecodecs.png_decode((tmp_path / "dark_flash.png").read_bytes()), float)
    assert np.sqrt(np.square(restored - dark).mean()) < 7


def test_a_guide_of_another_size_or_none_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(16, 16, 3, "uint8")))
    (tmp_path / "guide.png").write_bytes(png_of(samples(16, 17, 3, "uint8")))
    run = command("flash", tmp_path / "in.png", "--guide", tmp_path / "guide.png")
    assert run.code == 2
    assert "they must match" in run.message
    assert "--guide" in command("flash", tmp_path / "in.png").message
    assert names(tmp_path) == {"in.png", "guide.png"}
