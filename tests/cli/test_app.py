"""Every way in which a command can end becomes a message and an exit code in one place."""

import errno
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.cli import app
from pipcli.errors import OutputRefusedError, PipRestoreError, UnusableInputError
from pipcli.jobs import interruption as interrupt
from pipcli.jobs.photos import run as photo_task
from support.running import ENVIRONMENT, PATIENCE, START, Run, names, picture

Command = Callable[..., Run]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make the task of the command end in an exception."""

    def install(error: BaseException) -> None:
        def fail(*_: object) -> int:
            raise error

        monkeypatch.setattr(photo_task, "run", fail)

    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PipRestoreError("it failed"), 1),
        (UnusableInputError("it is unusable"), 2),
        (OutputRefusedError("it is refused"), 2),
        (interrupt.EndedAtOnceError("ended", 2), 130),
        (interrupt.EndedAtOnceError("ended", 15), 143),
    ],
)
def test_an_expected_failure_is_its_message_and_its_code(
    error: BaseException, code: int, failing: Callable[[BaseException], None], command: Command
) -> None:
    failing(error)
    run = command("denoise", "in.png")
    assert (run.code, run.message, run.out) == (code, str(error), b"")
    run = command("denoise", "in.png", "--json")
    assert (run.code, run.message) == (code, str(error))
    assert json.loads(run.out) == {"type": "error", "message": str(error), "exit_code": code}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_stdout_that_cannot_be_written_is_a_failure(
    number: int, failing: Callable[[BaseException], None], command: Command
) -> None:
    failing(OSError(number, os.strerror(number)))
    run = command("denoise", "in.png")
    assert run.code == 1
    assert run.message == f"standard output cannot be written: {os.strerror(number)}"


def test_a_defect_of_ours_is_not_hidden(failing: Callable[[BaseException], None], command: Command) -> None:
    for error in (RuntimeError("a defect"), KeyError("a defect"), ImportError("a defect", name="pipcli.cli")):
        failing(error)
        with pytest.raises(type(error)):
            command("denoise", "in.png")


def test_the_exit_code_of_the_task_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    for code in (0, 3, 130):
        monkeypatch.setattr(photo_task, "run", lambda *_, code=code: code)
        assert command("denoise", "in.png") == Run(code, b"", b"")


def test_closed_streams_are_opened_on_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    app._open_closed_streams()
    with sys.stdin, sys.stdout, sys.stderr:
        assert sys.stdin.read() == ""
        sys.stdout.write("nowhere")
        sys.stderr.write("nowhere")


def test_a_picture_is_not_poured_over_a_terminal(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    run = subprocess.run(
        [*START, "denoise", picture(tmp_path / "in.png"), "-o", "-"],
        env=ENVIRONMENT,
        stdout=terminal,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(terminal)
    os.close(controller)
    assert run.returncode == 2
    assert b"redirect stdout, or give -o a file name" in run.stderr
    assert names(tmp_path) == {"in.png"}


def test_the_module_is_the_program() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pipcli", "--version"],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert run.stdout.startswith(b"pip-restore ")
