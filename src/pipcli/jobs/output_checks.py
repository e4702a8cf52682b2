"""Checks of the files of a call: no file is both read and written, and none is written twice."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipcli.errors import OutputRefusedError
from pipcli.jobs.unchanged import files_of
from pipcli.media import shown
from pipcli.tasks.options import STANDARD_STREAM


def check_apart(written: Mapping[str, Path | None], read: Iterable[tuple[str, Path | None]]) -> None:
    """Refuse one file in two roles, of which the later would replace the earlier.

    Args:
        written: the outputs, by the options that name them; None and a dash are none.
        read: the inputs likewise, any number by each name; of a folder, all files in it.

    Raises:
        OutputRefusedError: there is one; the message names both options.
    """
    seen: dict[object, str] = {}
    for option, path in read:
        for file in files_of(path):
            seen.setdefault(_identity(file), option)
    for option, path in written.items():
        if path is None or path == STANDARD_STREAM:
            continue
        other = seen.setdefault(_identity(path), option)
        if other == "INPUT":
            raise OutputRefusedError(f"{shown(path)} of {option} is an input: choose another output")
        if other != option:
            raise OutputRefusedError(f"{other} and {option} are both {shown(path)}: they must be different files")


def _identity(path: Path) -> object:
    """Return what two names of one file share, also where it is still to be made."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
