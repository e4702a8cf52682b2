"""Hidden files and folders that will become outputs: whose they are is known, and none outlives its run for long.

A running process holds the lock of each that it writes. What a killed run has left is free, and goes when the next run
writes beside it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from pipcli.media import portable

PART = re.compile(r"\.pip-restore-[0-9a-f]{16}\.part")


def hidden_beside(path: Path, ending: str = "part") -> Path:
    """A new hidden name in the folder where a path really lies, for what will become it."""
    # Not the target's name in it: that may be as long as names can be.
    return Path(os.path.realpath(path)).parent / f".pip-restore-{os.urandom(8).hex()}.{ending}"


@contextlib.contextmanager
def temporary_file(target: Path, mode: int = 0o666) -> Iterator[tuple[Path, FileIO]]:
    """A new hidden file in the target's folder, gone at the end unless it was moved away.

    Args:
        target: what it will become.
        mode: its permissions, less the umask.
    """
    path, descriptor = _new_file(target, mode)
    try:
        with FileIO(descriptor, "wb") as file:
            yield path, file
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


class Held:
    """A hidden file or folder that another program, or several calls, will write: made here, and ours until let go.

    Args:
        path: of it; from `hidden_beside`.
        mode: its permissions, less the umask; None for a folder.
    """

    def __init__(self, path: Path, mode: int | None = 0o666) -> None:
        if mode is None:
            path.mkdir()
            self._descriptor = portable.hold_folder(path)
        else:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | portable.BINARY, mode)
        if self._descriptor is not None:
            if portable.LOCKS_STOP_OTHERS:  # from writing, too, and the other program is to write
                self.let_go()
            else:
                portable.take_lock(self._descriptor)

    def let_go(self) -> None:
        """Give the lock back; what is there stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@functools.lru_cache(maxsize=256)
def collect_beside(target: Path) -> None:
    """Remove what runs that were killed have left in the folder of an output; each folder once a process.

    Only what bears our kind of name, belongs to this user, and is locked by no process.
    """
    _collect(target.parent)


def _collect(folder: Path) -> None:
    with contextlib.suppress(OSError):
        found = [entry.path for entry in os.scandir(folder) if PART.fullmatch(entry.name)]
        for path in found:
            with contextlib.suppress(OSError):
                _collect_one(path)


def _collect_one(path: str) -> None:
    status = os.lstat(path)
    is_folder = stat.S_ISDIR(status.st_mode)
    if not (is_folder or stat.S_ISREG(status.st_mode)) or status.st_uid != _user(status):
        return
    descriptor = os.open(path, os.O_RDONLY | portable.NO_FOLLOW | portable.NO_WAITING | portable.BINARY)
    try:
        # Only where a lock says so: without locks nobody knows whether a run is dead.
        is_dead = portable.take_lock(descriptor) is True
        if not is_dead or not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return
        if not is_folder and portable.LOCKS_STOP_OTHERS:
            os.close(descriptor)
            descriptor = -1
        if not is_folder:
            os.unlink(path)
        elif not any(entry.is_dir(follow_symlinks=False) for entry in list(os.scandir(path))):
            shutil.rmtree(path)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _user(status: os.stat_result) -> int:
    return os.geteuid() if hasattr(os, "geteuid") else status.st_uid


def _new_file(target: Path, mode: int) -> tuple[Path, int]:
    """A new hidden file beside a target, and its descriptor, locked."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | portable.BINARY
    while True:
        path = hidden_beside(target)
        descriptor = os.open(path, flags, mode)
        try:
            # Another run may have found it before it was locked, and taken it for a dead one's.
            is_ours = portable.take_lock(descriptor) is not False
            if is_ours and os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return path, descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
