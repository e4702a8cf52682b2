"""With --json every line of stdout is an object of the published schema, and nothing else is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pipcli.restoration.solution import Outcome
from support.hostile import AWKWARD_NAMES
from support.running import SCHEMA, Run, lines_of, names, picture, smooth_picture

Command = Callable[..., Run]
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_schema_is_sound_and_tells_the_types_apart() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    types = {
        definition["properties"]["type"]["const"] for definition in SCHEMA["$defs"].values() if "required" in definition
    }
    photos = {"start", "progress", "warning", "result", "error", "summary", "doctor", "degraded", "comparison"}
    assert types == {*photos, "clip_comparison"}
    assert not VALIDATOR.is_valid({"type": "other"})
    assert not VALIDATOR.is_valid({"type": "error", "message": "x"})
    assert not VALIDATOR.is_valid({"type": "error", "message": "x\ny", "exit_code": 1})
    assert VALIDATOR.is_valid({"type": "error", "message": "x", "exit_code": 1, "later": []})


def test_the_schema_knows_all_outcomes() -> None:
    known = SCHEMA["$defs"]["result"]["properties"]["outcome"]["enum"]
    assert set(known) == {outcome.name.lower() for outcome in Outcome}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--quality", "best", "--steps", "12"],
        ["--prior", "dip", "--paper", "--steps", "1"],
        ["--stop", "none", "--sigma", "30", "--time-limit", "60", "--steps", "2"],
        ["-v"],
        ["-q"],
    ],
)
def test_a_run_is_told_in_order(options: list[str], denoise: Command, tmp_path: Path) -> None:
    source = smooth_picture(tmp_path / "in.png", 20)
    reference = smooth_picture(tmp_path / "clean.png", 20, seed=1)
    run = denoise(source, "--json", "--reference", reference, "--sheet", tmp_path / "sheet.png", *options)
    assert run.code == 0
    lines = lines_of(run)
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "start"
    assert kinds[-2:] == ["result", "summary"]
    assert set(kinds[1:-2]) == {"progress"}
    start, result, summary = lines[0], lines[-2], lines[-1]
    assert start["input"] == result["input"] == str(source)
    assert start["output"] == result["output"] == str(tmp_path / "in_denoised.png")
    assert result["sheet"] == str(tmp_path / "sheet.png")
    assert (summary["type"], summary["done"], summary["failed"], summary["exit_code"]) == ("summary", 1, 0, 0)
    assert summary["seconds"] >= summary["fitting_seconds"] == result["fitting_seconds"]
    assert result["seconds"] >= result["fitting_seconds"]
    assert len(result["steps"]) == start["settings"]["members"]


def test_a_picture_of_one_pixel_is_told_in_valid_lines(denoise: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", 1, 1)
    lines = lines_of(denoise(source, "--json", "--reference", source))
    assert lines[0]["sigma"] == 0
    assert all(line["estimated_psnr"] is None for line in lines if line["type"] == "progress")


def test_without_json_there_is_no_json(denoise: Command, tmp_path: Path) -> None:
    run = denoise(picture(tmp_path / "in.png"))
    assert b"{" not in run.out + run.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["denoise", "missing.png", "--json"], "does not exist"),
        (["denoise", "--json", "in.png", "--sigma", "nan"], "--sigma"),
        (["denoise", "--json", "in.png", "--steps", "0"], "--steps"),
        (["denoise", "--json", "in.png", "-o", "-"], "cannot both go to stdout"),
        (["denoise", "--json", "in.png", "-o", "in.png"], "the input itself"),
        (["denoise", "--json", "--device", "tpu", "in.png"], "--device"),
        (["denoise", "--json"], "INPUT"),
    ],
)
def test_an_error_is_a_line_of_its_own_on_both_streams(
    arguments: list[str], words: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "in.png")
    monkeypatch.chdir(tmp_path)
    run = command(*arguments)
    assert run.code == 2
    assert words in run.message
    assert lines_of(run)[-1] == {"type": "error", "message": run.message, "exit_code": 2}
    assert names(tmp_path) == {"in.png"}


def test_a_file_called_json_asks_for_no_json(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = command("denoise", "--", "--json")
    assert "--json does not exist" in run.message
    assert run.out == b""


def test_awkward_names_are_told_in_valid_lines(denoise: Command, tmp_path: Path) -> None:
    for name in AWKWARD_NAMES:
        run = denoise("--json", tmp_path / "none" / name.decode("utf-8", "surrogateescape"))
        assert lines_of(run)[0]["message"] == run.message
