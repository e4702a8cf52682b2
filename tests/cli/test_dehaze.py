"""`pip-restore dehaze`: clearer than the input, what it found is told, and what has no meaning is refused."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from support.builders import png_of, samples
from support.running import Run, lines_of, names

Command = Callable[..., Run]
HEIGHT, WIDTH = 48, 64


@pytest.fixture
def hazy(command: Command, tmp_path: Path) -> Path:
    """Return a hazy picture, made by `degrade haze` of a clear one that lies beside it."""
    generator = np.random.default_rng(0)
    clear = np.kron(generator.integers(0, 200, (HEIGHT // 4, WIDTH // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    (tmp_path / "clear.png").write_bytes(png_of(clear))
    words = ("--airlight", "0.8", "--beta", "1", "-o", tmp_path / "hazy.png", "-q")
    assert command("degrade", "haze", tmp_path / "clear.png", *words).code == 0
    return tmp_path / "hazy.png"


def test_the_scene_is_clearer_and_the_finds_are_told(command: Command, hazy: Path) -> None:
    written = hazy.with_name("t.png")
    words = ("--reference", hazy.with_name("clear.png"), "--transmission", written, "--device", "cpu", "--json")
    run = command("dehaze", hazy, *words)
    assert run.code == 0
    result = {line["type"]: line for line in lines_of(run)}["result"]
    assert result["metrics"]["gain"] > 0
    assert len(result["found"]["airlight"]) == 3
    assert "airlight 0." in run.err.decode()
    transmission = np.asarray(imagecodecs.png_decode(written.read_bytes()))
    assert (transmission.shape, transmission.dtype) == ((HEIGHT, WIDTH), np.uint16)


def test_what_is_known_can_be_given(command: Command, hazy: Path, tmp_path: Path) -> None:
    (tmp_path / "all.png").write_bytes(png_of(np.full((HEIGHT, WIDTH, 1), 255, np.uint8)))
    run = command(
        "dehaze", hazy, "--given-transmission", tmp_path / "all.png", "--airlight", "0.8", "--steps", "2", "-q"
    )
    assert run.code == 0
    before, after = (
        np.asarray(imagecodecs.png_decode(path.read_bytes()), float) for path in (hazy, tmp_path / "hazy_dehazed.png")
    )
    # Where all light arrives there is nothing to take off; finest details are damped by what noise they may have.
    assert np.abs(before - after).max() <= 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--airlight", "0.5,2,0.1"), "--airlight"),
        (("--airlight", "grey"), "--airlight"),
        (("--sigma", "5"), "--sigma does not apply"),
        (("--prior", "dip"), "--prior does not apply"),
        (("--quality", "best"), "--quality does not apply"),
        (("--uncertainty", "u.png"), "--uncertainty does not apply"),
        (("--transmission", "t.jpg"), "--transmission"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], message: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(16, 16, 3, "uint8")))
    run = command("dehaze", tmp_path / "in.png", *words)
    assert run.code == 2
    assert message in run.message
    assert names(tmp_path) == {"in.png"}


def test_a_colour_of_haze_for_a_grey_picture_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(16, 16, 1, "uint8")))
    run = command("dehaze", tmp_path / "in.png", "--airlight", "0.5,0.6,0.7", "--steps", "1", "-q")
    assert run.code == 2
    assert "give one" in run.message


def test_a_given_transmission_of_another_size_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(16, 16, 3, "uint8")))
    (tmp_path / "t.png").write_bytes(png_of(samples(16, 17, 1, "uint8")))
    run = command("dehaze", tmp_path / "in.png", "--given-transmission", tmp_path / "t.png")
    assert run.code == 2
    assert "--given-transmission" in run.message
    assert "they must match" in run.message
