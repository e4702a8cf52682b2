"""The application: its commands, and the one place where failures become a message and an exit code."""

import contextlib
import errno
import itertools
import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from pipcli import __version__
from pipcli.cli import compare, degrade, doctor, failures, renamed
from pipcli.cli.commands import photo_command, video_command
from pipcli.cli.panels import PanelledCommand
from pipcli.errors import ExitCode, PipRestoreError
from pipcli.jobs import interruption as interrupt
from pipcli.tasks import TASKS
from pipcli.tasks.base import TaskRow

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pip-restore {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


def build(rows: Sequence[TaskRow]) -> typer.Typer:
    """Return the application for some tasks."""
    made = typer.Typer(
        name="pip-restore",
        help="Restore a degraded photo or clip with an untrained network that is fitted to that file alone.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for row in rows:
        if row.photos is not None:
            made.command(row.name, cls=PanelledCommand)(photo_command(row.name, row.photos))
    made.command("video", cls=PanelledCommand)(video_command(rows))
    made.command("compare")(compare.compare)
    made.add_typer(degrade.app, name="degrade")
    made.command("doctor")(doctor.doctor)
    return made


app = build(TASKS)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; expected failures are one line on stderr."""
    try:
        return _run(arguments)
    except OSError as error:
        # Files and the machine were dealt with, so this is stdout or stderr: full, or its reader has left.
        if error.errno != errno.EPIPE:
            _complain(f"standard output cannot be written: {error.strerror}")
        # Python would complain of the same again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED


def _run(arguments: list[str]) -> int:
    exit_code: int
    try:
        failures.check_working_folder()
        arguments = renamed.with_new_names(arguments, _complain)
        return int(app(arguments or ["--help"], prog_name="pip-restore", standalone_mode=False) or 0)
    except PipRestoreError as error:
        message, exit_code = str(error), error.exit_code
    except USAGE_ERROR as error:
        message, exit_code = f"{_one_line(error)} (pip-restore --help lists what there is)", ExitCode.UNUSABLE
    except interrupt.EndedAtOnceError as error:
        message, exit_code = str(error), error.exit_code
    except Exception as error:
        reason = failures.message_of(error)
        if reason is None:
            raise
        message, exit_code = reason, ExitCode.UNUSABLE
    _complain(message)
    if "--json" in itertools.takewhile(lambda argument: argument != "--", arguments):
        typer.echo(json.dumps({"type": "error", "message": message, "exit_code": exit_code}))
    return exit_code


def _one_line(error: Exception) -> str:
    message = getattr(error, "format_message", lambda: str(error))()
    # Typer checks values by Pydantic, which puts its own words before the reason that a parser of ours gives.
    return " ".join(message.split()).replace(": Value error, ", ": ")


def _complain(message: str) -> None:
    typer.echo(f"pip-restore: {message}", err=True)


def _open_closed_streams() -> None:
    """Give the standard streams that the caller closed a place, which the next file would otherwise take."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def main() -> NoReturn:
    """Run the command line of this process."""
    _open_closed_streams()
    interrupt.watch(interrupt.end_at_once)
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # A plain exit would wait for the worker threads to finish their step, however little anybody wants it any more.
    os._exit(code)
