"""One photo on its way from the observation to the written picture."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pipcli.cli import report
from pipcli.cli.interrupt import Interruption
from pipcli.cli.options import STANDARD_STREAM
from pipcli.cli.photo_files import Files
from pipcli.cli.report import Metrics, NoiseLevel
from pipcli.cli.request import Request, stop_of
from pipcli.console import Reporter, Verbosity
from pipcli.coords import pixel_grid
from pipcli.degradations import Degradation
from pipcli.errors import PipRestoreError
from pipcli.fit.device import Device, choose_device, keep_freed_memory, ran_out_of_memory, workers_for
from pipcli.fit.fit import Fit
from pipcli.fit.stopping import Discrepancy, HeldOut, MovingVariance, Never, StopRule
from pipcli.media import Photo, decode_photo, encode_photo, publish, shown
from pipcli.metrics import psnr
from pipcli.noise import clipped_noise_variance, estimate_noise_std, undo_clipping
from pipcli.priors import build
from pipcli.restore import Limits, Member, Progress, Solution, restore
from pipcli.settings import (
    DISCREPANCY_FACTOR,
    DRAFT_STRIDE,
    GUARD_FACTOR,
    MOST_WINDOWS,
    PATIENCE_SHARE,
    SHORTEST_PATIENCE,
    VARIANCE_PATIENCE,
    Settings,
    StopName,
    Tiles,
)
from pipcli.sheet import Panel, side_by_side
from pipcli.tiles import Window, windows


def noise_level(request: Request, observation: Tensor) -> NoiseLevel:
    """Return the noise that the user gave, or the estimate for a (1, C, H, W) observation in [0, 1]."""
    if request.sigma is None:
        return NoiseLevel(estimate_noise_std(observation), estimated=True)
    return NoiseLevel(request.sigma / 255, estimated=False)


def build_fit(settings: Settings, observation: Tensor, degradation: Degradation, device: Device, seed: int) -> Fit:
    """Put the fit of one network together.

    Args:
        settings: the generator's and the fit's numbers.
        observation: (1, C, h, w) float32 in [0, 1], on the CPU.
        degradation: what happened to the picture.
        device: where to fit, and in which precision.
        seed: of everything random.
    """
    _, channels, height, width = observation.shape
    size = degradation.target_size((height, width))
    generator = torch.Generator().manual_seed(seed)
    prior = build(settings, size, channels, generator=generator, precision=device.precision)
    target = device.torch_device
    coords = pixel_grid(*size, settings.grid)
    return Fit(
        prior.to(target),
        degradation.to(target),
        observation.to(target),
        coords.to(target),
        settings.fit,
        generator=generator,
    )


def build_rules(stop: StopName, steps: int, noise: NoiseLevel, observation: Tensor) -> list[StopRule]:
    """Make the stop rules of one network; the first decides which picture is taken.

    Args:
        stop: the rule by its name.
        steps: upper bound of the steps.
        noise: of the whole observation.
        observation: (1, C, h, w) what this network is fitted to, in [0, 1]: where it is nearly black or white, clipping
            has left less than `noise`.
    """
    std = clipped_noise_variance(observation, noise.std) ** 0.5
    if stop is StopName.DISCREPANCY:
        return [Discrepancy(std, DISCREPANCY_FACTOR)]
    if stop is StopName.VARIANCE:
        return [MovingVariance(VARIANCE_PATIENCE)]
    if stop is StopName.NONE:
        return [Never()]
    rules: list[StopRule] = [HeldOut(patience=max(SHORTEST_PATIENCE, round(PATIENCE_SHARE * steps)))]
    # An estimate of sigma that is too high would end the fit early, so only the user's own word sets the guard.
    return rules if noise.estimated else [*rules, Discrepancy(std, GUARD_FACTOR)]


def build_members(
    settings: Settings,
    observation: Tensor,
    degradation: Degradation,
    noise: NoiseLevel,
    device: Device,
    request: Request,
) -> list[Member]:
    """Put all members of a restoration together: for each window of the picture as many as the settings say.

    Args:
        settings: the preset row with the user's words in it.
        observation: (1, C, H, W) float32 in [0, 1], on the CPU.
        degradation: what happened to the picture.
        noise: of the observation.
        device: where to fit.
        request: for the seed and the stop rule.
    """
    height, width = observation.shape[-2:]
    tiles = settings.tiles or Tiles(max(height, width), max(height, width))
    places = windows((height, width), tiles.side, tiles.stride)
    if len(places) > MOST_WINDOWS:
        places = windows((height, width), tiles.side, max(tiles.stride, DRAFT_STRIDE))
    return [
        _member(settings, window, window.cut(observation), degradation, noise, device, request, request.seed + index)
        for index, window in enumerate(places * settings.fit.members)
    ]


def _member(
    settings: Settings,
    window: Window,
    observation: Tensor,
    degradation: Degradation,
    noise: NoiseLevel,
    device: Device,
    request: Request,
    seed: int,
) -> Member:
    def fit(rate_factor: float) -> Fit:
        rate = settings.fit.learning_rate * rate_factor
        own = dataclasses.replace(settings, fit=dataclasses.replace(settings.fit, learning_rate=rate))
        return build_fit(own, observation, degradation, device, seed)

    return Member(window, fit, lambda: build_rules(stop_of(request), settings.fit.steps, noise, observation))


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
        if not self.request.paper:
            image = undo_clipping(solution.image, observation, noise.std)
            solution = dataclasses.replace(solution, image=image)
        self._write(observation, solution)

    def _solve(self, observation: Tensor, degradation: Degradation, noise: NoiseLevel, device: Device) -> Solution:
        members = build_members(self.settings, observation, degradation, noise, device, self.request)
        photo = self.files.photo
        try:
            with workers_for(len(members), device) as workers:
                return restore(
                    (photo.height, photo.width),
                    members,
                    limits=Limits(self.settings.fit.steps, self.request.time_limit),
                    watcher=self,
                    workers=workers,
                )
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            raise PipRestoreError(
                f"{photo.width}x{photo.height} pixels do not fit into the memory of {device.torch_device}: "
                "scale the picture down, cut out a part, or use another --device"
            ) from None

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
