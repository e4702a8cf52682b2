"""Outputs that appear whole or not at all, never over the input, and over another file only if that was asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from pipcli.errors import OutputRefusedError
from pipcli.media.sources import shown

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
_WITHOUT_RESERVING = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV}
_WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


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
    with _refusals(path):
        target = _target(path)
        if source is not None and _same_file(target, source):
            raise OutputRefusedError(f"{shown(path)} is the input itself: choose another output")
        status = _status(target)
        if status is not None:
            _check_replaceable(path, status, overwrite=overwrite)
        if not target.parent.is_dir():
            raise OutputRefusedError(f"cannot write {shown(path)}: {_REASONS[errno.ENOENT]}")
        with _temporary(target) as (_, file):
            _reserve(file.fileno(), room)


def publish(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file so that nobody ever sees a part of it, and nothing is left of it if that fails.

    A symbolic link is followed. A file that is replaced hands down its permissions; a new one gets those of any new
    file.

    Raises:
        OutputRefusedError: it exists and `overwrite` was not given, or it could not be written.
    """
    with _refusals(path):
        target = _target(path)
        status = _status(target)
        if status is not None:
            _check_replaceable(path, status, overwrite=overwrite)
        with _temporary(target) as (temporary, file):
            _write(file, data)
            if status is not None:
                os.chmod(temporary, stat.S_IMODE(status.st_mode))
            if overwrite:
                os.replace(temporary, target)
            else:
                _move_new(temporary, target)
        _sync_folder(target.parent)


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise OutputRefusedError(f"{shown(path)} exists already: add --overwrite to replace it") from error
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror}: choose another output")
        raise OutputRefusedError(f"cannot write {shown(path)}: {reason}") from error
    except ValueError as error:  # a null character
        raise OutputRefusedError(f"{shown(path)} is not a possible file name: choose another output") from error


def _target(path: Path) -> Path:
    """Where the bytes really go: the place of a link's file, which a rename would otherwise leave behind."""
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


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, FileIO]]:
    """A new hidden file in the target's folder, gone at the end unless it was moved away."""
    # Not the target's name in it: that may be as long as names can be.
    temporary = target.parent / f".pip-restore-{os.urandom(8).hex()}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with FileIO(os.open(temporary, flags, 0o666), "wb") as file:  # less the umask, as for any new file
            yield temporary, file
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file.fileno(), rest) :]
    os.fsync(file.fileno())
    file.close()


def _reserve(descriptor: int, room: int) -> None:
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, max(room, 1))
    except OSError as error:
        if error.errno not in _WITHOUT_RESERVING:
            raise


def _move_new(temporary: Path, target: Path) -> None:
    """Give the file its name, which must not be taken; a link, unlike a rename, fails if it is."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # A file system without hard links, such as a memory card's: claim the name first.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            os.replace(temporary, target)
        except BaseException:
            os.unlink(target)
            raise


def _sync_folder(folder: Path) -> None:
    """So that the name, too, survives a power cut; where folders cannot be synced, there is nothing to be done."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
