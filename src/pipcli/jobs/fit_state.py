"""Periodic checkpoints of the state of a fit, from which a later process continues."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import torch

from pipcli.checkpoint import Kept
from pipcli.errors import PipRestoreError
from pipcli.jobs.interruption import Interruption

# Seconds between two times of keeping, and how many times as long as the keeping itself the fit goes on at least.
PERIOD = 2.0
LEAST_SHARE = 20.0
# Bytes of a state, at most: 64 of the largest networks, which a GPU fits together, keep some 1.5 GB.
MOST_BYTES = 4 << 30


class FitKeeper:
    """Keeps the state of one fit in the folder of the work, and ends the work there when a signal asked for it."""

    def __init__(self, kept: Kept, layout: str, interruption: Interruption, tell: Callable[[int], None]) -> None:
        """Take what is needed later.

        Args:
            kept: the folder of the work.
            layout: of the networks, by a name: a state serves only the same.
            interruption: ends the work, once its state is kept.
            tell: is told from which step the fit goes on.
        """
        self._kept = kept
        self._name = f"fit-{layout}.pt"
        self._interruption = interruption
        self._tell = tell
        self._ended, self._took = time.monotonic(), 0.0

    def kept(self) -> dict[str, Any] | None:
        """Return the state to go on from; None where there is none that is whole."""
        data = self._kept.load(self._name, MOST_BYTES)
        if data is None:
            return None
        try:
            state = loaded(data)
            step = max(int(run["steps_done"]) for run in state["runs"])
        except (LookupError, TypeError, ValueError) as error:
            raise self.unusable() from error
        self._tell(step)
        return state

    def unusable(self) -> PipRestoreError:
        """Return the refusal of a state that no fit has written."""
        return self._kept.unusable(self._name)

    def is_due(self) -> bool:
        """Return whether it is time again, or the last time."""
        waited = time.monotonic() - self._ended
        return self._interruption.came or waited >= max(PERIOD, LEAST_SHARE * self._took)

    def keep(self, state: dict[str, Any]) -> None:
        """Keep a state in place of the one before.

        Raises:
            EndedAtOnceError: a signal asked for the end.
        """
        began = time.monotonic()
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self._kept.save({self._name: buffer.getvalue()})
        self._ended = time.monotonic()
        self._took = self._ended - began
        self._interruption.end_keeping()


def loaded(data: bytes) -> dict[str, Any]:
    """Return a state that `torch.save` has written, of plain values and tensors; nothing in it is run.

    Raises:
        ValueError: it is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
        # As `torch.save` writes them: what is packed could unfold to any size.
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts) or _size(parts) > len(data):
            raise ValueError("the parts of a state are not packed")
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # A broad handler: on bytes that are not what they claim to be, both readers raise whatever they trip over.
        raise ValueError("no state of a fit") from error
    if not isinstance(state, dict) or not _is_plain(state):
        raise ValueError("no state of a fit")
    return state


def _size(parts: list[zipfile.ZipInfo]) -> int:
    return sum(part.file_size for part in parts)


def _is_plain(value: Any) -> bool:
    """Return whether a value is made of plain ones, and of tensors that are as large as they say."""
    if isinstance(value, torch.Tensor):
        return value.untyped_storage().nbytes() >= value.numel() * value.element_size()
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, str | int | float)
