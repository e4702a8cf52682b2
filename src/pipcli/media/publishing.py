"""Atomic publishing of outputs: whole or not at all, never over the input, over other files only if asked."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from pipcli.errors import OutputRefusedError
from pipcli.media import portable
from pipcli.media.sources import shown
from pipcli.media.unfinished import collect_beside, hidden_beside, temporary_file

_REASONS = {
    errno.ENOSPC: "there is no space left in its folder: free some, or choose another folder",
    errno.EDQUOT: "your quota in its folder is used up: free some space, or choose another folder",
    errno.ENOENT: "its folder does not exist: create it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder: choose another folder",
    errno.EACCES: "its folder may not be written to: choose another folder",
    errno.EPERM: "its folder may not be written to: choose another folder",
    errno.EROFS: "its folder may not be written to: choose another folder",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
    errno.ELOOP: "it is a symbolic link that leads back to itself: choose another name",
    errno.EFBIG: "the file would be too large for its folder: choose another folder",
}
_PERMISSIONS = 0o777  # what a file hands down: not that it runs as somebody else


def check_output(path: Path, source: Path | None, *, overwrite: bool, room: int = 1 << 20) -> None:
    """Refuse an output that could not be published later; to be called before the work, not after.

    Args:
        path: the output.
        source: the input file; None if there is none that could be overwritten.
        overwrite: whether a file that exists already may be replaced.
        room: about how many bytes will be written. The space is tried out, and given back.

    Raises:
        OutputRefusedError: the message says why, and what would be right.
    """
    with refusals(path):
        target = _target(path)
        if source is not None and _same_file(target, source):
            raise OutputRefusedError(f"{shown(path)} is the input itself: choose another output")
        status = _status(target)
        if status is not None:
            _check_replaceable(path, status, overwrite=overwrite)
        if not target.parent.is_dir():
            raise OutputRefusedError(f"cannot write {shown(path)}: {_REASONS[errno.ENOENT]}")
        collect_beside(target)
        with temporary_file(target) as (_, file):
            portable.reserve(file.fileno(), room)


def check_room(path: Path, room: int) -> None:
    """Refuse an output for which there is no space; to be called when its size is known, and before the work.

    Args:
        path: the output, which `check_output` let pass.
        room: about how many bytes will be written.

    Raises:
        OutputRefusedError: there is not as much.
    """
    with refusals(path), temporary_file(_target(path)) as (_, file):
        portable.reserve(file.fileno(), room)


def publish(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file so that nobody ever sees a part of it, and nothing is left of it if that fails.

    A symbolic link is followed. A file that is replaced hands down its permissions; a new one gets those of any new
    file.

    Raises:
        OutputRefusedError: it exists and `overwrite` was not given, or it could not be written.
    """
    with refusals(path):
        target, status = _to_replace(path, overwrite=overwrite)
        # What is replaced may be for few eyes.
        with temporary_file(target, 0o666 if status is None else 0o600) as (temporary, file):
            _write(file, data)
            _move(temporary, target, status, overwrite=overwrite)


def publish_file(path: Path, temporary: Path, *, overwrite: bool) -> None:
    """Give a file that another program has written its name, as `publish` does, once its bytes are on the disk.

    Args:
        path: the output.
        temporary: the complete file, in the same file system. It stays where it is if that fails.
        overwrite: whether a file that exists already may be replaced.

    Raises:
        OutputRefusedError: as for `publish`.
    """
    with refusals(path):
        target, status = _to_replace(path, overwrite=overwrite)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        _move(temporary, target, status, overwrite=overwrite)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # a new name was given to it, and the old one is still there


def check_output_folder(path: Path, source: Path, names: Iterable[str] | None, *, overwrite: bool) -> None:
    """Refuse a folder of files that could not be published later; to be called before the work, not after.

    Args:
        path: the output.
        source: the input.
        names: of the files that will be in it; None where they are not known yet.
        overwrite: whether files of these names may be replaced. A folder that holds others is never replaced.

    Raises:
        OutputRefusedError: the message says why, and what would be right.
    """
    with refusals(path):
        target = _target(path)
        if _same_file(target, source):
            raise OutputRefusedError(f"{shown(path)} is the input itself: choose another output")
        if not target.parent.is_dir():
            raise OutputRefusedError(f"cannot write {shown(path)}: {_REASONS[errno.ENOENT]}")
        if target.exists():
            _check_folder_replaceable(path, target, None if names is None else set(names), overwrite=overwrite)
        collect_beside(target)
        with temporary_file(target):
            pass


def publish_folder(path: Path, temporary: Path, *, overwrite: bool) -> None:
    """Give a folder of files its name, once they are on the disk; a folder of the same files may be replaced.

    Args:
        path: the output.
        temporary: the complete folder, in the same file system. It stays where it is if that fails.
        overwrite: whether a folder that exists already may be replaced.

    Raises:
        OutputRefusedError: it exists and `overwrite` was not given, it holds other files, or it cannot be written.
    """
    with refusals(path):
        target = _target(path)
        names = {entry.name for entry in os.scandir(temporary)}
        portable.sync_folder(temporary)
        old = None
        if target.exists():
            _check_folder_replaceable(path, target, names, overwrite=overwrite)
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode) & _PERMISSIONS)
            old = hidden_beside(target, "old")  # which is the user's: no run removes it but this one
            os.rename(target, old)
        try:
            os.rename(temporary, target)
        except OSError:
            if old is not None:
                os.rename(old, target)
            raise
        portable.sync_folder(target.parent)
        if old is not None:
            shutil.rmtree(old)


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """A context in which the system's errors become refusals that name this output."""
    try:
        yield
    except FileExistsError as error:
        raise OutputRefusedError(f"{shown(path)} exists already: add --overwrite to replace it") from error
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror}: choose another output")
        raise OutputRefusedError(f"cannot write {shown(path)}: {reason}") from error
    except ValueError as error:  # a null character
        raise OutputRefusedError(f"{shown(path)} is not a possible file name: choose another output") from error


def _to_replace(path: Path, *, overwrite: bool) -> tuple[Path, os.stat_result | None]:
    """Where an output really goes, and what is there, after making sure that it may be replaced."""
    target = _target(path)
    status = _status(target)
    if status is not None:
        _check_replaceable(path, status, overwrite=overwrite)
    return target, status


def _target(path: Path) -> Path:
    """Where the bytes really go: the place of a link's file, which a rename would otherwise leave behind."""
    if portable.IS_WINDOWS and portable.reserved_by_windows(path.name):
        raise OutputRefusedError(f"{shown(path)} is a name that Windows reserves: choose another output")
    return Path(os.path.realpath(path))


def _status(target: Path) -> os.stat_result | None:
    try:
        return os.lstat(target)
    except FileNotFoundError:
        return None


def _same_file(target: Path, source: Path) -> bool:
    try:
        return os.path.samefile(target, source)
    except FileNotFoundError:
        return False


def _check_replaceable(path: Path, status: os.stat_result, *, overwrite: bool) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OutputRefusedError(f"{shown(path)} is a folder: add a file name to it")
    if stat.S_ISLNK(status.st_mode):  # still one after all links were followed
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(status.st_mode):
        raise OutputRefusedError(f"{shown(path)} is not a regular file: choose another output, or - for a pipe")
    if not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _check_folder_replaceable(path: Path, target: Path, names: set[str] | None, *, overwrite: bool) -> None:
    if not target.is_dir():
        raise OutputRefusedError(f"{shown(path)} is a file, not a folder: choose another output")
    held = {entry.name for entry in os.scandir(target)}
    if names is not None and held - names:
        other = shown(min(held - names))
        raise OutputRefusedError(f"{shown(path)} holds other files ({other}): choose a new folder")
    if held and not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _move(temporary: Path, target: Path, status: os.stat_result | None, *, overwrite: bool) -> None:
    if status is not None:
        os.chmod(temporary, stat.S_IMODE(status.st_mode) & _PERMISSIONS)
    if overwrite:
        os.replace(temporary, target)
    else:
        portable.move_new(temporary, target)
    portable.sync_folder(target.parent)


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file.fileno(), rest) :]
    os.fsync(file.fileno())
    file.close()
