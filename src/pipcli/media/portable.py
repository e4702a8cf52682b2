"""What POSIX has and other systems lack: locks that end with their process, and files opened beside their folder.

Where something is missing, what is left is as safe as the system allows, and works.
"""

from __future__ import annotations

import os

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Of `os.open`: fail at a symbolic link."""

BINARY = getattr(os, "O_BINARY", 0)
NO_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Of `os.open`: a pipe without a writer, in a file's place, is no hang."""

CAN_HOLD_FOLDERS = hasattr(os, "O_DIRECTORY") and {os.open, os.rename, os.stat, os.unlink} <= os.supports_dir_fd

LOCKS_STOP_OTHERS = os.name == "nt"
"""A lock keeps other programs from writing, too."""

_FAR_AWAY = 1 << 30  # the byte that Windows locks; what is in the file stays readable


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
    try:
        import fcntl
    except ImportError:
        return _take_lock_of_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _take_lock_of_windows(descriptor: int) -> bool | None:
    try:
        import msvcrt
    except ImportError:
        return None
    os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return False
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True
