"""File names with any bytes in them work, and stdout gets them byte for byte."""

import os
from pathlib import Path

import pytest

from pipcli.cli.app import run
from support.hostile import AWKWARD_NAMES
from support.running import in_process_of_its_own, picture


def denoised(name: bytes) -> bytes:
    """The default output's name."""
    return name.replace(b".png", b"_denoised.png")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names_work_and_come_out_on_stdout_unchanged(
    name: bytes, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.rename(picture(tmp_path / "plain.png", 8, 8), os.fsencode(tmp_path) + b"/" + name)
    monkeypatch.chdir(tmp_path)
    assert run(["denoise", "--steps", "1", "--", os.fsdecode(name)]) == 0
    captured = capfdbinary.readouterr()
    assert captured.out == denoised(name) + b"\n"
    assert captured.err.decode("utf-8").count("\n") == 3
    assert set(os.listdir(os.fsencode(tmp_path))) == {name, denoised(name)}


def test_a_process_takes_names_that_are_no_utf_8_or_look_like_options(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name, typed in ((b"not\xff\xfeutf8.png", b"not\xff\xfeutf8.png"), (b"-x.png", b"./-x.png")):
        os.rename(picture(tmp_path / "plain.png", 8, 8), folder + b"/" + name)
        finished = in_process_of_its_own("denoise", "--steps", "1", typed, cwd=tmp_path)
        assert finished.code == 0, finished.err
        assert finished.out == denoised(name) + b"\n"
        assert denoised(name) in os.listdir(folder)


def test_a_refusal_of_an_awkward_name_stays_on_one_line(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    for name in AWKWARD_NAMES:
        assert run(["denoise", str(tmp_path / "none" / os.fsdecode(name))]) == 2
        captured = capfdbinary.readouterr()
        assert captured.err.count(b"\n") == 1
        assert captured.err.decode("utf-8").isprintable() or captured.err.endswith(b"\n")
        assert captured.out == b""
