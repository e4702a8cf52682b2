"""The way of every task on one photo: settle the settings, check the files, then fit and write."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipcli.cli.interrupt import Interruption
from pipcli.cli.photo_files import open_files
from pipcli.cli.request import Request, settings_of

if TYPE_CHECKING:
    from pipcli.degradations import Degradation


def run(request: Request, make_degradation: "Callable[[float], Degradation]") -> int:
    """Carry out a request and return the exit code.

    Args:
        request: what the user asked for.
        make_degradation: makes the task's degradation from the noise's standard deviation in [0, 1] units.

    Raises:
        PipRestoreError: something about the input, the options or the output stands in the way; nothing is written.
    """
    began = time.perf_counter()
    settings = settings_of(request)
    files = open_files(request)
    with Interruption() as interruption:
        # Only now, when the work is known to be possible: this loads torch.
        from pipcli.cli.photo_job import PhotoJob

        job = PhotoJob(request, settings, files, interruption)
        job.restore(make_degradation)
        seconds = round(time.perf_counter() - began, 3)
        job.reporter.event("summary", done=1, failed=0, seconds=seconds, exit_code=interruption.exit_code)
        return interruption.exit_code
