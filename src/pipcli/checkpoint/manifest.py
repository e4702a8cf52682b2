"""The manifest of a checkpoint folder: its files, the identity of the work, and its outputs. Never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipcli.media import shown

Identity = Mapping[str, str | int | float | bool | None]

MANIFEST, LOCK = "manifest.json", "lock"
FORMAT = 2
MADE_BY = "pip-restore"
MOST_BYTES = 16 << 20
"""Of a manifest: a file takes some 120 bytes in it, and work of 100,000 windows is not finished in a lifetime."""

OURS = re.compile(r"(fit|window)-[A-Za-z0-9_-]{1,150}\.(pt|zip)")
"""The names of kept files: plain, and like nothing that a user keeps."""

PART = re.compile(r"\.pip-restore-[0-9a-f]{16}\.part")
"""The names of what is being written."""

_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_LONGEST_WORD = 32  # of a value that a person is shown; checksums tell them nothing


class NotOursError(ValueError):
    """The bytes are no manifest of this tool."""


class OfAnotherVersionError(ValueError):
    """The bytes are a manifest of another version of this tool."""


@dataclass(frozen=True)
class KeptFile:
    """A kept file as it was written: its SHA-256 and length."""

    sha256: str
    bytes: int


@dataclass
class Manifest:
    """What a kept folder holds.

    Attributes:
        identity: what the work was asked to do, and with what.
        call: the real paths of all outputs that the call named.
        files: those that count, by name.
        outputs: checksums of what the work has made, by real paths.
    """

    identity: dict[str, str | int | float | bool | None]
    call: list[str] = field(default_factory=list)
    files: dict[str, KeptFile] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """Return the file."""
        said = {
            "made_by": MADE_BY,
            "format": FORMAT,
            "identity": self.identity,
            "call": self.call,
            "files": {name: kept.sha256 for name, kept in self.files.items()},
            "sizes": {name: kept.bytes for name, kept in self.files.items()},
            "outputs": self.outputs,
        }
        return json.dumps(said, indent=1).encode()

    @classmethod
    def read(cls, data: bytes) -> Manifest:
        """Return what a file says, after looking at every part of it.

        Raises:
            NotOursError: it is not one that `written` made.
            OfAnotherVersionError: it is of another version.
        """
        try:
            said = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise NotOursError from error
        _need(isinstance(said, dict) and said.get("made_by") == MADE_BY)
        if said.get("format") != FORMAT:
            raise OfAnotherVersionError
        parts = ("identity", "call", "files", "sizes", "outputs")
        _need(said.keys() == {"made_by", "format", *parts})
        identity, call, files, sizes, outputs = (said[name] for name in parts)
        _need(isinstance(identity, dict) and all(_is_plain(value) for value in identity.values()))
        _need(isinstance(call, list) and all(isinstance(path, str) for path in call))
        _need(all(isinstance(part, dict) for part in (files, sizes, outputs)) and files.keys() == sizes.keys())
        _need(all(isinstance(made, str) and _CHECKSUM.fullmatch(made) for made in outputs.values()))
        return cls(identity, call, {name: _kept_file(name, files[name], sizes[name]) for name in files}, outputs)

    def difference(self, now: Identity) -> str | None:
        """Return in words what differs first between this work and another; None for the same."""
        for name in (*now, *self.identity):
            was, is_now = self.identity.get(name), now.get(name)
            if was != is_now:
                known = shown(name[:_LONGEST_WORD])
                if any(len(str(value)) > _LONGEST_WORD for value in (was, is_now)):
                    return f"with another {known}"
                return f"with {known} {_word(was)}, not {_word(is_now)}"
        return None


def _kept_file(name: str, sha256: Any, length: Any) -> KeptFile:
    _need(OURS.fullmatch(name) is not None)
    _need(isinstance(sha256, str) and _CHECKSUM.fullmatch(sha256) is not None)
    _need(type(length) is int and length >= 0)
    return KeptFile(sha256, length)


def _need(holds: bool) -> None:
    if not holds:
        raise NotOursError


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _word(value: object) -> str:
    if value is None or value is False:
        return "left out"
    return "given" if value is True else shown(str(value))
