"""The command as a fixture, and a folder that may not be written to."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Run, picture

from pipcli.cli import app, photo_job

NOBODY = 65_534
LOADED = photo_job  # before any test steps down from root, who may be the only one to read our sources


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the terminal of whoever runs the tests out of the account."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Run]:
    """Run a command line in this process; the capture sees what C libraries print, too."""

    def run(*arguments: str | Path) -> Run:
        capfdbinary.readouterr()
        code = app.run([str(argument) for argument in arguments])
        return Run(code, *capfdbinary.readouterr())

    return run


@pytest.fixture
def denoise(command: Callable[..., Run]) -> Callable[..., Run]:
    """Run `pip-restore denoise` for three steps, or for as long as the arguments say."""

    def run(*arguments: str | Path) -> Run:
        steps = () if {"--steps", "--time-limit"} & set(arguments) else ("--steps", "3")
        return command("denoise", *steps, "--device", "cpu", *arguments)

    return run


@pytest.fixture
def folder_of_another() -> Iterator[Path]:
    """A folder without write permission, in which only `in.png` may be read; root steps down meanwhile."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which lies in a folder that only root may enter
        folder = Path(name)
        picture(folder / "in.png")
        (folder / "unreadable.png").write_bytes(b"x")
        (folder / "unreadable.png").chmod(0)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)
