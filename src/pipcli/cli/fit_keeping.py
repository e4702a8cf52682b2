"""The state of a fit, kept every so often, so that a process that was ended can be followed by one that goes on."""

import io
import time
from collections.abc import Callable
from typing import Any

import torch

from pipcli.cli.interrupt import Interruption
from pipcli.keeping import Kept

# Seconds between two times of keeping, and how many times as long as the keeping itself the fit goes on at least.
PERIOD = 2.0
LEAST_SHARE = 20.0


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
        data = self._kept.load(self._name)
        if data is None:
            return None
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        self._tell(max(run["steps_done"] for run in state["runs"]))
        return state

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
