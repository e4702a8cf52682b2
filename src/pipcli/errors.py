"""Failures that a person can act on: one line that says what was wrong and what would be right.

They are raised anywhere below the command line and turned into a message and an exit code in one place,
`pipcli.cli.app.main`. Everything else that is raised is a defect of ours.
"""


class PipRestoreError(Exception):
    """The work was asked for correctly and could not be done."""

    exit_code = 1


class UnusableInputError(PipRestoreError):
    """A file or an option value that cannot be worked with as it is."""

    exit_code = 2


class OutputRefusedError(PipRestoreError):
    """An output that must not or cannot be written: it exists, its folder does not, it would lose something."""

    exit_code = 2
