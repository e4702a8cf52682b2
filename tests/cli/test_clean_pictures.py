"""Do no harm: clean drawings come back as they are, and no noise is found that is a part of the picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.jobs import noise_asked
from pipcli.noise import Gaussian, Origin
from pipcli.settings import NoiseName
from support import flat_pictures
from support.builders import png_of
from support.flat_pictures import Samples
from support.noise_pictures import noisy, photo
from support.running import Run, lines_of, opened

Command = Callable[..., Run]
CLEAN = {
    "page": flat_pictures.page(250),
    "white page": flat_pictures.page(255),
    "terminal": flat_pictures.page(0, (0, 255, 0)),
    "navy": flat_pictures.page((20, 30, 60), 230),
    "bilevel": flat_pictures.bilevel(),
    "lines": flat_pictures.lines(),
    "cartoon": flat_pictures.cartoon(),
    "dots": flat_pictures.dots(),
    "dithered": flat_pictures.dithered(),
    "window": flat_pictures.window(),
    "blank": np.full((60, 60, 3), 255, np.uint8),
}


def decibels(first: NDArray[Any], second: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.square(first.astype(float) - second).mean()))


def same(first: Path, second: Path) -> bool:
    pictures = [opened(path) for path in (first, second)]
    if pictures[0].mode != pictures[1].mode:
        pictures = [picture.convert("RGBA") for picture in pictures]
    return pictures[0].tobytes() == pictures[1].tobytes()


def result_of(run: Run) -> dict[str, Any]:
    assert run.code == 0, run.err
    return next(line for line in lines_of(run) if line["type"] == "result")


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_drawing_comes_back_as_the_file_that_it_is(
    name: str, denoise: Command, tmp_path: Path, seeds_of_fits: list[int]
) -> None:
    Image.fromarray(CLEAN[name]).save(tmp_path / "in.png")
    assert result_of(denoise(tmp_path / "in.png", "--json"))["outcome"] == "clean"
    assert same(tmp_path / "in_denoised.png", tmp_path / "in.png")
    assert seeds_of_fits == []


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "16"])
def test_drawings_of_other_modes_come_back_too(mode: str, denoise: Command, tmp_path: Path) -> None:
    clean = flat_pictures.bilevel() if mode == "1" else flat_pictures.page(250)
    if mode == "16":
        (tmp_path / "in.png").write_bytes(png_of(257 * clean.astype(np.uint16)))
    else:
        Image.fromarray(clean).convert(mode).save(tmp_path / "in.png")
    assert result_of(denoise(tmp_path / "in.png", "--json"))["outcome"] == "clean"
    assert same(tmp_path / "in_denoised.png", tmp_path / "in.png")


@pytest.mark.parametrize("quality", [60, 90])
@pytest.mark.parametrize("name", ["white page", "lines", "dots", "cartoon"])
def test_a_drawing_in_a_jpeg_file_is_not_harmed(name: str, quality: int, denoise: Command, tmp_path: Path) -> None:
    source = tmp_path / "in.jpg"
    Image.fromarray(CLEAN[name]).save(source, quality=quality)
    assert denoise(source, "-o", tmp_path / "out.png", "--steps", "60").code == 0
    before, after = np.asarray(opened(source)), np.asarray(opened(tmp_path / "out.png"))
    assert np.array_equal(before, after) or decibels(before, after) > 33


@pytest.mark.parametrize(
    ("clean", "sigma"), [(flat_pictures.page(250), 5), (flat_pictures.window(), 10), (flat_pictures.bilevel(), 20)]
)
def test_the_noise_of_a_drawing_is_taken_out_of_it(
    clean: Samples, sigma: float, denoise: Command, tmp_path: Path
) -> None:
    Image.fromarray(flat_pictures.noisy(clean, sigma)).save(tmp_path / "in.png")
    lines = lines_of(denoise(tmp_path / "in.png", "--json", "--steps", "60"))
    start = next(line for line in lines if line["type"] == "start")
    assert start["noise"]["kind"] == "gaussian"
    assert start["sigma"] == pytest.approx(sigma, rel=0.25)
    before, after = (np.asarray(opened(tmp_path / name)) for name in ("in.png", "in_denoised.png"))
    assert decibels(after, clean) > decibels(before, clean) + 3


def mistaken(monkeypatch: pytest.MonkeyPatch, sigma: float) -> None:
    """Let the estimate be as wrong as it can be."""
    monkeypatch.setattr(noise_asked, "detect", lambda _: NoiseName.GAUSSIAN)
    wrong = Gaussian(sigma, Origin.ESTIMATED, sigma / 255)
    monkeypatch.setattr(
        Gaussian, "of", classmethod(lambda cls, evidence, level: wrong if level is None else cls.known(level / 255))
    )


@pytest.mark.parametrize("name", ["page", "cartoon", "window"])
def test_a_wrong_estimate_does_no_harm(
    name: str, denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistaken(monkeypatch, 60)
    Image.fromarray(CLEAN[name]).save(tmp_path / "in.png")
    run = denoise(tmp_path / "in.png", "--json")
    assert result_of(run)["outcome"] == "kept"
    assert b"has the structure of the picture, not of noise: the picture is returned unchanged" in run.err
    assert same(tmp_path / "in_denoised.png", tmp_path / "in.png")


@pytest.mark.parametrize("words", [["--sigma", "60"], ["--noise", "gaussian"]])
def test_the_word_of_the_user_is_not_doubted(
    words: list[str], denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistaken(monkeypatch, 60)
    Image.fromarray(CLEAN["page"]).save(tmp_path / "in.png")
    assert result_of(denoise(tmp_path / "in.png", "--json", *words))["outcome"] == "step_limit"


@pytest.mark.parametrize(
    ("kind", "level"), [(NoiseName.GAUSSIAN, 25), (NoiseName.POISSON, 10), (NoiseName.IMPULSE, 0.1)]
)
def test_the_noise_of_a_photo_is_not_taken_for_its_picture(
    kind: NoiseName, level: float, denoise: Command, tmp_path: Path
) -> None:
    values = noisy(photo(64), kind, level)[0].permute(1, 2, 0)
    Image.fromarray((255 * values).round().byte().numpy()).save(tmp_path / "in.png")
    assert result_of(denoise(tmp_path / "in.png", "--json", "--steps", "60"))["outcome"] != "kept"


@pytest.mark.parametrize(("photons", "dim"), [(13.0, 0.05), (13.0, 0.02), (2.0, 0.3)])
def test_few_photons_keep_their_mean(photons: float, dim: float, denoise: Command, tmp_path: Path) -> None:
    observation = noisy(dim * photo(96, 1), NoiseName.POISSON, photons)
    before = (255 * observation[0, 0]).round().byte().numpy()
    Image.fromarray(before).save(tmp_path / "in.png")
    lines = lines_of(denoise(tmp_path / "in.png", "--json", "--steps", "60"))
    assert lines[0]["noise"]["kind"] == "poisson"
    after = np.asarray(opened(tmp_path / "in_denoised.png"), float)
    assert after.mean() == pytest.approx(before.mean(), rel=0.03)


@pytest.mark.parametrize("levels", [(16, 10, 6), (5, 12, 9), (245, 250, 240)])
def test_the_colour_of_a_clipped_night_is_kept(levels: tuple[int, ...], denoise: Command, tmp_path: Path) -> None:
    clean = np.broadcast_to(levels, (96, 96, 3)) + 3 * np.sin(np.arange(96) / 8)[:, None, None]
    Image.fromarray(flat_pictures.noisy(clean, 15)).save(tmp_path / "in.png")
    assert denoise(tmp_path / "in.png", "--steps", "60").code == 0
    mean = np.asarray(opened(tmp_path / "in_denoised.png"), float).mean(axis=(0, 1))
    assert mean - mean[2] == pytest.approx(clean.mean(axis=(0, 1)) - levels[2], abs=1.0)


def test_a_clip_of_drawings_comes_back_as_it_was_where_the_picture_is_taken_for_noise(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = tmp_path / "in"
    frames.mkdir()
    for number in range(3):
        Image.fromarray(flat_pictures.page(250)[:96, :96]).save(frames / f"{number}.png")
    # An estimate may be wrong: the last look does not depend on it.
    wrong = Gaussian(40, Origin.ESTIMATED, 40 / 255)
    monkeypatch.setattr(noise_asked, "noise_of", lambda *seen, **said: wrong)
    run = command("video", frames, "-o", tmp_path / "out", "--json", "--steps", "4", "--quality", "draft")
    assert result_of(run)["outcome"] == "kept"
    for number in range(3):
        first, second = (np.asarray(Image.open(folder / f"{number}.png")) for folder in (frames, tmp_path / "out"))
        np.testing.assert_array_equal(first, second)
