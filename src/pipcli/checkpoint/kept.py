"""The checkpoint folder of one piece of work: taken, continued, extended and removed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipcli.checkpoint.manifest import LOCK, MANIFEST, OURS, Identity, KeptFile, Manifest
from pipcli.checkpoint.outputs import call_of, checksum, is_as_made
from pipcli.checkpoint.taking import Taking, may_be_ours, part_name
from pipcli.errors import OutputRefusedError
from pipcli.media import portable, shown

REMOVE_IT = "remove that folder"


class Kept:
    """The folder of one piece of work; a context manager that gives the lock back.

    The folder is ours if it holds a manifest of ours and nothing that we did not write. Anything else is left as it is.
    """

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        outputs: Sequence[Path] = (),
        *,
        anew: bool = False,
        advice: str = REMOVE_IT,
    ) -> None:
        """Take the folder, which is made if there is none, and all that is there of the same work.

        Args:
            folder: see `folder_beside`.
            identity: what the work is asked to do and with what, by names that the user knows; numbers, words, None.
            outputs: all that the call names.
            anew: whether to forget what is there.
            advice: what to do to begin anew, in words for the user.

        Raises:
            OutputRefusedError: another process works there, there is work of another identity or something that is not
                ours, or the folder cannot be made.
        """
        self.folder = folder
        self.advice = advice
        self._taking = Taking(folder, Manifest(dict(identity), call_of(outputs)), advice)
        with _refusals(folder):
            self._lock: int | None
            self._held, self._lock = self._taking.taken()
            try:
                self._manifest = self._settled(self._taking.read_manifest(self._held), anew=anew)
                self._clear()
            except BaseException:
                self._close()
                raise

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.is_empty:
            self.discard()
        self._close()

    def __contains__(self, name: str) -> bool:
        return name in self._manifest.files

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._manifest.files

    def save(self, files: Mapping[str, bytes]) -> None:
        """Write some files, which count from the moment that all are there.

        Raises:
            OutputRefusedError: they cannot be written.
        """
        for name, data in files.items():
            if not OURS.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a kept file")
            self._write(name, data)
        self._manifest.files |= {name: KeptFile(checksum(data), len(data)) for name, data in files.items()}
        self._write_manifest()

    def load(self, name: str, most: int | None = None) -> bytes | None:
        """Return what a file holds; None where there is none, or not what was written.

        Args:
            name: of the file.
            most: bytes that it can have; None where that cannot be known.

        Raises:
            OutputRefusedError: it has more.
        """
        kept = self._manifest.files.get(name)
        if kept is None:
            return None
        if most is not None and kept.bytes > most:
            raise self.unusable(name)
        try:
            data = self._held.read(name, kept.bytes)
        except OSError:
            return None
        return data if checksum(data) == kept.sha256 else None

    def unusable(self, name: str) -> OutputRefusedError:
        """Return the refusal of a file that is as it was written, and is nothing that this tool writes."""
        return OutputRefusedError(
            f"{shown(self.folder)} keeps {shown(name)}, which this tool did not write: {self.advice} to begin anew"
        )

    def is_sound(self, name: str) -> bool:
        """Return whether a file is there and holds what was written."""
        return self.load(name) is not None

    def names_with(self, beginning: str) -> list[str]:
        """Return the names of all files that begin so."""
        return [name for name in self._manifest.files if name.startswith(beginning)]

    def forget(self, names: Iterable[str]) -> None:
        """Remove some files, if they are there."""
        names = [name for name in names if name in self._manifest.files]
        if not names:
            return
        for name in names:
            del self._manifest.files[name]
        self._write_manifest()
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._held.unlink(name)

    def claim(self, output: Path, made: str) -> None:
        """Say that a file or folder of this checksum is about to become an output: see `replaceable`.

        Raises:
            OutputRefusedError: it cannot be written down.
        """
        self._manifest.outputs[os.path.realpath(output)] = made
        self._write_manifest()

    def permits(self, output: Path) -> bool:
        """Return whether an output is there as this very work has made it before it was ended, and may be replaced."""
        return is_as_made(self._manifest, output)

    def discard(self) -> None:
        """Remove the folder and what we wrote into it: the work is done."""
        with contextlib.suppress(OSError):
            self._remove([*self._manifest.files, *self._strays(), MANIFEST])
            if not self._held.is_still_there():
                return
            if portable.LOCKS_STOP_OTHERS:
                self._unlock()
            self._held.unlink(LOCK)
            os.rmdir(self.folder)

    def _close(self) -> None:
        self._held.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _settled(self, before: Manifest, *, anew: bool) -> Manifest:
        """Return what to go on with, and write it down."""
        difference = None if anew else before.difference(self._taking.fresh.identity)
        if difference is not None:
            raise OutputRefusedError(self._taking.begun(difference))
        now = Manifest(self._taking.fresh.identity, self._taking.fresh.call)
        if not anew:
            now.files = before.files
            if before.call == now.call:
                now.outputs = before.outputs
        if now != before:
            self._manifest = now
            self._write_manifest()
        return now

    def _strays(self) -> list[str]:
        """Return what is ours and the manifest does not name: files that were being written when a process ended."""
        known = {*self._manifest.files, MANIFEST, LOCK}
        return [name for name in self._held.names() if name not in known and may_be_ours(self._held, name)]

    def _clear(self) -> None:
        self._remove(self._strays())

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(self._held.status(name).st_mode):
                    self._held.remove_folder(name)
                else:
                    self._held.unlink(name)

    def _write(self, name: str, data: bytes) -> None:
        with _refusals(self.folder):
            self._held.write(name, data, part_name())

    def _write_manifest(self) -> None:
        self._write(MANIFEST, self._manifest.written())


@contextlib.contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputRefusedError(
            f"cannot keep unfinished work in {shown(folder)}: {reason}: choose another output"
        ) from error
