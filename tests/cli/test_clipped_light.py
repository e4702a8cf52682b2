"""Through the whole command: light that the camera cut off is a limit to what came, not what came."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.degradations import Blur
from support.builders import png_of
from support.running import Run, opened

Command = Callable[..., Run]
Picture = NDArray[np.float64]
REACH = 7


def scene() -> Picture:
    """A dim picture with edges, (40, 56, 3), to 0.5 at most."""
    y, x = np.mgrid[0:40, 0:56]
    plane = 0.2 + 0.12 * np.sin(x / 7) * np.cos(y / 5) + 0.15 * ((x // 14 + y // 10) % 2)
    return plane[:, :, None] * np.array([1.0, 0.8, 0.6])


def with_lamps(picture: Picture, radiance: tuple[float, float, float]) -> Picture:
    """The picture with three lamps of two by two pixels, as light."""
    lit = picture.copy()
    for top, left in ((6, 10), (20, 40), (32, 22)):
        lit[top : top + 2, left : left + 2] = radiance
    return lit


def blurred(light: Picture, *, down: bool) -> Picture:
    """A box of seven pixels along one axis, with the edges repeated."""
    light = light.swapaxes(0, 1) if down else light
    padded = np.pad(light, ((0, 0), (REACH // 2,) * 2, (0, 0)), mode="edge")
    mean = sum(padded[:, at : at + light.shape[1]] for at in range(REACH)) / REACH
    return mean.swapaxes(0, 1) if down else mean


def decibels(first: Picture, second: Picture) -> float:
    return float(-10 * np.log10(np.square(first - second).mean()))


def deblurred(command: Command, folder: Path, seen: Picture, *, down: bool) -> Picture:
    """Run `deblur` on a picture as a camera of 8 bits has it."""
    kernel = np.zeros((REACH, REACH, 1), np.uint8)
    kernel[REACH // 2] = 255
    (folder / "k.png").write_bytes(png_of(kernel.swapaxes(0, 1) if down else kernel))
    (folder / "in.png").write_bytes(png_of((255 * seen.clip(0, 1)).round().astype(np.uint8)))
    words = (
        "--kernel-file",
        folder / "k.png",
        "-o",
        folder / "out.png",
        "--device",
        "cpu",
        "--steps",
        "10",
        "--quality",
        "draft",
        "-q",
    )
    assert command("deblur", folder / "in.png", *words).code == 0
    return np.asarray(opened(folder / "out.png")) / 255


@pytest.mark.parametrize(
    ("radiance", "down", "std"),
    [((9.0, 9.0, 9.0), False, 0.0), ((9.0, 4.0, 0.5), False, 0.0), ((9.0, 9.0, 9.0), True, 1 / 255)],
    ids=["white lamps", "orange lamps", "white lamps and noise"],
)
def test_lamps_become_small_again_and_nothing_rings_around_them(
    radiance: tuple[float, float, float], down: bool, std: float, command: Command, tmp_path: Path
) -> None:
    light = with_lamps(scene(), radiance)
    seen = blurred(light, down=down) + std * np.random.default_rng(0).normal(size=light.shape)
    truth = light.clip(0, 1)
    restored = deblurred(command, tmp_path, seen, down=down)
    assert decibels(restored, truth) > decibels(seen.clip(0, 1), truth) + 6


def test_black_that_was_cut_off_is_at_most_that(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = 2 * scene() - 0.35
    truth, seen = light.clip(0, 1), blurred(light, down=False)
    as_limits = deblurred(command, tmp_path, seen, down=False)
    (tmp_path / "out.png").unlink()
    monkeypatch.setattr(Blur, "limits", lambda *_: None)
    as_values = deblurred(command, tmp_path, seen, down=False)
    assert decibels(as_limits, truth) > decibels(as_values, truth) + 1


def test_a_large_white_area_stays_white(command: Command, tmp_path: Path) -> None:
    light = scene()
    light[:, 28:] += 1.5
    truth, seen = light.clip(0, 1), blurred(light, down=False)
    restored = deblurred(command, tmp_path, seen, down=False)
    assert restored[:, 32:].min() > 0.97
    assert decibels(restored, truth) > decibels(seen.clip(0, 1), truth)
