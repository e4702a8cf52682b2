"""Ctrl-C, SIGTERM and SIGHUP: the first asks the fit to end with its estimate, the second ends the process at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

# A terminal that is closed is as good as a request to end. Windows has no such signal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class EndedAtOnceError(BaseException):
    """A signal ended the process without an estimate; no `Exception`, so that nothing on the way up handles it."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


def end_at_once(number: int, frame: FrameType | None = None) -> None:
    """Handle a signal for which there is no estimate yet."""
    del frame
    raise EndedAtOnceError("interrupted before there was an estimate: nothing was written", number)


def watch(handler: Callable[[int, FrameType | None], None]) -> dict[int, object]:
    """Set a handler for the signals that end the work, and return those that it replaces.

    A signal that the caller has us ignore, as shells do for background jobs, stays ignored.
    """
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heeded}


class Interruption:
    """Remembers the signal that asked for the end; a context manager that puts the old handlers back."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        self._before = watch(self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.signal_number is not None:
            raise EndedAtOnceError("interrupted twice: ended at once, what was not yet written is lost", number)
        self.signal_number = number

    def check(self) -> None:
        """End at once if a signal came; to be called where there is no estimate yet.

        Raises:
            EndedAtOnceError: a signal came.
        """
        if self.signal_number is not None:
            end_at_once(self.signal_number)

    def end_keeping(self) -> None:
        """End if a signal came; to be called where all that was done is kept.

        Raises:
            EndedAtOnceError: a signal came.
        """
        if self.signal_number is not None:
            raise EndedAtOnceError(
                "interrupted: finished work is kept, and the same command continues from there", self.signal_number
            )

    @property
    def came(self) -> bool:
        """Whether a signal asked for the end."""
        return self.signal_number is not None

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells count, or 0 when there was none."""
        return 0 if self.signal_number is None else 128 + self.signal_number


class StopRequest(Interruption):
    """An interruption that a program can ask for, too, and that always ends with the estimate so far."""

    def __init__(self, should_stop: Callable[[], bool] | None = None) -> None:
        """Take the function that is asked whether to end; None for signals alone."""
        super().__init__()
        self._should_stop = should_stop
        self._stopped = False
        self.gives_estimate = False

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # the only one that may set handlers
            super().__enter__()
        return self

    @property
    def came(self) -> bool:
        """Whether a signal or the program asked for the end."""
        if not self._stopped and self._should_stop is not None:
            self._stopped = bool(self._should_stop())
        return self._stopped or self.signal_number is not None

    def check(self) -> None:
        """End at once if the end was asked for; raises as `Interruption.check`."""
        if self.came:
            end_at_once(self.signal_number or 0)

    def end_keeping(self) -> None:
        """End if the end was asked for and the estimate so far is not being put together already."""
        if self.came and not self.gives_estimate:
            raise EndedAtOnceError("interrupted", self.signal_number or 0)
