"""Photos that are fitted together: within the memory of the machine, told of as one piece of work."""

from collections.abc import Iterable, Iterator, Sequence

from pipcli.cli.interrupt import Interruption
from pipcli.cli.photo_job import PhotoJob
from pipcli.cli.photo_networks import NetworksOfPictures
from pipcli.cli.task import Work
from pipcli.console import Reporter
from pipcli.errors import PipRestoreError
from pipcli.fit.device import (
    Device,
    members_together,
    ran_out_of_memory,
    return_freed_memory,
    room_for_members,
    slack,
    workers_for,
)
from pipcli.fit.memory import available_bytes, used_bytes
from pipcli.restore import Concurrency, Limits, Progress, Solution, restore
from pipcli.settings import SMALLEST_TILE


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
    if first.is_clean or second.is_clean or first.request.task.solve is not None:
        return False
    alike = first.networks.shape == second.networks.shape and first.degradation.serves(second.degradation)
    return alike and first.noise.shares_misfit(second.noise)


class Batch:
    """Photos with the same settings, whose networks are of one shape, while they are fitted."""

    def __init__(
        self, jobs: Sequence[PhotoJob], device: Device, interruption: Interruption, reporter: Reporter
    ) -> None:
        self.jobs = jobs
        self.device = device
        self.interruption = interruption
        self.reporter = reporter

    def solve(self) -> list[Solution]:
        """Tell what is about to be done, and do it."""
        for job in self.jobs:
            job.tell_start(self.reporter)
        if self.jobs[0].is_clean:  # a clean photo is alone
            return [self.jobs[0].unchanged()]
        self.interruption.check()
        try:
            return [self._task_solution()] if self.jobs[0].request.task.solve is not None else self._solve()
        finally:
            self.reporter.close()
            return_freed_memory()

    def _task_solution(self) -> Solution:
        """Return the solution by the task's own way."""
        (job,) = self.jobs
        if job.request.task.solve is None:
            raise RuntimeError("the task has no way of its own")
        limits = Limits(job.settings.fit.steps, job.request.time_limit)
        return job.request.task.solve(job.observation, Work(self.device, job.request.seed, limits, self))

    def _solve(self) -> list[Solution]:
        """Fit, with fewer networks at a time and then in smaller tiles where memory does not suffice."""
        networks = NetworksOfPictures([job.networks for job in self.jobs])
        together = members_together(self.device)
        while True:
            try:
                return self._fit(networks, together)
            except (MemoryError, RuntimeError) as error:
                if not ran_out_of_memory(error):
                    raise
            if together > 1:
                together //= 2
                self.reporter.say(f"out of memory: begun again with {together} networks at a time")
            elif networks.pictures[0].tiles.side >= 2 * SMALLEST_TILE:
                networks = networks.with_smaller_tiles()
                self.reporter.say(f"out of memory: begun again in tiles of {networks.pictures[0].tiles.side} pixels")
            else:
                photo = self.jobs[0].files.photo
                raise PipRestoreError(
                    f"{photo.width}x{photo.height} pixels do not fit into the memory of {self.device.torch_device}: "
                    "scale the picture down, cut out a part, or use another --device"
                )

    def _fit(self, networks: NetworksOfPictures, together: int) -> list[Solution]:
        job = self.jobs[0]
        with workers_for(len(networks.places), self.device) as workers:
            concurrency = Concurrency(workers, together, slack(self.device))
            self._check_memory(networks, concurrency)
            return restore(
                [picture.picture() for picture in networks.pictures],
                networks.build_fit,
                limits=Limits(job.settings.fit.steps, job.request.time_limit),
                watcher=self,
                concurrency=concurrency,
            )

    def _check_memory(self, networks: NetworksOfPictures, concurrency: Concurrency) -> None:
        """Tell how much memory the fit will take, and do not begin what the system would end.

        Raises:
            MemoryError: there is not as much.
        """
        peak, available = networks.peak_bytes(concurrency), available_bytes(self.device.torch_device)
        self.reporter.explain(f"about {(used_bytes() + peak) / 1e9:.2f} GB of memory at the peak")
        if available is not None and peak > available:
            raise MemoryError

    def progress(self, progress: Progress) -> None:
        """Show the progress of the fit."""
        self.reporter.show(progress, self._noise_variance())

    def _noise_variance(self) -> float | None:
        """The mean squared error of the clean pictures, where the held-out error is one."""
        job = self.jobs[0]
        if not (job.noise.misfit_is_squared_error and job.degradation.tells_error):
            return None
        return sum(job.expected_misfit for job in self.jobs) / len(self.jobs)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Tell that a fit diverged and begins again."""
        message = f"the fit diverged at step {step}: restarted with {rate_factor:g} times the learning rate"
        self.reporter.say(message)
        self.reporter.event("warning", message=message, member=member, step=step, rate_factor=rate_factor)

    def interrupted(self) -> bool:
        """Return whether Ctrl-C or SIGTERM came."""
        return self.interruption.came
