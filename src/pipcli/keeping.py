"""What is kept of work that takes long, so that it can go on after it was ended: files in a hidden folder.

A manifest names each file with its checksum, and what the work was asked to do: the folder serves that work alone. A
file is written whole or not at all, and counts from the moment that the manifest names it. Outputs, which lie
elsewhere, are named there before they get their names, so that work that goes on may replace its own. One process has
the folder at a time, by a lock that the system takes back when the process is gone, however it went.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipcli.errors import OutputRefusedError
from pipcli.media import publish, shown

FORMAT = 1
MANIFEST, LOCK = "manifest.json", "lock"
# Names are at most this long on all file systems, less what is put around them.
LONGEST_NAME = 240
CHUNK = 1 << 20
REMOVE_IT = "remove that folder"
NOT_A_MANIFEST = (ValueError, KeyError, TypeError, AttributeError)

Identity = Mapping[str, str | int | float | bool | None]


def folder_beside(output: Path) -> Path:
    """Return the name of the folder for the work whose result is to be a file, beside that."""
    name = output.name
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return output.parent / f".{name}.resume"


def checksum(data: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files in a folder."""
    if path.is_dir():
        parts = (f"{entry.name!r} {checksum_of(entry)}" for entry in sorted(path.iterdir()) if entry.is_file())
        return checksum("\n".join(parts).encode())
    total = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            total.update(part)
    return total.hexdigest()


def replaceable(outputs: Iterable[Path | None], folder: Path | None, *, overwrite: bool) -> frozenset[Path]:
    """Return the outputs that may exist already: what the same work has made before it was ended, unchanged since.

    Args:
        outputs: of the call; None is none.
        folder: see `folder_beside`; None where work does not go on.
        overwrite: the user says that all may.
    """
    named = [output for output in outputs if output is not None]
    return frozenset(output for output in named if overwrite or (folder is not None and _made_before(folder, output)))


def _made_before(folder: Path, output: Path) -> bool:
    try:
        made = json.loads((folder / MANIFEST).read_bytes())["outputs"][os.path.realpath(output)]
        return bool(made == checksum_of(output))
    except (OSError, *NOT_A_MANIFEST):
        return False


class Kept:
    """The folder of one piece of work; a context manager that gives the lock back."""

    def __init__(self, folder: Path, identity: Identity, *, anew: bool = False, advice: str = REMOVE_IT) -> None:
        """Take the folder, which is made if there is none, and all that is there of the same work.

        Args:
            folder: see `folder_beside`.
            identity: what the work is asked to do and with what, by names that the user knows; numbers, words, None.
            anew: whether to forget what is there.
            advice: what to do to begin anew, in words for the user.

        Raises:
            OutputRefusedError: another process works there, there is work of another identity, or the folder cannot be
                made.
        """
        self.folder = folder
        self.identity = dict(identity)
        self.advice = advice
        self._checksums: dict[str, str] = {}
        self._outputs: dict[str, str] = {}
        with _refusals(folder):
            self._lock = _locked(folder)
            try:
                if not anew:
                    self._take_over()
                self._remove_strays()
            except BaseException:
                os.close(self._lock)
                raise

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.is_empty:
            self.discard()
        os.close(self._lock)

    def __contains__(self, name: str) -> bool:
        return name in self._checksums

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._checksums

    def save(self, files: Mapping[str, bytes]) -> None:
        """Write some files, which count from the moment that all are there.

        Raises:
            OutputRefusedError: they cannot be written.
        """
        for name, data in files.items():
            publish(self.folder / name, data, overwrite=True)
        self._checksums |= {name: checksum(data) for name, data in files.items()}
        self._write_manifest()

    def load(self, name: str) -> bytes | None:
        """Return what a file holds; None where there is none, or not what was written."""
        try:
            data = (self.folder / name).read_bytes()
        except OSError:
            return None
        return data if checksum(data) == self._checksums.get(name) else None

    def is_sound(self, name: str) -> bool:
        """Return whether a file is there and holds what was written."""
        return self.load(name) is not None

    def names_with(self, beginning: str) -> list[str]:
        """Return the names of all files that begin so."""
        return [name for name in self._checksums if name.startswith(beginning)]

    def forget(self, names: Iterable[str]) -> None:
        """Remove some files, if they are there."""
        names = [name for name in names if name in self._checksums]
        if not names:
            return
        for name in names:
            del self._checksums[name]
        self._write_manifest()
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def claim(self, output: Path, made: str) -> None:
        """Say that a file or folder of this checksum is about to become an output: see `replaceable`.

        Raises:
            OutputRefusedError: it cannot be written down.
        """
        self._outputs[os.path.realpath(output)] = made
        self._write_manifest()

    def discard(self) -> None:
        """Remove the folder: the work is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_manifest(self) -> None:
        manifest = {"format": FORMAT, "identity": self.identity, "files": self._checksums, "outputs": self._outputs}
        publish(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode(), overwrite=True)

    def _take_over(self) -> None:
        """Take what the manifest names, which is of the same work; nothing where no manifest could be read."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_bytes())
            version, identity = manifest["format"], manifest["identity"]
            checksums, outputs = (
                {str(name): str(value) for name, value in named.items()}
                for named in (manifest["files"], manifest.get("outputs", {}))
            )
        except (FileNotFoundError, *NOT_A_MANIFEST):
            return
        difference = _difference(identity, self.identity) if version == FORMAT else "by another version of this tool"
        if difference is not None:
            raise OutputRefusedError(
                f"{shown(self.folder)} keeps unfinished work that was begun {difference}: run it again as it was, or "
                f"{self.advice} to begin anew"
            )
        self._checksums, self._outputs = checksums, outputs

    def _remove_strays(self) -> None:
        """Remove what the manifest does not name: files that were being written when the process ended."""
        for entry in self.folder.iterdir():
            if entry.name in {*self._checksums, MANIFEST, LOCK}:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _difference(before: Any, now: dict[str, Any]) -> str | None:
    """Return in words what differs first between the identities of two pieces of work."""
    if not isinstance(before, dict):
        return "by another version of this tool"
    for name in (*now, *before):
        was, is_now = before.get(name), now.get(name)
        if was != is_now:
            short = all(len(str(value)) <= 32 for value in (was, is_now))  # checksums tell a person nothing
            return f"with {name} {_word(was)}, not {_word(is_now)}" if short else f"with another {name}"
    return None


def _word(value: object) -> str:
    if value is None or value is False:
        return "left out"
    return "given" if value is True else str(value)


def _locked(folder: Path) -> int:
    """Return the descriptor of the lock of a folder, which is made if there is none.

    Raises:
        OutputRefusedError: another process has it.
    """
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # whoever had the folder is done and has just removed it
            continue
        try:
            _lock(lock, folder)
            # The file may have been removed between its opening and its locking.
            if os.path.samestat(os.fstat(lock), os.stat(folder / LOCK)):
                os.ftruncate(lock, 0)
                os.write(lock, str(os.getpid()).encode())
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        _take(descriptor)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        raise OutputRefusedError(
            f"another pip-restore, process {holder}, is at work on this output and keeps it in {shown(folder)}: wait "
            "for it, or choose another output"
        ) from None


def _take(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputRefusedError(
            f"cannot keep unfinished work in {shown(folder)}: {error.strerror}: choose another output"
        ) from error
