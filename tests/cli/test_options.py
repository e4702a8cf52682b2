"""What each option does to the result and to what is said about it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipcli.sheet import MARGIN, SMALLEST_PANEL
from support.builders import png_of, samples
from support.running import Run, names, opened, picture, smooth_picture

Command = Callable[..., Run]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 24)


@pytest.fixture
def reported(denoise: Command) -> Callable[..., dict[str, dict[str, Any]]]:
    """Run with --json and return the last object of each type."""

    def run(*arguments: str | Path) -> dict[str, dict[str, Any]]:
        finished = denoise("--json", "--overwrite", *arguments)
        assert finished.code == 0, finished.err
        return {line["type"]: line for line in map(json.loads, finished.out.splitlines())}

    return run


def test_the_output_lies_beside_the_input_and_its_path_is_all_that_stdout_gets(
    denoise: Command, source: Path, tmp_path: Path
) -> None:
    run = denoise(source)
    assert run.code == 0
    assert run.out == os.fsencode(tmp_path / "in_denoised.png") + b"\n"
    assert names(tmp_path) == {"in.png", "in_denoised.png"}
    assert opened(tmp_path / "in_denoised.png").size == (24, 24)


def test_an_existing_output_is_replaced_only_when_asked(denoise: Command, source: Path, tmp_path: Path) -> None:
    (tmp_path / "in_denoised.png").write_bytes(b"old")
    assert denoise(source).code == 2
    assert (tmp_path / "in_denoised.png").read_bytes() == b"old"
    assert denoise(source, "--overwrite").code == 0
    assert opened(tmp_path / "in_denoised.png").size == (24, 24)
    assert names(tmp_path) == {"in.png", "in_denoised.png"}


@pytest.mark.parametrize("prior", ["pip", "dip"])
def test_one_seed_gives_the_same_bytes_and_another_seed_others(
    prior: str, denoise: Command, source: Path, tmp_path: Path
) -> None:
    results = []
    for index, seed in enumerate(("7", "7", "8")):
        output = tmp_path / f"{index}.png"
        assert denoise(source, "-o", output, "--seed", seed, "--prior", prior, "--steps", "12").code == 0
        results.append(output.read_bytes())
    assert results[0] == results[1] != results[2]


def test_the_largest_seed_serves_all_members(denoise: Command, tmp_path: Path) -> None:
    run = denoise(picture(tmp_path / "in.png", 4, 4), "--seed", str(2**63 - 1), "--quality", "best", "--steps", "1")
    assert run.code == 0


def test_the_reference_only_reports(reported: Command, source: Path, tmp_path: Path) -> None:
    reference = smooth_picture(tmp_path / "clean.png", 24, seed=1)
    without = reported(source, "-o", tmp_path / "without.png", "--steps", "12")
    beside = reported(source, "-o", tmp_path / "beside.png", "--steps", "12", "--reference", reference)
    assert (tmp_path / "without.png").read_bytes() == (tmp_path / "beside.png").read_bytes()
    assert without["result"]["metrics"] is None
    metrics = beside["result"]["metrics"]
    assert metrics["psnr"] == pytest.approx(psnr(tmp_path / "beside.png", reference), abs=2e-3)
    assert metrics["psnr_input"] == pytest.approx(psnr(source, reference), abs=2e-3)
    assert metrics["gain"] == pytest.approx(metrics["psnr"] - metrics["psnr_input"], abs=2e-3)


def psnr(path: Path, reference: Path) -> float:
    """PSNR in dB of two 8-bit files over all samples."""
    first, second = (np.asarray(opened(name), float) for name in (path, reference))
    return float(10 * np.log10(255**2 / np.square(first - second).mean()))


def test_a_perfect_result_has_no_number_but_a_valid_line(reported: Command, source: Path) -> None:
    assert reported(source, "--reference", source)["result"]["metrics"]["psnr_input"] is None


@pytest.mark.parametrize("with_reference", [False, True])
def test_the_sheet_shows_the_pictures_side_by_side(
    with_reference: bool, denoise: Command, source: Path, tmp_path: Path
) -> None:
    reference = ["--reference", smooth_picture(tmp_path / "clean.png", 24, seed=1)] if with_reference else []
    run = denoise(source, "--sheet", tmp_path / "sheet.png", *reference)
    assert run.code == 0
    sheet = opened(tmp_path / "sheet.png")
    assert sheet.format == "PNG"
    panels = 3 if with_reference else 2
    assert sheet.width == panels * (SMALLEST_PANEL + MARGIN) + MARGIN
    assert SMALLEST_PANEL < sheet.height < SMALLEST_PANEL + 80
    assert np.asarray(sheet).std() > 10


def test_sheets_of_every_kind_of_picture(denoise: Command, tmp_path: Path) -> None:
    for channels in (1, 2, 3, 4):
        for dtype in ("uint8", "uint16"):
            (tmp_path / "in.png").write_bytes(png_of(samples(5, 9, channels, dtype)))
            run = denoise(tmp_path / "in.png", "--sheet", tmp_path / "sheet.png", "--overwrite")
            assert run.code == 0
            assert opened(tmp_path / "sheet.png").mode == "RGB"


def test_quiet_says_nothing_on_stderr(denoise: Command, source: Path, tmp_path: Path) -> None:
    run = denoise(source, "-q")
    assert run.err == b""
    assert run.out == os.fsencode(tmp_path / "in_denoised.png") + b"\n"


def test_quiet_still_says_what_went_wrong(denoise: Command, tmp_path: Path) -> None:
    assert "does not exist" in denoise(tmp_path / "missing.png", "-q").message


def test_in_words_come_the_task_the_progress_and_the_outcome(denoise: Command, source: Path) -> None:
    lines = denoise(source, "--sigma", "25", "--steps", "40", "--stop", "none").err.decode().splitlines()
    assert "denoise" in lines[0]
    assert "24x24, 8 bit" in lines[0]
    assert "sigma 25 (given)" in lines[0]
    assert "on cpu (as asked for)" in lines[0]
    assert re.fullmatch(r"step 1 of at most 40, \d+ s(, about \d+\.\d dB)?", lines[1])
    assert "step 40 of at most 40" in lines[-2]
    assert re.fullmatch(r"the step limit was reached; estimate of step 40 in \d+\.\d s", lines[-1])


def test_verbose_says_the_settings(denoise: Command, source: Path) -> None:
    said = denoise(source, "-v", "--seed", "5", "--steps", "4").err.decode()
    for words in (
        "prior pip",
        "quality standard",
        "stop held-out",
        "steps 4",
        "tile 128",
        "seed 5",
        "learning_rate",
        "precision",
    ):
        assert words in said
    assert "learning_rate" not in denoise(source, "--overwrite").err.decode()


def test_verbose_tells_of_the_raw_output_beside_a_reference(denoise: Command, source: Path, tmp_path: Path) -> None:
    reference = smooth_picture(tmp_path / "clean.png", 24, seed=1)
    assert b"the last raw output, unaveraged, has" in denoise(source, "-v", "--reference", reference).err


@pytest.mark.parametrize("verbosity", ["-q", "-v"])
def test_words_do_not_change_the_result(verbosity: str, denoise: Command, source: Path, tmp_path: Path) -> None:
    denoise(source, "-o", tmp_path / "a.png")
    denoise(source, "-o", tmp_path / "b.png", verbosity)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_note_of_the_media_is_passed_on(denoise: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(8, 8, 3, "uint8"), (b"eXIf", b"no exif")))
    assert b"EXIF" in denoise(tmp_path / "in.png").err


def test_best_has_a_branch_and_draft_takes_fewer_steps(reported: Command, source: Path) -> None:
    assert reported(source, "--sigma", "25")["result"]["branch_weight"] is None
    best = reported(source, "--sigma", "25", "--quality", "best")
    assert 0 <= best["result"]["branch_weight"] <= 1
    assert best["result"]["seconds"] >= best["result"]["fitting_seconds"]
    draft, standard = (
        reported(source, "--quality", quality, "--time-limit", "0.001")["start"]["settings"]["steps"]
        for quality in ("draft", "standard")
    )
    assert 0 < draft <= standard / 4


@pytest.mark.parametrize("stop", ["held-out", "discrepancy", "variance", "none"])
def test_every_stop_rule_runs(stop: str, reported: Command, source: Path) -> None:
    lines = reported(source, "--stop", stop, "--sigma", "25", "--steps", "20")
    assert lines["start"]["settings"]["stop"] == stop
    assert lines["result"]["outcome"] == "step_limit"
    assert lines["result"]["steps_done"] == [20]


def test_the_discrepancy_rule_stops_a_fit_that_is_down_to_the_noise(reported: Command, source: Path) -> None:
    result = reported(source, "--stop", "discrepancy", "--sigma", "200", "--steps", "100")["result"]
    assert result["outcome"] == "discrepancy"
    assert result["reason"] == "the residual came down to the noise level"
    assert result["steps_done"][0] < 100


def test_a_known_sigma_guards_the_held_out_rule(reported: Command, source: Path) -> None:
    assert reported(source, "--sigma", "200", "--steps", "100")["result"]["outcome"] == "discrepancy"


def test_the_time_limit_ends_the_fit_with_an_estimate(reported: Command, source: Path, tmp_path: Path) -> None:
    lines = reported(source, "--steps", "1000000", "--time-limit", "0.2")
    assert lines["result"]["outcome"] == "time_limit"
    assert lines["result"]["seconds"] < 5
    assert opened(tmp_path / "in_denoised.png").size == (24, 24)


@pytest.mark.parametrize("prior", ["pip", "dip"])
def test_the_published_methods_run(prior: str, reported: Command, source: Path) -> None:
    lines = reported(source, "--paper", "--prior", prior, "--steps", "2")
    settings = lines["start"]["settings"]
    assert settings["paper"] is True
    assert settings["prior"] == prior
    assert settings["stop"] == "none"
    assert settings["members"] == 1
    assert settings["tile"] is None
    assert settings["learning_rate"] == 0.01
    assert lines["result"]["steps_done"] == [2]


def test_the_published_steps_are_the_default_of_the_published_methods(reported: Command, source: Path) -> None:
    for prior, steps in (("pip", 1800), ("dip", 3000)):
        start = reported(source, "--paper", "--prior", prior, "--time-limit", "0.001")["start"]
        assert start["settings"]["steps"] == steps


def test_a_stop_rule_beside_the_published_method_is_heeded(reported: Command, source: Path) -> None:
    lines = reported(source, "--paper", "--stop", "variance", "--steps", "2")
    assert lines["start"]["settings"]["stop"] == "variance"


def test_an_absent_sigma_is_estimated_and_said(reported: Command, tmp_path: Path) -> None:
    source = smooth_picture(tmp_path / "in.png", 64)
    start = reported(source, "--steps", "1")["start"]
    assert start["sigma_origin"] == "estimated"
    assert start["sigma"] == pytest.approx(25, rel=0.15)
    start = reported(source, "--steps", "1", "--sigma", "12.5")["start"]
    assert (start["sigma"], start["sigma_origin"]) == (12.5, "given")


def test_the_fit_takes_noise_off(denoise: Command, tmp_path: Path) -> None:
    clean = np.asarray(opened(smooth_picture(tmp_path / "in.png", 40)), float)
    y, x = np.mgrid[0:40, 0:40] / 40
    truth = np.stack([x, y, (x + y) / 2], axis=-1) * 160 + 48
    assert denoise(tmp_path / "in.png", "--sigma", "25", "--steps", "150").code == 0
    restored = np.asarray(opened(tmp_path / "in_denoised.png"), float)
    assert np.square(restored - truth).mean() < np.square(clean - truth).mean() / 4
