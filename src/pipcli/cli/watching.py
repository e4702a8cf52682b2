"""What is shown of the finishing of a photo, and when it has to end."""

import time
from collections.abc import Callable

from pipcli.cli import report
from pipcli.console import Reporter


class FinishWatch:
    """Shows the progress of the branch, and ends the finishing when the user or the clock says so."""

    def __init__(
        self,
        time_limit: float | None,
        seconds_before: float,
        reporter: Reporter,
        interrupted: Callable[[], bool],
    ) -> None:
        self.time_limit = time_limit
        self.seconds_before = seconds_before
        self.reporter = reporter
        self.interrupted = interrupted
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the networks' picture was there."""
        return time.perf_counter() - self._began

    def branch_step(self, step: int, steps: int) -> None:
        """Show a step of the branch."""
        report.branch_step(self.reporter, step, steps, self.seconds)

    def must_end(self) -> bool:
        """Return whether to do without what is left."""
        late = self.time_limit is not None and self.seconds_before + self.seconds >= self.time_limit
        return late or self.interrupted()
