"""The kinds of noise, through the real command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.settings import NoiseName
from support.builders import png_of
from support.noise_pictures import noisy, photo
from support.running import Run, lines_of, names, opened, picture, smooth_picture

Command = Callable[..., Run]
LEVELS = {
    NoiseName.GAUSSIAN: 25.0,
    NoiseName.POISSON: 30.0,
    NoiseName.LAPLACE: 25.0,
    NoiseName.IMPULSE: 0.1,
    NoiseName.SPECKLE: 0.2,
}


def spoiled(kind: NoiseName, channels: int = 3, dtype: str = "uint8", side: int = 48) -> NDArray[Any]:
    """Return (side, side, channels) samples of a photo with noise of a kind."""
    values = noisy(photo(side, channels), kind, LEVELS[kind], rounded=False)[0].permute(1, 2, 0).double().numpy()
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def jpeg(path: Path, side: int = 48, channels: int = 3, quality: int = 10) -> Path:
    """Write a JPEG of a photo and return the path."""
    samples = (255 * photo(side, channels)[0].permute(1, 2, 0)).round().byte().numpy().squeeze()
    Image.fromarray(samples).save(path, "JPEG", quality=quality)
    return path


def start_of(run: Run) -> dict[str, Any]:
    assert run.code == 0, run.err
    return next(line for line in lines_of(run) if line["type"] == "start")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", LEVELS)
def test_every_kind_restores_every_depth(
    kind: NoiseName, channels: int, dtype: str, denoise: Command, tmp_path: Path
) -> None:
    (tmp_path / "in.png").write_bytes(png_of(spoiled(kind, channels, dtype)))
    noise = start_of(denoise(tmp_path / "in.png", "--noise", kind, "--json"))["noise"]
    origin = "counted" if kind is NoiseName.POISSON else "estimated"
    assert (noise["kind"], noise["detected"], noise["origin"]) == (kind, False, origin)
    assert noise["level"] == pytest.approx(LEVELS[kind], rel=0.35)
    assert np.asarray(opened(tmp_path / "in_denoised.png")).shape[:2] == (48, 48)


@pytest.mark.parametrize("kind", LEVELS)
def test_alpha_is_carried_through(kind: NoiseName, denoise: Command, tmp_path: Path) -> None:
    alpha = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48, 1)
    Image.fromarray(np.dstack([spoiled(kind), alpha])).save(tmp_path / "in.png")
    assert denoise(tmp_path / "in.png", "--noise", kind).code == 0
    assert np.array_equal(np.asarray(opened(tmp_path / "in_denoised.png"))[:, :, 3], alpha[:, :, 0])


@pytest.mark.parametrize(
    ("kind", "option", "level", "words"),
    [
        ("gaussian", "--sigma", "30", "gaussian noise, sigma 30 (given)"),
        ("laplace", "--sigma", "30", "laplace noise, sigma 30 (given)"),
        ("poisson", "--level", "40", "poisson noise, photons at white 40 (given)"),
        ("impulse", "--level", "0.2", "impulse noise, share of hit samples 0.2 (given)"),
        ("speckle", "--level", "0.3", "speckle noise, share of the signal 0.3 (given)"),
        ("jpeg", "--level", "20", "jpeg noise, quality 20 (given)"),
    ],
)
def test_a_given_level_is_taken_and_said(
    kind: str, option: str, level: str, words: str, denoise: Command, tmp_path: Path
) -> None:
    source = picture(tmp_path / "in.png", 20, 20)
    assert words in denoise(source, "--noise", kind, option, level).err.decode()
    noise = start_of(denoise(source, "--noise", kind, option, level, "--json", "--overwrite"))["noise"]
    assert (noise["level"], noise["origin"]) == (float(level), "given")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_file_says_its_quality(channels: int, denoise: Command, tmp_path: Path) -> None:
    source = jpeg(tmp_path / "in.jpg", channels=channels)
    start = start_of(denoise(source, "--noise", "jpeg", "--json", "-o", tmp_path / "out.png"))
    assert start["noise"] == {
        "kind": "jpeg",
        "detected": False,
        "level": 10,
        "unit": "quality",
        "origin": "from file",
    }
    assert start["sigma"] > 5


def test_auto_takes_what_is_plain_and_says_so(denoise: Command, tmp_path: Path) -> None:
    Image.fromarray(spoiled(NoiseName.IMPULSE, side=64)).save(tmp_path / "in.png")
    for named in ([], ["--noise", "auto"]):
        noise = start_of(denoise(tmp_path / "in.png", "--json", "--overwrite", *named))["noise"]
        assert (noise["kind"], noise["detected"]) == ("impulse", True)
    start = start_of(denoise(smooth_picture(tmp_path / "gaussian.png", 64), "--json"))
    assert (start["noise"]["kind"], start["noise"]["detected"]) == ("gaussian", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--noise", "pepper"], "'--noise'"),
        (
            ["--noise", "poisson", "--sigma", "5"],
            "--sigma applies to gaussian, laplace and camera noise, not to --noise poisson",
        ),
        (["--noise", "auto", "--sigma", "5"], "its level is estimated"),
        (["--level", "5"], "name one of poisson, impulse, speckle, jpeg with --noise"),
        (["--noise", "laplace", "--level", "5"], "give --sigma"),
        (["--sigma", "5", "--level", "5"], "give --sigma"),
        (["--noise", "poisson", "--level", "0"], "the number of photons at white, from 1 to 1e+06, not 0"),
        (["--noise", "impulse", "--level", "10"], "the share of hit samples, from 0.001 to 0.95, not 10"),
        (["--noise", "speckle", "--level", "nan"], "from 0.001 to 2, not nan"),
        (["--noise", "jpeg", "--level", "101"], "the quality, from 1 to 100, not 101"),
        (["--noise", "jpeg"], "is known for JPEG files only"),
        (["--paper", "--noise", "poisson"], "--paper supports gaussian noise only: leave out --noise poisson"),
        (["--paper", "--noise", "auto"], "leave out --noise auto"),
    ],
)
def test_contradictions_are_refused_on_one_line(
    arguments: list[str], words: str, denoise: Command, tmp_path: Path
) -> None:
    run = denoise(picture(tmp_path / "in.png"), *arguments)
    assert run.code == 2
    assert words in run.message
    assert names(tmp_path) == {"in.png"}


def test_a_level_beside_a_jpeg_file_is_refused(denoise: Command, tmp_path: Path) -> None:
    run = denoise(jpeg(tmp_path / "in.jpg"), "--noise", "jpeg", "--level", "20")
    assert run.code == 2
    assert "leave out --level" in run.message


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_clean_picture_comes_back_bit_for_bit(
    channels: int, dtype: str, denoise: Command, tmp_path: Path, seeds_of_fits: list[int]
) -> None:
    y, x = np.mgrid[0:60, 0:60]
    full = np.iinfo(dtype).max
    samples = np.stack([(x + y) * full // 120, x * full // 60, y * full // 60, (x + 3 * y) * full // 300], axis=-1)
    array = samples[:, :, :channels].astype(dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    run = denoise(tmp_path / "in.png", "--json")
    result = lines_of(run)[-2]
    assert (result["outcome"], result["steps"]) == ("clean", [])
    assert result["seconds"] < 1  # the seconds of looking at it, on a busy machine
    assert b"hardly any noise was found: the picture is returned unchanged\n" in run.err
    assert opened(tmp_path / "in_denoised.png").tobytes() == opened(tmp_path / "in.png").tobytes()
    assert seeds_of_fits == []


def test_a_clean_jpeg_comes_back_as_the_file_that_it_is(denoise: Command, tmp_path: Path) -> None:
    source = tmp_path / "in.jpg"
    y, x = np.mgrid[0:64, 0:64]
    Image.fromarray((x + y).astype(np.uint8)).save(source, quality=90)
    assert b"returned unchanged" in denoise(source).err
    assert (tmp_path / "in_denoised.jpg").read_bytes() == source.read_bytes()
    assert denoise(source, "-o", tmp_path / "out.png").code == 0
    assert opened(tmp_path / "out.png").tobytes() == opened(source).tobytes()


@pytest.mark.parametrize("arguments", [["--sigma", "25"], ["--paper"], ["--noise", "poisson", "--level", "30"]])
def test_who_names_the_noise_or_the_paper_gets_a_fit(arguments: list[str], denoise: Command, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), (90, 120, 150)).save(tmp_path / "in.png")
    assert b"estimate of step" in denoise(tmp_path / "in.png", *arguments).err


def test_clean_and_noisy_pictures_and_several_kinds_go_together(denoise: Command, tmp_path: Path) -> None:
    sources = []
    for kind in (NoiseName.IMPULSE, NoiseName.GAUSSIAN, NoiseName.POISSON):
        sources.append(tmp_path / f"{kind}.png")
        Image.fromarray(spoiled(kind, side=64)).save(sources[-1])
    sources.insert(1, tmp_path / "clean.png")
    Image.new("RGB", (64, 64), (90, 120, 150)).save(sources[1])
    run = denoise(*sources, "--json")
    assert run.code == 0
    kinds = {Path(line["input"]).stem: line["noise"]["kind"] for line in lines_of(run) if line["type"] == "start"}
    assert kinds["impulse"] == "impulse"
    outcomes = [line["outcome"] for line in lines_of(run) if line["type"] == "result"]
    assert outcomes.count("clean") == 1
    assert json.loads(run.out.splitlines()[-1])["done"] == 4


def test_salt_and_pepper_is_taken_off_and_the_rest_stays(denoise: Command, tmp_path: Path) -> None:
    Image.fromarray(spoiled(NoiseName.IMPULSE)).save(tmp_path / "in.png")
    assert denoise(tmp_path / "in.png", "--noise", "impulse", "--steps", "150").code == 0
    clean = (255 * photo(48)[0].permute(1, 2, 0)).numpy()
    before, after = (np.asarray(opened(tmp_path / name), float) for name in ("in.png", "in_denoised.png"))
    assert np.square(after - clean).mean() < np.square(before - clean).mean() / 30
    assert float((after == before).mean()) > 0.85


def test_the_published_method_does_not_depend_on_what_was_added(denoise: Command, tmp_path: Path) -> None:
    source = smooth_picture(tmp_path / "in.png", 24)
    results = []
    for options in ([], ["--noise", "gaussian"]):
        assert denoise(source, "--paper", "--overwrite", *options).code == 0
        results.append((tmp_path / "in_denoised.png").read_bytes())
    assert results[0] == results[1]
