"""Failures of the machine (files, memory, libraries) as one line; defects of ours are not hidden."""

import errno
import os

from pipcli.errors import UnusableInputError
from pipcli.media import shown

_REASONS = {
    errno.ENOENT: "does not exist: check the spelling",
    errno.ENOTDIR: "does not exist: a part of its path is a file, not a folder",
    errno.EACCES: "may not be read or written: ask for permission, or choose another place",
    errno.EPERM: "may not be read or written: ask for permission, or choose another place",
    errno.EROFS: "may not be written: choose another place",
    errno.ENAMETOOLONG: "cannot exist, its name is too long: choose a shorter one",
    errno.ELOOP: "is a symbolic link that leads back to itself: give the file",
    errno.EISDIR: "is a folder: give a file",
    errno.ENOSPC: "cannot be written, there is no space left: free some, or choose another folder",
    errno.EDQUOT: "cannot be written, your quota is used up: free some space, or choose another folder",
}
_OF_THE_MACHINE = {
    errno.EMFILE: "this process may open too few files: raise the limit, as with ulimit -n 1024",
    errno.ENFILE: "this machine has too many open files: close some programs",
    errno.ENOMEM: "there is too little memory: close some programs, or raise the limit (ulimit -v)",
    errno.EAGAIN: "this machine lets no more processes or threads start: close some programs, or raise the limit",
}
_NO_MEMORY = _OF_THE_MACHINE[errno.ENOMEM]


def message_of(error: BaseException) -> str | None:
    """Return the line for a failure of the machine or of a path; None for a defect of ours, and for standard output."""
    if isinstance(error, MemoryError):
        return _NO_MEMORY
    if isinstance(error, ImportError):
        return _of_library(error, error.name or "")
    if isinstance(error, RuntimeError):  # which Python raises of threads, and torch of memory
        has_no_threads = "can't start new thread" in str(error)
        has_no_memory = "can't allocate memory" in str(error)
        return _OF_THE_MACHINE[errno.EAGAIN] if has_no_threads else _NO_MEMORY if has_no_memory else None
    if not isinstance(error, OSError):
        return None
    if error.errno is None and error.args:  # of a library that is loaded by its file
        return _of_library(error, "")
    if error.errno in _OF_THE_MACHINE:
        return _OF_THE_MACHINE[error.errno]
    if error.filename is not None and not isinstance(error.filename, int):
        reason = _REASONS.get(error.errno or 0, f"cannot be read or written ({error.strerror})")
        return f"{shown(error.filename)} {reason}"
    return None


def check_working_folder() -> None:
    """Refuse to work in a folder that is gone, in which libraries end the process with words of their own.

    Raises:
        UnusableInputError: it is.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise UnusableInputError("the working folder does not exist any more: change into another") from error


def _of_library(error: Exception, library: str) -> str | None:
    """Return the line for a library that cannot be loaded; None for one of our own parts, which is a defect."""
    words = " ".join(str(error).split())
    if "Cannot allocate memory" in words or "failed to map segment" in words or "cannot allocate" in words.lower():
        return _NO_MEMORY
    if "Too many open files" in words:
        return _OF_THE_MACHINE[errno.EMFILE]
    if library.partition(".")[0] == "pipcli":
        return None
    return f"{shown(library or 'a library')} cannot be loaded ({shown(words)[:200]}): install pip-restore again"
