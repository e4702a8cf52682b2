"""A folder that is held open; its files are accessed without following links."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import Any

from pipcli.media import portable


class NotAFolderError(OSError):
    """There is something, and it is no folder."""


class HeldFolder:
    """A folder, not a link to one; where the system can, its files are found by its handle and not by its path."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            FileNotFoundError: there is nothing.
            NotAFolderError: there is something else, such as a link.
        """
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise NotAFolderError(path)
        self.path = path
        self._handle = portable.hold_folder(path)

    def close(self) -> None:
        """Let go of it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def is_still_there(self) -> bool:
        """Return whether its path still leads to it."""
        try:
            now = os.lstat(self.path)
        except OSError:
            return False
        return stat.S_ISDIR(now.st_mode) and (self._handle is None or os.path.samestat(now, os.fstat(self._handle)))

    def names(self) -> list[str]:
        """Return the names of all that is in it, hidden too."""
        return sorted(os.listdir(self.path if self._handle is None else self._handle))

    def status(self, name: str) -> os.stat_result:
        """Return what is there by a name; of a link, the link's."""
        return os.stat(self._at(name), follow_symlinks=False, **self._beside())

    def read(self, name: str, most: int) -> bytes:
        """Return what a file of a single name holds.

        Raises:
            OSError: there is none, it is no regular file, has more than one name, or more than so many bytes.
        """
        descriptor = self._opened(name, os.O_RDONLY)
        with open(descriptor, "rb") as file:
            if os.fstat(descriptor).st_size > most:
                raise OSError(f"{name} has more than {most} bytes")
            return file.read(most)

    def open_alone(self, name: str) -> int:
        """Return a descriptor of a file for reading and writing, which is made if there is none.

        Raises:
            OSError: there is something that is not a regular file of a single name.
        """
        with contextlib.suppress(FileExistsError):
            os.close(self._created(name))
        return self._opened(name, os.O_RDWR)

    def write(self, name: str, data: bytes, temporary: str) -> None:
        """Write a file whole or not at all, under another name first; a link by its name is replaced, not followed."""
        descriptor = self._created(temporary)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            at = {} if self._handle is None else {"src_dir_fd": self._handle, "dst_dir_fd": self._handle}
            os.replace(self._at(temporary), self._at(name), **at)
        except BaseException:
            with contextlib.suppress(OSError):
                self.unlink(temporary)
            raise
        if self._handle is not None:
            with contextlib.suppress(OSError):  # where folders cannot be synced
                os.fsync(self._handle)

    def unlink(self, name: str) -> None:
        """Remove a file, or a link as such."""
        os.unlink(self._at(name), **self._beside())

    def remove_folder(self, name: str) -> None:
        """Remove a folder in it and all that is in that; links as such."""
        shutil.rmtree(self._at(name), **self._beside())

    def _opened(self, name: str, flags: int) -> int:
        self._check_plain(self.status(name), name)  # before opening: to open a pipe or a device does something
        flags |= portable.NO_FOLLOW | portable.NO_WAITING | portable.BINARY
        descriptor = os.open(self._at(name), flags, **self._beside())
        try:
            self._check_plain(os.fstat(descriptor), name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _created(self, name: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | portable.NO_FOLLOW | portable.BINARY
        return os.open(self._at(name), flags, 0o666, **self._beside())

    @staticmethod
    def _check_plain(status: os.stat_result, name: str) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise OSError(f"{name} is not a file of its own")

    def _at(self, name: str) -> str:
        return name if self._handle is not None else os.path.join(self.path, name)

    def _beside(self) -> dict[str, Any]:
        return {} if self._handle is None else {"dir_fd": self._handle}
