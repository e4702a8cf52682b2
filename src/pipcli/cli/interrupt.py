"""Ctrl-C and SIGTERM: the first asks the fit to end with its estimate, the second ends the process at once."""

import signal
from types import FrameType

INTERRUPTED_EXIT_CODE = 128 + signal.SIGINT


class Interruption:
    """Remembers the signal that asked for the end; a context manager that puts the old handlers back."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.signal_number is not None:
            raise KeyboardInterrupt
        self.signal_number = number

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells count, or 0 when there was none."""
        return 0 if self.signal_number is None else 128 + self.signal_number
