"""Through the whole command: 16-bit and float files whose pictures use little of the range that the samples have."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from pipcli.jobs.plan import Plan
from pipcli.jobs.resume import identity_of
from pipcli.tasks.denoise import DenoiseOptions, task_of
from pipcli.tasks.shared import PhotoOptions
from pipcli.tasks.units import parse_sigma
from support.running import Run, in_process_of_its_own, lines_of, opened

Command = Callable[..., Run]
Floats = NDArray[np.float64]

SIDE = 64

TASK = task_of(DenoiseOptions(), PhotoOptions())


def scene() -> Floats:
    """A picture in [0, 1] with edges, a ramp and stripes."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return np.where((x - 0.4) ** 2 + (y - 0.5) ** 2 < 0.09, 0.9 - 0.4 * y, 0.2 + 0.3 * x) + 0.05 * (x * 8 % 2 < 1)


def sixteen(values: Floats, top: int = 65_535) -> NDArray[np.uint16]:
    return values.round().clip(0, top).astype(np.uint16)


def case(kind: str) -> tuple[Floats, NDArray[np.generic]]:
    """The clean picture of a kind in sample values, and its noisy samples."""
    normal = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE))
    clean = scene()
    low, span, std = {
        "10 bits": (20, 900, 50),
        "12 bits": (200, 3000, 160),
        "14 bits": (300, 13_000, 700),
        "dark scan": (200, 2500, 150),
        "offset": (30_000, 1000, 60),
        "small floats": (0, 0.01, 0.0006),
        "stars": (0.001, 0.005, 0.0003),
    }[kind]
    clean = low + span * clean
    noisy = clean + std * normal
    if kind in ("small floats", "stars"):
        noisy = noisy.clip(0, 1).astype(np.float32)
        if kind == "stars":
            noisy[5::20, 7::25] = 0.7
        return clean, noisy
    noisy = sixteen(noisy, {"10 bits": 1023, "12 bits": 4095}.get(kind, 65_535))
    if kind == "dark scan":
        noisy[:2, :2] = 50_000  # a glint
    return clean, noisy


def gain(clean: Floats, before: NDArray[np.generic], after: NDArray[np.generic], where: NDArray[np.bool_]) -> float:
    """How much nearer to the clean picture, in dB."""
    errors = [np.square(picture[where].astype(float) - clean[where]).mean() for picture in (before, after)]
    return float(10 * np.log10(errors[0] / errors[1]))


@pytest.mark.parametrize(
    "kind", ["10 bits", "12 bits", "14 bits", "dark scan", "offset", "small floats", "stars"], ids=lambda kind: kind
)
def test_noise_is_taken_out_and_what_is_far_beyond_is_kept(kind: str, denoise: Command, tmp_path: Path) -> None:
    clean, noisy = case(kind)
    tifffile.imwrite(tmp_path / "in.tif", noisy)
    assert denoise(tmp_path / "in.tif", "--steps", "30").code == 0
    after = tifffile.imread(tmp_path / "in_denoised.tif")
    beyond = noisy > 3 * clean.max()
    assert after.dtype == noisy.dtype
    assert np.array_equal(after[beyond], noisy[beyond])
    assert gain(clean, noisy, after, ~beyond) > 4


@pytest.mark.parametrize(("kind", "whole"), [("12 bits", 65_535), ("small floats", 1)])
def test_sigma_may_be_in_sample_values_and_the_range_is_told(
    kind: str, whole: float, denoise: Command, tmp_path: Path
) -> None:
    _, noisy = case(kind)
    tifffile.imwrite(tmp_path / "in.tif", noisy)
    sigma = "160dn" if kind == "12 bits" else "0.0006dn"
    run = denoise(tmp_path / "in.tif", "--json", "--sigma", sigma)
    assert run.code == 0
    start = lines_of(run)[0]
    low, high = start["range"]
    assert low == 0
    assert np.max(noisy) <= high < 3 * np.max(noisy)
    assert start["sigma_dn"] == pytest.approx(float(sigma[:-2]), rel=0.01)
    assert start["sigma"] == pytest.approx(255 * float(sigma[:-2]) / high, rel=0.01)
    assert start["sigma_origin"] == "given"
    assert f"0 to {high:.6g} of 0 to {whole}".encode() in run.err
    assert sigma.encode() in run.err


def test_a_sigma_in_grey_levels_and_the_same_in_sample_values_give_the_same_file(
    denoise: Command, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "in.tif", case("10 bits")[1])
    for name, sigma in (("levels", str(51 / 1023 * 255)), ("samples", "51dn")):
        assert denoise(tmp_path / "in.tif", "--sigma", sigma, "-o", tmp_path / f"{name}.tif").code == 0
    assert (tmp_path / "levels.tif").read_bytes() == (tmp_path / "samples.tif").read_bytes()


@pytest.mark.parametrize("sigma", ["5000dn", "0.001dn", "0dn", "-3dn", "nandn", "dn", "12 cats", "300", "0"])
def test_a_sigma_that_none_can_be_is_refused(sigma: str, denoise: Command, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", case("12 bits")[1])
    run = denoise(tmp_path / "in.tif", f"--sigma={sigma}")
    assert run.code == 2
    assert "sigma" in run.message
    assert not (tmp_path / "in_denoised.tif").exists()


@pytest.mark.parametrize("kind", ["12 bits", "offset", "stars"])
def test_a_clean_picture_comes_back_bit_for_bit(kind: str, denoise: Command, tmp_path: Path) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    clean = {
        "12 bits": sixteen(200 + 3000 * (x + y) / 2),
        "offset": sixteen(30_000 + 1000 * (x + y) / 2),
        "stars": (0.001 + 0.003 * (x + y)).astype(np.float32),
    }[kind]
    if kind == "stars":
        clean[9::20, 9::20] = 0.6
    tifffile.imwrite(tmp_path / "in.tif", clean)
    run = denoise(tmp_path / "in.tif")
    assert b"the picture is returned unchanged" in run.err
    assert np.array_equal(tifffile.imread(tmp_path / "in_denoised.tif"), clean)


def test_the_reference_is_compared_over_the_whole_range_and_the_sheet_shows_the_picture(
    denoise: Command, tmp_path: Path
) -> None:
    clean, noisy = case("12 bits")
    tifffile.imwrite(tmp_path / "in.tif", noisy)
    tifffile.imwrite(tmp_path / "clean.tif", sixteen(clean))
    words = ("--reference", tmp_path / "clean.tif", "--sheet", tmp_path / "sheet.png", "--json")
    result = lines_of(denoise(tmp_path / "in.tif", *words))[-2]
    after = tifffile.imread(tmp_path / "in_denoised.tif")
    for name, picture in (("psnr_input", noisy), ("psnr", after)):
        error = np.square((picture.astype(float) - sixteen(clean)) / 65_535).mean()
        assert result["metrics"][name] == pytest.approx(-10 * np.log10(error), abs=0.01)
    assert np.asarray(opened(tmp_path / "sheet.png").convert("L")).mean() > 60


def test_holes_marked_in_white_do_not_widen_the_range_and_are_filled(command: Command, tmp_path: Path) -> None:
    clean, _ = case("10 bits")
    holed, mask = sixteen(clean), np.zeros((SIDE, SIDE), np.uint8)
    mask[20:28, 30:40] = 255
    holed[mask > 0] = 65_535
    tifffile.imwrite(tmp_path / "in.tif", holed)
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    words = ("--mask", tmp_path / "mask.tif", "--steps", "10", "--device", "cpu", "--json")
    run = command("inpaint", tmp_path / "in.tif", *words)
    assert lines_of(run)[0]["range"] == [0, 1023]
    after = tifffile.imread(tmp_path / "in_inpainted.tif")
    assert after.max() <= 1023
    assert np.array_equal(after[mask == 0], holed[mask == 0])
    assert np.abs(after[mask > 0] - clean[mask > 0]).mean() < 100


def test_enlarged_stars_are_as_bright_as_before(command: Command, tmp_path: Path) -> None:
    _, noisy = case("stars")
    noisy[30:34, 30:34] = 0.7
    tifffile.imwrite(tmp_path / "in.tif", noisy)
    words = ("--scale", "2", "--steps", "5", "--device", "cpu")
    assert command("sr", tmp_path / "in.tif", *words).code == 0
    large = tifffile.imread(tmp_path / "in_x2.tif")
    assert large.shape == (2 * SIDE, 2 * SIDE)
    assert 0.65 < large[62:66, 62:66].min() < large.max() < 1
    assert large.mean() == pytest.approx(noisy.mean(), rel=0.05)


def test_a_blurred_star_becomes_brighter_than_it_was(command: Command, tmp_path: Path) -> None:
    sky = 0.001 + 0.004 * scene()
    sky[31, 30] = 0.9
    blurred = sum(np.roll(sky, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)) / 9
    tifffile.imwrite(tmp_path / "in.tif", blurred.astype(np.float32))
    tifffile.imwrite(tmp_path / "kernel.tif", np.full((3, 3), 9, np.uint8))
    words = ("--kernel-file", tmp_path / "kernel.tif", "--steps", "10", "--device", "cpu")
    assert command("deblur", tmp_path / "in.tif", *words).code == 0
    assert tifffile.imread(tmp_path / "in_deblurred.tif").max() > 3 * blurred.max()


def test_several_pictures_of_different_ranges_are_each_seen_in_their_own(denoise: Command, tmp_path: Path) -> None:
    kinds = {"a.tif": "10 bits", "b.tif": "small floats", "c.tif": "offset"}
    for name, kind in kinds.items():
        tifffile.imwrite(tmp_path / name, case(kind)[1])
    (tmp_path / "out").mkdir()
    run = denoise(*(tmp_path / name for name in kinds), "-o", tmp_path / "out", "--steps", "30")
    assert run.code == 0
    for name, kind in kinds.items():
        clean, noisy = case(kind)
        after = tifffile.imread(tmp_path / "out" / name.replace(".", "_denoised."))
        assert gain(clean, noisy, after, np.ones_like(clean, dtype=bool)) > 4


def test_a_kept_fit_is_of_one_unit() -> None:
    identities = [
        identity_of(
            Plan.of(task_of(DenoiseOptions(), PhotoOptions()), Path("in.tif"), PhotoOptions(sigma=parse_sigma(word))),
            "",
            "cpu",
        )
        for word in ("51", "51dn")
    ]
    assert identities[0] != identities[1]


def test_the_help_says_how_to_give_sigma_in_sample_values() -> None:
    assert b"40dn" in in_process_of_its_own("denoise", "--help").out
