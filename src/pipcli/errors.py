"""Failures that a person can act on: one line that says what was wrong and what would be right.

They are raised anywhere below the command line and turned into a message and an exit code in one place,
`pipcli.cli.app.main`. Everything else that is raised is a defect of ours.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; a run that a signal ended returns 128 plus the signal's number, as shells count."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2  # wrong use, unusable input or refused output
    SOME_FAILED = 3  # of several inputs


class PipRestoreError(Exception):
    """The work was asked for correctly and could not be done."""

    exit_code = ExitCode.FAILED


class UnusableInputError(PipRestoreError):
    """A file or an option value that cannot be worked with as it is."""

    exit_code = ExitCode.UNUSABLE


class OutputRefusedError(PipRestoreError):
    """An output that must not or cannot be written: it exists, its folder does not, it would lose something."""

    exit_code = ExitCode.UNUSABLE
