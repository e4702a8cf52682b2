"""What every task on one photo does around its degradation: check, read, fit, write, report."""

import dataclasses
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli import __version__
from pipcli.cli.interrupt import Interruption
from pipcli.cli.options import STANDARD_STREAM
from pipcli.errors import OutputRefusedError, PipRestoreError, UnusableInputError
from pipcli.media import (
    Photo,
    check_format,
    check_output,
    decode_photo,
    encode_photo,
    format_for,
    publish,
    read_photo,
    read_stream,
    shown,
)
from pipcli.settings import (
    DISCREPANCY_FACTOR,
    GUARD_FACTOR,
    HELD_OUT_FRACTION,
    PATIENCE_SHARE,
    SHORTEST_PATIENCE,
    SIGMA_RANGE,
    VARIANCE_PATIENCE,
    PriorName,
    Quality,
    Settings,
    StopName,
    preset,
)

if TYPE_CHECKING:
    import torch

    from pipcli.degradations import Degradation
    from pipcli.fit.device import Device
    from pipcli.fit.fit import Fit
    from pipcli.fit.stopping import StopRule
    from pipcli.restore import Progress, Solution

MakeDegradation = Callable[[float], "Degradation"]


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed."""

    task: str
    suffix: str
    source: Path
    output: Path | None
    sigma: float | None
    prior: PriorName
    quality: Quality
    paper: bool
    steps: int | None
    time_limit: float | None
    stop: StopName | None
    seed: int
    device: str
    reference: Path | None
    sheet: Path | None
    json_lines: bool
    overwrite: bool
    quiet: bool
    verbose: bool


@dataclass(frozen=True)
class Files:
    """The files of a request, checked before any long work."""

    source: Path
    photo: Photo
    output: Path
    output_format: str
    reference: Photo | None
    sheet: Path | None


def run(request: Request, make_degradation: MakeDegradation) -> int:
    """Carry out a request and return the exit code.

    Raises:
        PipRestoreError: something about the input, the options or the output stands in the way; nothing is written.
    """
    started = time.perf_counter()
    settings = settings_of(request)
    files = _files(request)
    with Interruption() as interruption:
        job = PhotoJob(request, settings, files, interruption)
        job.restore(make_degradation)
        job.reporter.event(
            "summary",
            done=1,
            failed=0,
            seconds=round(time.perf_counter() - started, 3),
            exit_code=interruption.exit_code,
        )
        return interruption.exit_code


def settings_of(request: Request) -> Settings:
    """Return the preset row with the user's words in it; needs no file and no torch."""
    low, high = SIGMA_RANGE
    if request.sigma is not None and not low <= request.sigma <= high:
        raise UnusableInputError(f"--sigma is in grey levels of 255, from {low:g} to {high:g}, not {request.sigma:g}")
    if request.time_limit is not None and not 0 < request.time_limit < math.inf:
        raise UnusableInputError(f"--time-limit is in seconds, above 0, not {request.time_limit:g}")
    row = preset(request.task, request.prior, request.quality, published=request.paper)
    steps = row.fit.steps if request.steps is None else request.steps
    share = HELD_OUT_FRACTION if _stop(request) is StopName.HELD_OUT else 0.0
    return dataclasses.replace(row, fit=dataclasses.replace(row.fit, steps=steps, held_out_fraction=share))


def _stop(request: Request) -> StopName:
    if request.stop is not None:
        return request.stop
    return StopName.NONE if request.paper else StopName.HELD_OUT


def _files(request: Request) -> Files:
    """Read the inputs and check the outputs; imports no torch, so that a refusal is quick."""
    streaming = request.source == STANDARD_STREAM
    photo = read_stream(sys.stdin.buffer) if streaming else read_photo(request.source)
    output = _output(request)
    to_stdout = output == STANDARD_STREAM
    output_format = photo.file_format if to_stdout else format_for(output)
    if to_stdout and request.json_lines:
        raise OutputRefusedError("the picture and the JSON lines cannot both go to stdout: give -o a file name")
    if to_stdout and sys.stdout.isatty():
        raise OutputRefusedError("a picture is no text for a terminal: redirect stdout, or give -o a file name")
    source = None if streaming else request.source
    if not to_stdout:
        check_output(output, source, overwrite=request.overwrite, room=photo.samples.nbytes)
    check_format(photo, output_format)
    if request.sheet is not None:
        _check_sheet(request.sheet, source, request.overwrite)
    _check_apart({"--output": output, "--sheet": request.sheet, "--reference": request.reference})
    reference = None if request.reference is None else _reference(request.reference, photo)
    return Files(request.source, photo, output, output_format, reference, request.sheet)


def _output(request: Request) -> Path:
    if request.output is not None:
        return request.output
    if request.source == STANDARD_STREAM:
        return STANDARD_STREAM
    return request.source.with_name(f"{request.source.stem}{request.suffix}{request.source.suffix}")


def _check_sheet(sheet: Path, source: Path | None, overwrite: bool) -> None:
    if sheet.suffix.lower() != ".png":
        raise OutputRefusedError(
            f"the sheet is written as PNG: give --sheet a name that ends in .png, not {shown(sheet)}"
        )
    check_output(sheet, source, overwrite=overwrite)


def _check_apart(files: dict[str, Path | None]) -> None:
    """Refuse one file in two roles, of which the later would replace the earlier."""
    seen: dict[str, str] = {}
    for option, path in files.items():
        if path is None or path == STANDARD_STREAM:
            continue
        other = seen.setdefault(os.path.realpath(path), option)
        if other != option:
            raise OutputRefusedError(f"{other} and {option} are both {shown(path)}: they must be different files")


def _reference(path: Path, photo: Photo) -> Photo:
    reference = read_photo(path)
    mine, theirs = (photo.height, photo.width, photo.channels), (reference.height, reference.width, reference.channels)
    if mine != theirs:
        raise UnusableInputError(
            f"--reference {shown(path)} is {theirs[1]}x{theirs[0]} with {theirs[2]} channel(s), "
            f"the input is {mine[1]}x{mine[0]} with {mine[2]}: they must match"
        )
    return reference


class PhotoJob:
    """A request with its files, on the way from the observation to the written picture; tells the user as it goes."""

    def __init__(self, request: Request, settings: Settings, files: Files, interruption: Interruption) -> None:
        from pipcli.console import Reporter, Verbosity

        self.request = request
        self.settings = settings
        self.files = files
        self.interruption = interruption
        self.reporter: Reporter = Reporter(Verbosity(request.json_lines, request.quiet, request.verbose))
        self.noise_variance: float | None = None

    def restore(self, make_degradation: MakeDegradation) -> None:
        """Fit, write and report."""
        from pipcli.fit.device import choose_device, keep_freed_memory, ran_out_of_memory
        from pipcli.noise import clipped_noise_variance, estimate_noise_std
        from pipcli.restore import Limits, restore

        keep_freed_memory()
        device = choose_device(self.request.device)
        observation = self.files.photo.pixels()
        estimated = self.request.sigma is None
        noise_std = estimate_noise_std(observation) if self.request.sigma is None else self.request.sigma / 255
        self.noise_variance = clipped_noise_variance(observation, noise_std)
        self._announce(device, noise_std, estimated)
        degradation = make_degradation(noise_std)
        self.interruption.check()
        try:
            solution = restore(
                lambda member, factor: self.build_fit(member, factor, degradation, observation, device),
                lambda: self.build_rules(noise_std, estimated),
                members=self.settings.fit.members,
                limits=Limits(self.settings.fit.steps, self.request.time_limit),
                watcher=self,
            )
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            photo = self.files.photo
            raise PipRestoreError(
                f"{photo.width}x{photo.height} pixels do not fit into the memory of {device.torch_device}: "
                "scale the picture down, cut out a part, or use another --device"
            ) from None
        finally:
            self.reporter.close()
        self._write(observation, solution)

    def build_fit(
        self, member: int, factor: float, degradation: "Degradation", observation: "torch.Tensor", device: "Device"
    ) -> "Fit":
        import torch

        from pipcli.coords import pixel_grid
        from pipcli.fit.fit import Fit
        from pipcli.priors import build

        _, channels, height, width = observation.shape
        size = degradation.target_size((height, width))
        generator = torch.Generator().manual_seed(self.request.seed + member)
        prior = build(self.settings, size, channels, generator=generator, precision=device.precision)
        fit = dataclasses.replace(self.settings.fit, learning_rate=self.settings.fit.learning_rate * factor)
        target = device.torch_device
        return Fit(
            prior.to(target),
            degradation.to(target),
            observation.to(target),
            pixel_grid(*size, self.settings.grid).to(target),
            fit,
            generator=generator,
        )

    def build_rules(self, noise_std: float, estimated: bool) -> "list[StopRule]":
        from pipcli.fit.stopping import Discrepancy, HeldOut, MovingVariance, Never

        stop = _stop(self.request)
        if stop is StopName.DISCREPANCY:
            return [Discrepancy(noise_std, DISCREPANCY_FACTOR)]
        if stop is StopName.VARIANCE:
            return [MovingVariance(VARIANCE_PATIENCE)]
        if stop is StopName.NONE:
            return [Never()]
        rules: list[StopRule] = [HeldOut(patience=self._patience())]
        # An estimate of sigma that is too high would end the fit early, so only the user's own word sets the guard.
        return rules if estimated else [*rules, Discrepancy(noise_std, GUARD_FACTOR)]

    def _patience(self) -> int:
        return max(SHORTEST_PATIENCE, round(PATIENCE_SHARE * self.settings.fit.steps))

    def progress(self, progress: "Progress") -> None:
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

    def _announce(self, device: "Device", noise_std: float, estimated: bool) -> None:
        request, photo = self.request, self.files.photo
        sigma = round(noise_std * 255, 2)
        origin = "estimated" if estimated else "given"
        where = f"{device.torch_device} ({device.reason})"
        self.reporter.say(
            f"{request.task} {shown(self.files.source)} ({photo.width}x{photo.height}, {photo.bit_depth} bit), "
            f"prior {request.prior}, sigma {sigma:g} ({origin}), on {where}"
        )
        for note in photo.notes:
            self.reporter.say(note)
        precision = str(device.precision).removeprefix("torch.")
        effective = {
            "prior": str(request.prior),
            "quality": str(request.quality),
            "paper": request.paper,
            "stop": str(_stop(request)),
            "steps": self.settings.fit.steps,
            "members": self.settings.fit.members,
            "learning_rate": self.settings.fit.learning_rate,
            "time_limit": request.time_limit,
            "seed": request.seed,
        }
        words = ", ".join(f"{key} {value}" for key, value in effective.items() if value is not None)
        self.reporter.explain(f"{words}, precision {precision}")
        self.reporter.event(
            "start",
            version=__version__,
            task=request.task,
            input=shown(self.files.source),
            output=shown(self.files.output),
            width=photo.width,
            height=photo.height,
            channels=photo.channels,
            bit_depth=photo.bit_depth,
            device=str(device.torch_device),
            device_reason=device.reason,
            precision=precision,
            sigma=sigma,
            sigma_origin=origin,
            settings=effective,
        )

    def _write(self, observation: "torch.Tensor", solution: "Solution") -> None:
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
        self._summarise(solution, metrics)
        if files.sheet is not None:
            self._write_sheet(files.sheet, written, metrics)

    def _metrics(self, observation: "torch.Tensor", written: Photo, solution: "Solution") -> dict[str, float] | None:
        """Measure the written file, not the tensor that it was made from."""
        from pipcli.metrics import psnr

        if self.files.reference is None:
            return None
        reference = self.files.reference.pixels()
        before, after = psnr(observation, reference), psnr(written.pixels(), reference)
        return {
            "psnr_input": before,
            "psnr": after,
            "gain": after - before,
            "psnr_last_output": psnr(solution.last_output, reference),
        }

    def _write_sheet(self, path: Path, written: Photo, metrics: dict[str, float] | None) -> None:
        from pipcli.sheet import Panel, side_by_side

        def label(name: str, key: str) -> str:
            return name if metrics is None else f"{name}, {metrics[key]:.2f} dB"

        panels = [Panel(label("input", "psnr_input"), self.files.photo.samples)]
        panels.append(Panel(label("restored", "psnr"), written.samples))
        if self.files.reference is not None:
            panels.append(Panel("reference", self.files.reference.samples))
        publish(path, side_by_side(panels), overwrite=self.request.overwrite)

    def _summarise(self, solution: "Solution", metrics: dict[str, float] | None) -> None:
        taken = ", ".join(str(step) for step in solution.steps)
        made = sum(solution.steps_done)
        gain = "" if metrics is None else f", {metrics['psnr_input']:.2f} -> {metrics['psnr']:.2f} dB"
        self.reporter.say(
            f"{solution.outcome.value}; estimate of step {taken} of {made} in {solution.seconds:.1f} s{gain}"
        )
        if metrics is not None:
            self.reporter.explain(f"the last raw output, unaveraged, has {metrics['psnr_last_output']:.2f} dB")
        rounded = None if metrics is None else {key: round(value, 3) for key, value in metrics.items()}
        self.reporter.event(
            "result",
            input=shown(self.files.source),
            output=shown(self.files.output),
            sheet=None if self.files.sheet is None else shown(self.files.sheet),
            outcome=solution.outcome.name.lower(),
            reason=solution.outcome.value,
            steps=list(solution.steps),
            steps_done=list(solution.steps_done),
            seconds=round(solution.seconds, 3),
            restarts=solution.restarts,
            metrics=rounded,
        )
        if self.files.output != STANDARD_STREAM:
            self.reporter.path(self.files.output)
