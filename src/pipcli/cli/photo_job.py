"""One photo on its way from the observation to the written picture."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from pipcli.cli import report
from pipcli.cli.interrupt import Interruption
from pipcli.cli.options import STANDARD_STREAM
from pipcli.cli.photo_files import Files
from pipcli.cli.photo_networks import Networks
from pipcli.cli.report import Metrics, NoiseLevel
from pipcli.cli.request import Request, stop_of
from pipcli.console import Reporter, Verbosity
from pipcli.degradations import Degradation
from pipcli.errors import PipRestoreError
from pipcli.fit.device import (
    Device,
    choose_device,
    keep_freed_memory,
    members_together,
    ran_out_of_memory,
    return_freed_memory,
    slack,
    workers_for,
)
from pipcli.fit.memory import available_bytes, used_bytes
from pipcli.media import Photo, decode_photo, encode_photo, publish, shown
from pipcli.metrics import psnr
from pipcli.noise import clipped_noise_variance, estimate_noise_std
from pipcli.restore import Concurrency, Limits, Progress, Solution, restore
from pipcli.settings import SMALLEST_TILE, Settings
from pipcli.sheet import Panel, side_by_side


def noise_level(request: Request, observation: Tensor) -> NoiseLevel:
    """Return the noise that the user gave, or the estimate for a (1, C, H, W) observation in [0, 1]."""
    if request.sigma is None:
        return NoiseLevel(estimate_noise_std(observation), estimated=True)
    return NoiseLevel(request.sigma / 255, estimated=False)


class PhotoJob:
    """A request with its files: fits, writes, and tells the user as it goes."""

    def __init__(self, request: Request, settings: Settings, files: Files, interruption: Interruption) -> None:
        self.request = request
        self.settings = settings
        self.files = files
        self.interruption = interruption
        self.reporter = Reporter(Verbosity(request.json_lines, request.quiet, request.verbose))
        self.noise_variance: float | None = None

    def restore(self, make_degradation: Callable[[float], Degradation]) -> None:
        """Fit, write and report."""
        keep_freed_memory()
        device = choose_device(self.request.device)
        observation = self.files.photo.pixels()
        noise = noise_level(self.request, observation)
        self.noise_variance = clipped_noise_variance(observation, noise.std)
        report.started(self.reporter, self.request, self.settings, self.files, noise, device)
        self.interruption.check()
        try:
            solution = self._solve(observation, make_degradation(noise.std), noise, device)
        finally:
            self.reporter.close()
        self._write(observation, solution)

    def _solve(self, observation: Tensor, degradation: Degradation, noise: NoiseLevel, device: Device) -> Solution:
        """Fit, with fewer networks at a time and then in smaller tiles where memory does not suffice."""
        stop = stop_of(self.request)
        networks = Networks(self.settings, observation, degradation, noise, device, stop, self.request.seed)
        together = members_together(device)
        while True:
            try:
                return self._fit(networks, together)
            except (MemoryError, RuntimeError) as error:
                if not ran_out_of_memory(error):
                    raise
            if together > 1:
                together //= 2
                self.reporter.say(f"out of memory: begun again with {together} networks at a time")
            elif networks.tiles.side >= 2 * SMALLEST_TILE:
                networks = networks.with_smaller_tiles()
                self.reporter.say(f"out of memory: begun again in tiles of {networks.tiles.side} pixels")
            else:
                photo = self.files.photo
                raise PipRestoreError(
                    f"{photo.width}x{photo.height} pixels do not fit into the memory of {device.torch_device}: "
                    "scale the picture down, cut out a part, or use another --device"
                )

    def _fit(self, networks: Networks, together: int) -> Solution:
        device = networks.device
        with workers_for(len(networks.windows), device) as workers:
            concurrency = Concurrency(workers, together, slack(device))
            self._check_memory(networks, concurrency)
            solution = restore(
                (self.files.photo.height, self.files.photo.width),
                networks.members(),
                networks.build_fit,
                limits=Limits(self.settings.fit.steps, self.request.time_limit),
                watcher=self,
                concurrency=concurrency,
            )
        return_freed_memory()
        if self.request.paper:
            return solution
        return dataclasses.replace(solution, image=networks.finish(solution.image))

    def _check_memory(self, networks: Networks, concurrency: Concurrency) -> None:
        """Tell how much memory the fit will take, and do not begin what the system would end.

        Raises:
            MemoryError: there is not as much.
        """
        peak, available = networks.peak_bytes(concurrency), available_bytes(networks.device.torch_device)
        self.reporter.explain(f"about {(used_bytes() + peak) / 1e9:.2f} GB of memory at the peak")
        if available is not None and peak > available:
            raise MemoryError

    def progress(self, progress: Progress) -> None:
        """Show the progress of the fit."""
        self.reporter.show(progress, self.noise_variance)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        """Tell that a fit diverged and begins again."""
        message = f"the fit diverged at step {step}: restarted with {rate_factor:g} times the learning rate"
        self.reporter.say(message)
        self.reporter.event("warning", message=message, member=member, step=step, rate_factor=rate_factor)

    def interrupted(self) -> bool:
        """Return whether Ctrl-C or SIGTERM came."""
        return self.interruption.signal_number is not None

    def _write(self, observation: Tensor, solution: Solution) -> None:
        files = self.files
        data = encode_photo(solution.image, files.photo, files.output_format)
        if files.output == STANDARD_STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            publish(files.output, data, overwrite=self.request.overwrite)
        written = decode_photo(data, shown(files.output))
        metrics = self._metrics(observation, written, solution)
        # The picture is told of before the sheet is tried: what goes wrong with the sheet must not hide it.
        report.finished(self.reporter, files, solution, metrics)
        if files.sheet is not None:
            self._write_sheet(files.sheet, written, metrics)

    def _metrics(self, observation: Tensor, written: Photo, solution: Solution) -> Metrics | None:
        """Measure the written file, not the tensor that it was made from."""
        if self.files.reference is None:
            return None
        reference = self.files.reference.pixels()
        pictures = (observation, written.pixels(), solution.last_output)
        return Metrics(*(psnr(picture, reference) for picture in pictures))

    def _write_sheet(self, path: Path, written: Photo, metrics: Metrics | None) -> None:
        before = "" if metrics is None else f", {metrics.psnr_input:.2f} dB"
        after = "" if metrics is None else f", {metrics.psnr:.2f} dB"
        panels = [Panel(f"input{before}", self.files.photo.samples), Panel(f"restored{after}", written.samples)]
        if self.files.reference is not None:
            panels.append(Panel("ground truth", self.files.reference.samples))
        publish(path, side_by_side(panels), overwrite=self.request.overwrite)
