"""The application: its commands, and the one place where failures become a message and an exit code."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from pipcli import __version__
from pipcli.cli import denoise, interrupt
from pipcli.errors import PipRestoreError

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
USAGE_EXIT_CODE = 2

app = typer.Typer(
    name="pip-restore",
    help="Restore one degraded picture with an untrained generator that is fitted to that picture alone.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("denoise")(denoise.denoise)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pip-restore {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; expected failures are one line on stderr."""
    try:
        return int(app(arguments, prog_name="pip-restore", standalone_mode=False) or 0)
    except PipRestoreError as error:
        _complain(str(error))
        return error.exit_code
    except USAGE_ERROR as error:
        _complain(f"{_one_line(error)} (pip-restore --help lists what there is)")
        return USAGE_EXIT_CODE
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted before there was an estimate: nothing was written")
        return interrupt.INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        # The reader of stdout has left, as `head` does. Python would complain of the same again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _one_line(error: Exception) -> str:
    message = getattr(error, "format_message", lambda: str(error))()
    return " ".join(message.split())


def _complain(message: str) -> None:
    typer.echo(f"pip-restore: {message}", err=True)


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))
