"""Taking a checkpoint folder: created if there is none, and touched only once it is known to be ours."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pipcli.checkpoint.folder import HeldFolder, NotAFolderError
from pipcli.checkpoint.manifest import (
    LOCK,
    MANIFEST,
    MOST_BYTES,
    OURS,
    PART,
    Manifest,
    NotOursError,
    OfAnotherVersionError,
)
from pipcli.errors import OutputRefusedError
from pipcli.media import portable, shown
from pipcli.media.unfinished import hidden_beside

MOST_TRIES = 100  # at a folder that others make and remove meanwhile


@dataclass(frozen=True)
class Taking:
    """How a folder is taken.

    Attributes:
        folder: its path.
        fresh: the manifest of a new one.
        advice: what to do to begin anew, in words for the user.
    """

    folder: Path
    fresh: Manifest
    advice: str

    def taken(self) -> tuple[HeldFolder, int]:
        """Open the folder, or make it, and lock it once it is known to be ours."""
        for _ in range(MOST_TRIES):
            try:
                held = HeldFolder(self.folder)
            except FileNotFoundError:
                self._make()
                continue
            except NotAFolderError:
                raise self._not_ours("it is not a folder") from None
            try:
                if not held.names():  # a folder without anything is nobody's
                    os.rmdir(self.folder)
                    held.close()
                    continue
                self.read_manifest(held)
                lock = held.open_alone(LOCK)
            except BaseException:
                held.close()
                raise
            if self._is_locked(held, lock):
                return held, lock
            held.close()
            os.close(lock)
        raise OutputRefusedError(f"{shown(self.folder)} keeps being created and removed by another process")

    def _make(self) -> None:
        """Make the folder with all that shows that it is ours, and only then give it its name."""
        unnamed = hidden_beside(self.folder)
        unnamed.mkdir()
        held = HeldFolder(unnamed)
        try:
            os.close(held.open_alone(LOCK))
            held.write(MANIFEST, self.fresh.written(), part_name())
            os.rename(unnamed, self.folder)
        except BaseException as error:
            with contextlib.suppress(OSError):
                for name in held.names():
                    held.unlink(name)
                os.rmdir(unnamed)
            # Somebody else was faster, whose folder is then looked at.
            if not (isinstance(error, OSError) and os.path.lexists(self.folder)):
                raise
        finally:
            held.close()

    def _is_locked(self, held: HeldFolder, lock: int) -> bool:
        """Take the lock; return False where the folder was removed meanwhile by who had it."""
        if portable.take_lock(lock) is False:
            holder = os.pread(lock, 20, 0).decode(errors="replace") if hasattr(os, "pread") else ""
            holder = holder if holder.isdecimal() else "unknown"
            held.close()
            os.close(lock)
            raise OutputRefusedError(
                f"another pip-restore, process {holder}, is working on this output, in "
                f"{shown(self.folder)}: wait for it, or choose another output"
            )
        try:
            is_same = os.path.samestat(held.status(LOCK), os.fstat(lock))
        except FileNotFoundError:
            return False
        if not (is_same and held.is_still_there()):
            return False
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        return True

    def read_manifest(self, held: HeldFolder) -> Manifest:
        """Return the manifest of a folder that is ours.

        Raises:
            OutputRefusedError: it is not.
        """
        try:
            manifest = Manifest.read(held.read(MANIFEST, MOST_BYTES))
        except OfAnotherVersionError:
            raise OutputRefusedError(
                f"{shown(self.folder)} keeps unfinished work of another version of this tool: remove that folder to "
                "begin anew"
            ) from None
        except (OSError, NotOursError):
            raise self._not_ours("it has no manifest of this tool") from None
        for name in held.names():
            if not may_be_ours(held, name):
                raise self._not_ours(f"it holds {shown(name)}")
        return manifest

    def begun(self, how: str) -> str:
        """Return the refusal of work that was begun in another way."""
        return (
            f"{shown(self.folder)} keeps unfinished work that was begun {how}: run it again as it was, or "
            f"{self.advice} to begin anew"
        )

    def _not_ours(self, why: str) -> OutputRefusedError:
        return OutputRefusedError(
            f"{shown(self.folder)} is not a folder that this tool made, {why}: move it elsewhere, or choose another "
            "output"
        )


def may_be_ours(held: HeldFolder, name: str) -> bool:
    """Return whether we could have written what a folder of ours holds by a name: by its name and kind."""
    try:
        mode = held.status(name).st_mode
    except FileNotFoundError:
        return True
    if PART.fullmatch(name):
        return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return stat.S_ISREG(mode) and (name in (MANIFEST, LOCK) or OURS.fullmatch(name) is not None)


def part_name() -> str:
    """Return a new name for what is being written."""
    return f".pip-restore-{os.urandom(8).hex()}.part"
