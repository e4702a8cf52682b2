"""One photo on its way from the file to the observation and its networks, and from the solution to the file."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from pipcli.cli import report
from pipcli.cli.photo_files import Files, deliver
from pipcli.cli.photo_networks import Networks
from pipcli.cli.report import Metrics, NoiseLevel
from pipcli.cli.request import Request, stop_of
from pipcli.console import Reporter
from pipcli.degradations import Degradation
from pipcli.fit.device import Device
from pipcli.media import Photo, decode_photo, encode_photo, publish, shown
from pipcli.metrics import psnr
from pipcli.noise import clipped_noise_variance, estimate_noise_std
from pipcli.restore import Solution
from pipcli.settings import Settings
from pipcli.sheet import Panel, side_by_side


def noise_level(request: Request, observation: Tensor) -> NoiseLevel:
    """Return the noise that the user gave, or the estimate for a (1, C, H, W) observation in [0, 1]."""
    if request.sigma is None:
        return NoiseLevel(estimate_noise_std(observation), estimated=True)
    return NoiseLevel(request.sigma / 255, estimated=False)


class PhotoJob:
    """A request with its files: what is to be fitted, and how the result is written."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        files: Files,
        make_degradation: Callable[[float], Degradation],
        device: Device,
    ) -> None:
        """Lay the networks over the photo.

        Args:
            request: what the user asked for.
            settings: the preset row with the user's words in it.
            files: of the request.
            make_degradation: makes the task's degradation from the noise's standard deviation in [0, 1] units.
            device: where to fit.
        """
        self.request = request
        self.settings = settings
        self.files = files
        self.observation = files.photo.pixels()
        self.noise = noise_level(request, self.observation)
        self.noise_variance = clipped_noise_variance(self.observation, self.noise.std)
        degradation = make_degradation(self.noise.std)
        self.networks = Networks(
            settings, self.observation, degradation, self.noise, device, stop_of(request), request.seed
        )

    def tell_start(self, reporter: Reporter) -> None:
        """Tell what is about to be done."""
        report.started(reporter, self.request, self.settings, self.files, self.noise, self.networks.device)

    def finish(self, solution: Solution, reporter: Reporter) -> None:
        """Make the best of the networks' picture, write and report."""
        files = self.files
        # The published method is its networks' picture and nothing else.
        image = solution.image if self.request.paper else self.networks.finish(solution.image)
        data = encode_photo(image, files.photo, files.output_format)
        deliver(data, files.output, overwrite=self.request.overwrite)
        written = decode_photo(data, shown(files.output))
        metrics = self._metrics(written, solution)
        # The picture is told of before the sheet is tried: what goes wrong with the sheet must not hide it.
        report.finished(reporter, files, solution, metrics)
        if files.sheet is not None:
            self._write_sheet(files.sheet, written, metrics)

    def _metrics(self, written: Photo, solution: Solution) -> Metrics | None:
        """Measure the written file, not the tensor that it was made from."""
        if self.files.reference is None:
            return None
        reference = self.files.reference.pixels()
        pictures = (self.observation, written.pixels(), solution.image, solution.last_output)
        return Metrics(*(psnr(picture, reference) for picture in pictures))

    def _write_sheet(self, path: Path, written: Photo, metrics: Metrics | None) -> None:
        before = "" if metrics is None else f", {metrics.psnr_input:.2f} dB"
        after = "" if metrics is None else f", {metrics.psnr:.2f} dB"
        panels = [Panel(f"input{before}", self.files.photo.samples), Panel(f"restored{after}", written.samples)]
        if self.files.reference is not None:
            panels.append(Panel("ground truth", self.files.reference.samples))
        publish(path, side_by_side(panels), overwrite=self.request.overwrite)
