"""A photo's fit that is ended, however, goes on where it was, and ends with the same bytes."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.checkpoint import MANIFEST, checksum_of
from pipcli.jobs import fit_state as fit_keeping
from support.running import KILLED_AFTER, OFTEN, PATIENCE, Process, Run, begun, lines_of, names, smooth_picture

pytestmark = pytest.mark.usefixtures("one_thread")
Command = Callable[..., Run]
FOLDER = ".out.png.resume"


@pytest.fixture
def words(tmp_path: Path) -> list[str | Path]:
    source = smooth_picture(tmp_path / "in.png", 40)
    return ["denoise", source, "--sigma", "25", "--steps", "60", "--device", "cpu", "-o", tmp_path / "out.png"]


def started(words: list[str | Path]) -> Process:
    """Start a command that keeps its state after every round."""
    return begun(*words, script=OFTEN)


def test_the_folder_goes_away_and_the_result_is_the_same_as_without(
    words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    assert command(*words).code == 0
    before = (tmp_path / "out.png").read_bytes()
    run = command(*words, "--resume", "--overwrite")
    assert run.code == 0
    assert (tmp_path / "out.png").read_bytes() == before
    assert names(tmp_path) == {"in.png", "out.png"}


def killed_at(words: list[str | Path], step: int) -> None:
    """Run until a step is told of, and then kill."""
    process = started([*words, "--resume", "--json"])
    try:
        assert process.stdout is not None
        while True:
            line = process.stdout.readline()
            assert line, process.communicate()
            fields = json.loads(line)
            if fields["type"] == "progress" and fields["step"] >= step:
                return
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("more", [[], ["--prior", "dip"], ["--stop", "variance"], ["--prior", "hash", "--tv", "0.1"]])
def test_a_killed_fit_goes_on_and_ends_with_the_bytes_of_an_unbroken_one(
    more: list[str], words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    steps = ["--steps", "30"] if "dip" in more else []
    assert command(*words, *more, *steps).code == 0
    expected = checksum_of(tmp_path / "out.png")
    (tmp_path / "out.png").unlink()
    killed_at([*words, *more, *steps], step=20)
    assert names(tmp_path) == {"in.png", FOLDER}
    run = command(*words, *more, *steps, "--resume")
    assert run.code == 0
    assert b"continuing from step " in run.err
    assert checksum_of(tmp_path / "out.png") == expected
    assert names(tmp_path) == {"in.png", "out.png"}


@pytest.mark.slow
def test_a_fit_killed_at_random_moments_ends_with_the_same_bytes(
    words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    began = time.monotonic()
    started(words).communicate(timeout=PATIENCE)
    seconds = time.monotonic() - began
    expected = checksum_of(tmp_path / "out.png")
    (tmp_path / "out.png").unlink()
    moments = random.Random(0)
    for _ in range(3):
        process = started([*words, "--resume"])
        time.sleep(moments.uniform(0.3, 1) * seconds)
        process.kill()
        process.communicate(timeout=PATIENCE)
        if (tmp_path / "out.png").exists():
            break
    else:
        assert command(*words, "--resume").code == 0
    assert checksum_of(tmp_path / "out.png") == expected


@pytest.mark.parametrize("count", [1, 2])
def test_a_run_killed_among_its_outputs_is_ended_by_the_same_command(
    count: int, words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    assert command(*words).code == 0
    expected = checksum_of(tmp_path / "out.png")
    (tmp_path / "out.png").unlink()
    words = [*words, "--resume", "--sheet", tmp_path / "sheet.png"]
    process = begun(*words, script=KILLED_AFTER.format(count=count))
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert names(tmp_path) == {"in.png", FOLDER, *["out.png", "sheet.png"][:count]}
    assert command(*words).code == 0
    assert checksum_of(tmp_path / "out.png") == expected
    assert names(tmp_path) == {"in.png", "out.png", "sheet.png"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_state_and_writes_no_picture(
    number: signal.Signals, words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    endless = ["100000000" if word == "60" else word for word in words]
    process = started([*endless, "--stop", "none", "--resume", "--json"])
    assert process.stdout is not None
    try:
        while json.loads(process.stdout.readline())["type"] != "progress":
            pass
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == (
        b"pip-restore: interrupted: finished work is kept, and the same command continues from there"
    )
    assert json.loads(out.splitlines()[-1])["type"] == "error"
    assert names(tmp_path) == {"in.png", FOLDER}
    run = command(*words, "--resume")
    assert run.code == 2
    assert "with --steps 100000000, not 60: run it again as it was, or remove that folder" in run.err.decode()


def test_a_state_that_was_damaged_is_not_used(
    words: list[str | Path], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_keeping, "PERIOD", 0.0)
    killed_at(words, step=20)
    for file in (tmp_path / FOLDER).glob("fit-*"):
        file.write_bytes(file.read_bytes()[:-1])
    run = command(*words, "--resume")
    assert run.code == 0
    assert b"continuing" not in run.err


def test_another_input_is_refused(words: list[str | Path], command: Command, tmp_path: Path) -> None:
    killed_at(words, step=10)
    smooth_picture(tmp_path / "in.png", 40, seed=1)
    run = command(*words, "--resume")
    assert run.code == 2
    assert "with another input" in run.err.decode()
    assert (tmp_path / FOLDER / MANIFEST).exists()


def test_what_cannot_be_kept_is_refused(words: list[str | Path], command: Command, tmp_path: Path) -> None:
    picture = tmp_path / "in.png"
    other = smooth_picture(tmp_path / "other.png", 8)
    assert "for one picture" in command("denoise", picture, other, "--resume").message
    assert "not -" in command("denoise", picture, "-o", "-", "--resume").message
    assert "not for dehaze" in command("dehaze", picture, "--resume").message
    assert names(tmp_path) == {"in.png", "other.png"}


def test_json_lines_tell_of_a_fit_that_goes_on(words: list[str | Path], command: Command) -> None:
    killed_at(words, step=40)
    lines = lines_of(command(*words, "--resume", "--json"))
    assert min(line["step"] for line in lines if line["type"] == "progress") > 30
    assert os.path.exists(lines[-2]["output"])
