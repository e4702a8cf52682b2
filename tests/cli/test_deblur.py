"""`pip-restore deblur`: a known blur is taken back in its place, and kernels that are none are refused."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from support.builders import png_of, samples
from support.running import Run, lines_of, names

Command = Callable[..., Run]
SIDE = 64


def read(path: Path) -> NDArray[np.float64]:
    return np.asarray(imagecodecs.png_decode(path.read_bytes()), float)


@pytest.fixture
def blurred(command: Command, tmp_path: Path) -> Path:
    """Return a blurred picture, beside its sharp part and the kernel, made by `degrade blur`."""
    generator = np.random.default_rng(3)
    sharp = np.kron(generator.integers(30, 220, (SIDE // 8, SIDE // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    (tmp_path / "sharp.png").write_bytes(png_of(sharp))
    words = ("--motion", "7", "--angle", "40", "--save-kernel", tmp_path / "k.png", "-o", tmp_path / "in.png", "-q")
    assert command("degrade", "blur", tmp_path / "sharp.png", *words).code == 0
    return tmp_path / "in.png"


def test_a_known_blur_is_taken_back_in_its_place(command: Command, blurred: Path) -> None:
    words = (
        "--kernel-file",
        blurred.with_name("k.png"),
        "--reference",
        blurred.with_name("sharp.png"),
        "--device",
        "cpu",
    )
    run = command("deblur", blurred, *words, "--json", "--steps", "60")
    assert run.code == 0
    result = {line["type"]: line for line in lines_of(run)}["result"]
    assert result["metrics"]["gain"] > 3


def test_the_kernel_that_was_taken_is_kept(command: Command, blurred: Path) -> None:
    given, kept = blurred.with_name("k.png"), blurred.with_name("kept.png")
    run = command("deblur", blurred, "--kernel-file", given, "--save-kernel", kept, "--steps", "2", "-q")
    assert run.code == 0
    before, after = (read(path) / read(path).sum() for path in (given, kept))
    assert np.abs(before - after).max() < 1e-4


def test_a_blur_that_is_found_is_told_and_kept(command: Command, blurred: Path) -> None:
    kept = blurred.with_name("found.png")
    run = command("deblur", blurred, "--kernel-size", "9", "--save-kernel", kept, "--steps", "2", "--device", "cpu")
    assert run.code == 0
    assert "blur" in run.err.decode()
    assert read(kept).max() == 65535
    assert max(read(kept).shape) <= 13


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kernel-size", "8"), "odd"),
        (("--kernel-size", "1"), "--kernel-size"),
        (("--kernel-file", "black.png"), "black everywhere"),
        (("--kernel-file", "wide.png"), "255 a side"),
        (("--kernel-file", "nowhere.png"), "nowhere.png"),
        (("--kernel-file", "black.png", "--kernel-size", "5"), "leave out"),
        (("--save-kernel", "k.jpg"), "--save-kernel"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], message: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.png").write_bytes(png_of(samples(16, 16, 3, "uint8")))
    (tmp_path / "black.png").write_bytes(png_of(np.zeros((5, 5, 1), np.uint8)))
    (tmp_path / "wide.png").write_bytes(png_of(samples(3, 256, 1, "uint8")))
    run = command("deblur", tmp_path / "in.png", *words)
    assert run.code == 2
    assert message in run.message
    assert names(tmp_path) == {"in.png", "black.png", "wide.png"}
