"""What the work on photos and on clips begins and ends with: the device, who is told, and the summary."""

import time
from typing import TYPE_CHECKING

from pipcli.tasks.shared import TaskOptions

if TYPE_CHECKING:
    from pipcli.console import Reporter
    from pipcli.fit.device import Device


def device_and_reporter(said: TaskOptions, reporter: "Reporter | None") -> tuple["Device", "Reporter"]:
    """Return the device to work on and who is told of it; this loads torch.

    Args:
        said: the options.
        reporter: is told; None for the person and the program that called.
    """
    from pipcli.console import Reporter, Verbosity
    from pipcli.fit.device import choose_device, keep_freed_memory

    keep_freed_memory()
    return choose_device(said.device), reporter or Reporter(Verbosity(said.json, said.quiet, said.verbose))


def summed_up(
    reporter: "Reporter", began: float, fitting_seconds: float, exit_code: int, *, done: int = 1, failed: int = 0
) -> int:
    """Tell programs the summary of work that began at a time of `time.perf_counter`; return the exit code."""
    reporter.event(
        "summary",
        done=done,
        failed=failed,
        seconds=round(time.perf_counter() - began, 3),
        fitting_seconds=round(fitting_seconds, 3),
        exit_code=exit_code,
    )
    return exit_code
