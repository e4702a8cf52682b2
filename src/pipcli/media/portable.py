"""Fallbacks for what POSIX alone has: locks, directory handles, hard links, syncing and reserving.

Where something is missing, the fallback works and is as safe as the system allows.
"""

from __future__ import annotations

import contextlib
import errno
import os

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Of `os.open`: fail at a symbolic link."""

BINARY = getattr(os, "O_BINARY", 0)
NO_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Of `os.open`: a pipe without a writer, in a file's place, is no hang."""

CAN_HOLD_FOLDERS = hasattr(os, "O_DIRECTORY") and {os.open, os.rename, os.stat, os.unlink} <= os.supports_dir_fd

IS_WINDOWS = os.name == "nt"

LOCKS_STOP_OTHERS = IS_WINDOWS
"""A lock keeps other programs from writing, too, and an open file can be neither removed nor renamed."""

_WITHOUT_RESERVING = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV}
# EINVAL is what Windows makes of a file system that does not know the call.
_WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "123456789\u00b9\u00b2\u00b3"
}


def hold_folder(path: str | os.PathLike[str]) -> int | None:
    """Return a descriptor of a folder, which is not a link, to open files beside; None where systems have none.

    Raises:
        OSError: there is none, or it is something else.
    """
    if not CAN_HOLD_FOLDERS:
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | NO_FOLLOW | getattr(os, "O_CLOEXEC", 0))


def take_lock(descriptor: int) -> bool | None:
    """Lock an open file until it is closed or the process ends.

    Returns:
        False where another process has it; None where the system or the file system has no locks.
    """
    import filelock  # flock, or LockFileEx on Windows; not needed for --help

    try:
        return filelock.lock_descriptor(descriptor, blocking=False)
    except OSError:
        return None


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make a new name in a folder survive a power cut; does nothing where folders cannot be opened or synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def reserve(descriptor: int, room: int) -> None:
    """Take so many bytes of the disk for an open file, where the system can do that without writing them.

    Raises:
        OSError: there is not so much room.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, max(room, 1))
    except OSError as error:
        if error.errno not in _WITHOUT_RESERVING:
            raise


def move_new(temporary: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Give a file a name that must not be taken; the temporary name may remain.

    Raises:
        FileExistsError: the name is taken.
        OSError: it cannot be given.
    """
    try:
        if not hasattr(os, "link"):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        os.link(temporary, target)  # which, unlike a rename, fails if there is something
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


def reserved_by_windows(name: str) -> bool:
    """Return whether Windows gives a file name another meaning: a device, a stream, or a name without its ending."""
    stem = name.split(".")[0].rstrip(" ").upper()
    return stem in _DEVICES or ":" in name or name != name.rstrip(". ")
