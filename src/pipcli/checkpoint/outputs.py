"""The outputs of resumable work: which of them it has made itself, and may replace."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pipcli.checkpoint.folder import HeldFolder
from pipcli.checkpoint.manifest import MANIFEST, MOST_BYTES, Manifest

# Names are at most this long on all file systems, less what is put around them.
LONGEST_NAME = 240
CHUNK = 1 << 20


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

    Whether it is the same work is known when the folder is taken, which comes before anything is replaced.

    Args:
        outputs: all that the call names; None is none.
        folder: see `folder_beside`; None where work does not go on.
        overwrite: the user says that all may.
    """
    named = [output for output in outputs if output is not None]
    if overwrite or folder is None:
        return frozenset(named if overwrite else ())
    try:
        held = HeldFolder(folder)
        try:
            manifest = Manifest.read(held.read(MANIFEST, MOST_BYTES))
        finally:
            held.close()
    except (OSError, ValueError):
        return frozenset()
    if manifest.call != call_of(named):
        return frozenset()
    return frozenset(output for output in named if is_as_made(manifest, output))


def call_of(outputs: Iterable[Path]) -> list[str]:
    return sorted(os.path.realpath(output) for output in outputs)


def is_as_made(manifest: Manifest, output: Path) -> bool:
    made = manifest.outputs.get(os.path.realpath(output))
    if made is None:
        return False
    try:
        is_plain = stat.S_ISREG(os.stat(output).st_mode) or output.is_dir()
        return is_plain and made == checksum_of(output)
    except OSError:
        return False
