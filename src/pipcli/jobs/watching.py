"""Watchers of work on photos and clips: progress, signals and time limits."""

import time
from dataclasses import dataclass

from pipcli.checkpoint import Kept
from pipcli.console import Reporter
from pipcli.jobs import report
from pipcli.jobs.interruption import Interruption
from pipcli.watch import Progress


@dataclass
class JobWatch:
    """Shows the progress of fits, and what follows them.

    Attributes:
        interruption: whether a signal came.
        reporter: shows the progress.
        kept: where the fit is kept: when a signal comes after it, the work ends at once, and can go on later.
        noise_variance: mean squared error of the clean pictures, where the held-out error is one.
        seconds_left: of what follows the fit; None for no bound.
    """

    interruption: Interruption
    reporter: Reporter
    kept: Kept | None = None
    noise_variance: float | None = None
    seconds_left: float | None = None

    def __post_init__(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._began

    def progress(self, progress: Progress) -> None:
        """Show the progress."""
        self.reporter.show(progress, self.noise_variance)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Tell that a fit diverged and begins again."""
        report.restarted(self.reporter, member, step, rate_factor)

    def must_end(self) -> bool:
        """Return whether a signal came or time is up; end at once if a signal came and the work is kept."""
        if self.kept is not None:
            self.interruption.end_keeping()
        late = self.seconds_left is not None and self.seconds >= self.seconds_left
        return late or self.interruption.came

    @property
    def folder(self) -> Kept:
        """The folder in which the work is kept.

        Raises:
            RuntimeError: there is none.
        """
        if self.kept is None:
            raise RuntimeError("this work is not kept")
        return self.kept
