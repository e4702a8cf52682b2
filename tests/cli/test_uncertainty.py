"""`--uncertainty`: how far the networks differ, in the unit of the picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from support.running import Run, picture, smooth_picture

Command = Callable[..., Run]


def test_a_map_is_written_in_both_formats(denoise: Command, tmp_path: Path) -> None:
    source = smooth_picture(tmp_path / "in.png", 40)
    for name in ("map.png", "map.tif"):
        run = denoise(source, "--sigma", "20", "--uncertainty", tmp_path / name, "--overwrite", "--json")
        assert run.code == 0
    drawn, exact = np.asarray(Image.open(tmp_path / "map.png")), tifffile.imread(tmp_path / "map.tif")
    assert drawn.dtype == np.uint16
    assert exact.dtype == np.float32
    assert drawn.shape == exact.shape == (40, 40)
    assert 0 < exact.mean() < 0.5
    assert np.abs(drawn / 65535 - exact).max() < 1e-4  # same seed, same map


def test_a_grey_16_bit_picture_has_one_too(denoise: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", 21, 30, 1, "uint16")
    assert denoise(source, "--sigma", "20", "--uncertainty", tmp_path / "map.tiff").code == 0
    assert tifffile.imread(tmp_path / "map.tiff").shape == (21, 30)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--uncertainty", "map.jpg"], "ends in .png or .tif"),
        (["--uncertainty", "in.png"], "in.png"),
        (["--uncertainty", "same.png", "-o", "same.png"], "must be different files"),
        (["--uncertainty", "map.png", "--paper"], "--paper fits one"),
        (["in2.png", "--uncertainty", "map.png"], "for one picture"),
    ],
)
def test_what_cannot_be_is_refused(
    options: list[str], words: str, denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = smooth_picture(tmp_path / "in.png", 20)
    smooth_picture(tmp_path / "in2.png", 20)
    run = denoise(source, *options)
    assert run.code == 2
    assert words in run.message
    assert {path.name for path in tmp_path.iterdir()} == {"in.png", "in2.png"}
