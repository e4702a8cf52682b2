"""One photo on its way from the file to the observation and its networks, and from the solution to the file."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pipcli.cli import report
from pipcli.cli.photo_files import UNCERTAINTY_SUFFIXES, Files, deliver
from pipcli.cli.photo_networks import Networks
from pipcli.cli.report import Metrics
from pipcli.cli.request import Request, kind_of, stop_of
from pipcli.console import Reporter
from pipcli.degradations import Degradation
from pipcli.finishing import Finished, finish
from pipcli.fit.device import Device, ran_out_of_memory
from pipcli.media import Photo, decode_photo, encode, encode_photo, format_for, publish, quantised, shown
from pipcli.metrics import psnr
from pipcli.noise import NOISES, Evidence, Noise, detect
from pipcli.restore import CHECK_EVERY, Outcome, Progress, Solution, Stage
from pipcli.settings import CLEAN_SIGMA, NoiseName, Settings
from pipcli.sheet import Panel, side_by_side


def noise_of(request: Request, photo: Photo, observation: Tensor) -> Noise:
    """Return the noise that the user named, or that a photo with its (1, C, H, W) observation in [0, 1] shows.

    Raises:
        UnusableInputError: the kind named cannot be told from this photo.
    """
    evidence = Evidence(observation, photo.coding)
    kind = kind_of(request)
    if kind is NoiseName.AUTO:
        kind = detect(evidence)
    return NOISES[kind].of(evidence, request.sigma if request.level is None else request.level)


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
        if step == 1 or step % CHECK_EVERY == 0:
            self.reporter.show(Progress(1, 1, step, steps, step / steps, self.seconds, None, Stage.BRANCH), None)

    def must_end(self) -> bool:
        """Return whether to do without what is left."""
        late = self.time_limit is not None and self.seconds_before + self.seconds >= self.time_limit
        return late or self.interrupted()


class PhotoJob:
    """A request with its files: what is to be fitted, and how the result is written."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        files: Files,
        make_degradation: Callable[[Noise], Degradation],
        device: Device,
    ) -> None:
        """Lay the networks over the photo.

        Args:
            request: what the user asked for.
            settings: the preset row with the user's words in it.
            files: of the request.
            make_degradation: makes the task's degradation from the noise.
            device: where to fit.
        """
        self.request = request
        self.settings = settings
        self.files = files
        self.observation = files.photo.pixels()
        self.noise = noise_of(request, files.photo, self.observation)
        self.expected_misfit = self.noise.expected_misfit(self.observation)
        degradation = make_degradation(self.noise)
        self.networks = Networks(
            settings, self.observation, degradation, self.noise, device, stop_of(request), request.seed
        )

    @property
    def is_clean(self) -> bool:
        """Whether so little noise was found that there is nothing to take out; the user's word is not doubted.

        Kinds that the user names may be of few samples, such as dead pixels.
        """
        unnamed = kind_of(self.request) in (NoiseName.AUTO, NoiseName.GAUSSIAN)
        little = self.noise.estimated and 255 * self.noise.std < CLEAN_SIGMA
        return unnamed and little and not self.request.paper

    def unchanged(self) -> Solution:
        """Return the observation as the solution, with no network fitted."""
        nothing = torch.zeros_like(self.observation[:, :1])
        return Solution(self.observation, nothing, self.observation, Outcome.CLEAN, (), (), 0.0, 0)

    def tell_start(self, reporter: Reporter) -> None:
        """Tell what is about to be done."""
        networks = self.networks
        device = dataclasses.replace(networks.device, precision=networks.precision)
        report.started(reporter, self.request, self.settings, self.files, self.noise, device)

    def finish(self, solution: Solution, reporter: Reporter, interrupted: Callable[[], bool]) -> None:
        """Make the best of the networks' picture, write and report."""
        files = self.files
        watch = FinishWatch(self.request.time_limit, solution.seconds, reporter, interrupted)
        finished = self._finished(solution, watch)
        finishing_seconds = watch.seconds
        data = self._encoded(solution, finished)
        deliver(data, files.output, overwrite=self.request.overwrite)
        written = decode_photo(data, shown(files.output))
        metrics = self._metrics(written, solution)
        # The picture is told of before the sheet is tried: what goes wrong with the sheet must not hide it.
        report.finished(reporter, files, solution, finished, finishing_seconds, metrics)
        if files.sheet is not None:
            self._write_sheet(files.sheet, written, metrics)
        if files.uncertainty is not None:
            self._write_uncertainty(files.uncertainty, solution.spread)

    def _finished(self, solution: Solution, watch: FinishWatch) -> Finished:
        """Return what is made of the networks' picture; a published row has nothing to make of it."""
        if solution.outcome is Outcome.CLEAN:
            return Finished(solution.image)
        settings, seed = self.settings.finish, self.request.seed
        try:
            return finish(solution.image, self.observation, self.noise, settings, self.networks.device, seed, watch)
        except (MemoryError, RuntimeError) as error:
            # A fit of minutes is not thrown away for what should have followed it.
            reason = "out of memory" if ran_out_of_memory(error) else str(error).splitlines()[0]
            watch.reporter.say(f"the filters failed ({reason}): the networks' picture is written as it is")
            return Finished(solution.image)
        finally:
            watch.reporter.close()

    def _encoded(self, solution: Solution, finished: Finished) -> bytes:
        """Return the bytes of the output file."""
        if solution.outcome is Outcome.CLEAN and (data := self.files.as_read()) is not None:
            return data
        return encode_photo(finished.image, self.files.photo, self.files.output_format)

    def _metrics(self, written: Photo, solution: Solution) -> Metrics | None:
        """Measure the written file, not the tensor that it was made from."""
        if self.files.reference is None:
            return None
        reference = self.files.reference.pixels()
        pictures = (self.observation, written.pixels(), solution.image, solution.last_output)
        return Metrics(*(psnr(picture, reference) for picture in pictures))

    def _write_uncertainty(self, path: Path, spread: Tensor) -> None:
        samples = quantised(spread[0].permute(1, 2, 0).numpy(), UNCERTAINTY_SUFFIXES[path.suffix.lower()])
        data = encode(Photo(samples, "PNG"), format_for(path))
        publish(path, data, overwrite=self.request.overwrite)

    def _write_sheet(self, path: Path, written: Photo, metrics: Metrics | None) -> None:
        before = "" if metrics is None else f", {metrics.psnr_input:.2f} dB"
        after = "" if metrics is None else f", {metrics.psnr:.2f} dB"
        panels = [Panel(f"input{before}", self.files.photo.samples), Panel(f"restored{after}", written.samples)]
        if self.files.reference is not None:
            panels.append(Panel("ground truth", self.files.reference.samples))
        publish(path, side_by_side(panels), overwrite=self.request.overwrite)
