"""Running a task on photos: resolve settings, check files, fit, refine and write, in batches."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.errors import ExitCode, PipRestoreError
from pipcli.jobs.beginning import device_and_reporter, summed_up
from pipcli.jobs.interruption import Interruption
from pipcli.jobs.photos.files import one_each, open_files
from pipcli.jobs.plan import Plan
from pipcli.jobs.resume import check_resume, keeping
from pipcli.tasks.base import Task
from pipcli.tasks.shared import PhotoOptions

if TYPE_CHECKING:
    from pipcli.console import Reporter
    from pipcli.jobs.photos.batch import Batch


class _Account:
    """What became of the inputs of one call."""

    def __init__(self, inputs: int, reporter: "Reporter") -> None:
        self.inputs = inputs
        self.reporter = reporter
        self.done = 0
        self.fitting_seconds = 0.0
        self.failures: list[PipRestoreError] = []

    @contextmanager
    def attempt(self, inputs: int) -> Iterator[None]:
        """Let a failure with some inputs be told of, and the others go on; one alone ends the call."""
        try:
            yield
        except PipRestoreError as error:
            if self.inputs == 1:
                raise
            self.failures += [error] * inputs
            self.reporter.failed(str(error), error.exit_code)

    def exit_code(self, interruption: Interruption) -> int:
        """Return the code for all of it."""
        if interruption.came or not self.failures:
            return interruption.exit_code
        return ExitCode.SOME_FAILED if self.done else self.failures[0].exit_code


def run(
    task: Task,
    sources: Sequence[Path],
    photo: PhotoOptions,
    *,
    reporter: "Reporter | None" = None,
    asked: Interruption | None = None,
) -> int:
    """Carry out a task for each input and return the exit code.

    Args:
        task: what to do.
        sources: all inputs.
        photo: the options that all tasks share.
        reporter: is told of everything; None for the person and the program that called.
        asked: knows whether to end; None for signals.

    Raises:
        PipRestoreError: something about the options stands in the way, or about the only input or its output; nothing
            is written.
    """
    began = time.perf_counter()
    plans = one_each(Plan.of(task, sources[0], photo), sources)
    check_resume(plans)
    only = open_files(plans[0], sources) if len(plans) == 1 else None
    with asked or Interruption() as interruption:
        # Only now, when the work is known to be possible: this loads torch.
        device, reporter = device_and_reporter(photo, reporter)
        from pipcli.jobs.photos.batch import Batch, batches
        from pipcli.jobs.photos.job import PhotoJob
        from pipcli.jobs.watching import JobWatch

        account = _Account(len(plans), reporter)

        watch = JobWatch(interruption, reporter)
        with keeping(plans[0], only, device.torch_device.type) as kept:

            def jobs() -> Iterator[PhotoJob]:
                for one in plans:
                    with account.attempt(1):
                        yield PhotoJob(one, only or open_files(one, sources), device, watch, kept)

            for jobs_together in batches(jobs(), device):
                _restore(Batch(jobs_together, device, interruption, reporter, kept), account)
                if interruption.came:
                    break
        return summed_up(
            reporter,
            began,
            account.fitting_seconds,
            account.exit_code(interruption),
            done=account.done,
            failed=len(account.failures),
        )


def _restore(batch: "Batch", account: _Account) -> None:
    """Fit the photos of a batch together and write each."""
    with account.attempt(len(batch.jobs)):
        solutions = batch.solve()
        account.fitting_seconds += solutions[0].seconds
        for job, solution in zip(batch.jobs, solutions, strict=True):
            with account.attempt(1):
                job.finish(solution, account.reporter, batch.interruption)
                account.done += 1
