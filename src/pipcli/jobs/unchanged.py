"""Detection of changes to inputs that are read more than once, such as clips."""

import os
from collections.abc import Iterable
from pathlib import Path

from pipcli.checkpoint import checksum_of
from pipcli.errors import UnusableInputError
from pipcli.media import shown
from pipcli.tasks.options import STANDARD_STREAM


def files_of(path: Path | None) -> list[Path]:
    """Return a file that is read, or a folder and all that is in it; nothing for None and for a dash."""
    if path is None or path == STANDARD_STREAM:
        return []
    try:
        return [path, *(Path(entry.path) for entry in os.scandir(path))] if path.is_dir() else [path]
    except OSError:  # which is told of where the input is read
        return [path]


class Unchanged:
    """Files as they are now, to be looked at again later."""

    def __init__(self, paths: Iterable[Path | None]) -> None:
        """Take note of some files, or of all that is in folders."""
        self._stamps = {file: _stamp(file) for path in paths for file in files_of(path)}
        self._checksums: dict[Path, str] = {}

    def checksum(self, path: Path) -> str:
        """Return the SHA-256 of a file or folder, which it must have to the end.

        Raises:
            UnusableInputError: it has changed already.
        """
        found = _checksum(path)
        self.check()
        self._checksums[path] = found
        return found

    def check(self) -> None:
        """See that nothing has changed, by the marks that the system keeps of a file.

        Raises:
            UnusableInputError: something has; the message names it.
        """
        for path, stamp in self._stamps.items():
            if _stamp(path) != stamp:
                raise _changed(path)

    def check_contents(self) -> None:
        """See that nothing has changed, by reading everything again of which the checksum is known.

        Raises:
            UnusableInputError: something has; the message names it.
        """
        self.check()
        for path, before in self._checksums.items():
            if _checksum(path) != before:
                raise _changed(path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what tells one state of a file from another, None where there is no file; of a folder, which it is."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if path.is_dir():  # files beside its pictures may come and go
        return status.st_dev, status.st_ino
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _checksum(path: Path) -> str:
    try:
        return checksum_of(path)
    except OSError as error:
        raise _changed(path) from error


def _changed(path: Path) -> UnusableInputError:
    return UnusableInputError(f"{shown(path)} has changed during the work: nothing was written, run it again")
