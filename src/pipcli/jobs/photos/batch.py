"""A batch of photos that are fitted together, within the memory of the machine."""

from collections.abc import Iterable, Iterator, Sequence

from pipcli.checkpoint import Kept
from pipcli.console import Reporter
from pipcli.fit.device import Device, return_freed_memory, room_for_members
from pipcli.jobs.fit_state import FitKeeper
from pipcli.jobs.interruption import Interruption
from pipcli.jobs.photos.job import PhotoJob
from pipcli.jobs.watching import JobWatch
from pipcli.restoration.members import Limits
from pipcli.restoration.networks import NetworksOfPictures
from pipcli.restoration.solution import Solution
from pipcli.restoration.within_memory import Fitting
from pipcli.tasks.base import Work


def batches(jobs: Iterable[PhotoJob], device: Device) -> Iterator[list[PhotoJob]]:
    """Put photos that follow each other together while the device has room for all their networks at once.

    Small photos alone leave a device idle; large ones fill it, and gain nothing from company.
    """
    batch: list[PhotoJob] = []
    for job in jobs:
        networks = sum(len(other.networks.windows) for other in [*batch, job])
        if batch and (networks > room_for_members(device) or not _fit_together(batch[0], job)):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def _fit_together(first: PhotoJob, second: PhotoJob) -> bool:
    """Return whether the networks of two photos are of one shape and their misfits of one kind."""
    if any(job.is_clean or not job.needs_networks for job in (first, second)) or first.plan.task.solve is not None:
        return False
    alike = first.networks.shape == second.networks.shape and first.degradation.serves(second.degradation)
    return alike and first.noise.shares_misfit(second.noise)


class Batch:
    """Photos with the same settings, whose networks are of one shape, while they are fitted."""

    def __init__(
        self,
        jobs: Sequence[PhotoJob],
        device: Device,
        interruption: Interruption,
        reporter: Reporter,
        kept: Kept | None = None,
    ) -> None:
        self.jobs = jobs
        self.device = device
        self.interruption = interruption
        self.reporter = reporter
        self.kept = kept

    def solve(self) -> list[Solution]:
        """Tell what is about to be done, and do it."""
        for job in self.jobs:
            job.tell_start(self.reporter)
        if self.jobs[0].is_clean or not self.jobs[0].needs_networks:  # such a photo is alone
            return [self.jobs[0].unchanged()]
        self.interruption.check()
        try:
            return [self._task_solution()] if self.jobs[0].plan.task.solve is not None else self._solve()
        finally:
            self.reporter.close()
            return_freed_memory()

    def _task_solution(self) -> Solution:
        """Return the solution by the task's own way."""
        (job,) = self.jobs
        if job.plan.task.solve is None:
            raise RuntimeError("the task has no way of its own")
        limits = Limits(job.settings.fit.steps, job.plan.time_limit)
        return job.plan.task.solve(job.observation, Work(self.device, job.plan.seed, limits, self._watch()))

    def _solve(self) -> list[Solution]:
        """Fit the networks of all photos."""
        job = self.jobs[0]
        limits = Limits(job.settings.fit.steps, job.plan.time_limit)
        keeper_of = None if self.kept is None else self._keeper
        fitting = Fitting(self.device, limits, self._watch(), self.reporter, keeper_of)
        photo = job.files.photo
        return fitting.solve(
            NetworksOfPictures([job.networks for job in self.jobs]), f"{photo.width}x{photo.height} pixels"
        )

    def _keeper(self, layout: str) -> FitKeeper:
        if self.kept is None:
            raise RuntimeError("there is no folder to keep a state in")
        return FitKeeper(
            self.kept, layout, self.interruption, lambda step: self.reporter.say(f"continuing from step {step}")
        )

    def _watch(self) -> JobWatch:
        return JobWatch(self.interruption, self.reporter, self.kept, self._noise_variance())

    def _noise_variance(self) -> float | None:
        """The mean squared error of the clean pictures, where the held-out error is one."""
        if not self.jobs[0].degradation.misfit_tells_error:
            return None
        return sum(job.expected_misfit for job in self.jobs) / len(self.jobs)
