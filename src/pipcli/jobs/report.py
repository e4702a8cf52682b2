"""Reports at the start and the end of a task: text for people, JSON lines for programs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipcli import __version__
from pipcli.jobs.photos.files import Files
from pipcli.jobs.plan import Plan
from pipcli.media import WHOLE, Photo, shown
from pipcli.settings import NoiseName, SirenSettings
from pipcli.tasks.options import STANDARD_STREAM
from pipcli.tasks.units import SAMPLES_SUFFIX, range_in_samples, width_in_samples

if TYPE_CHECKING:
    from pipcli.console import Reporter
    from pipcli.degradations import Degradation
    from pipcli.fit.device import Device
    from pipcli.noise import Noise
    from pipcli.refine.denoising import Finished
    from pipcli.restoration.solution import Solution

MOST_NUMBERS = 3


@dataclass(frozen=True)
class Metrics:
    """Distances to the reference in dB.

    Attributes:
        psnr_input: of the input.
        psnr: of the written file.
        psnr_prior: of the networks' joined estimates alone, before what is known of the noise was used on them.
        psnr_last_output: of the networks' last outputs, before averaging.
    """

    psnr_input: float
    psnr: float
    psnr_prior: float
    psnr_last_output: float

    @property
    def gain(self) -> float:
        """What the restoration gained over the input."""
        return self.psnr - self.psnr_input


def started(
    reporter: "Reporter",
    plan: Plan,
    files: Files,
    degradation: "Degradation",
    device: "Device",
) -> None:
    """Tell what is about to be done, with which settings, where, and why there."""
    photo, noise = files.photo, degradation.noise
    reporter.say(
        f"{plan.task.name} {shown(files.source)} ({photo.width}x{photo.height}, {photo.bit_depth} bit), "
        f"prior {plan.prior}, {noise.words}, "
        f"on {device.torch_device} ({device.reason})"
    )
    for note in (*photo.notes, *_notes_of_range(photo, noise), *degradation.notes):
        reporter.say(note)
    precision = str(device.precision).removeprefix("torch.")
    words = effective(plan)
    said = ", ".join(f"{key} {value}" for key, value in words.items() if value is not None)
    reporter.explain(f"{said}, precision {precision}")
    reporter.event(
        "start",
        version=__version__,
        task=plan.task.name,
        input=shown(files.source),
        output=shown(files.output),
        width=photo.width,
        height=photo.height,
        channels=photo.channels,
        bit_depth=photo.bit_depth,
        range=[float(f"{value:.7g}") for value in range_in_samples(photo)],
        sigma_dn=float(f"{noise.std * width_in_samples(photo):.4g}"),
        device=str(device.torch_device),
        device_reason=device.reason,
        precision=precision,
        **noise_fields(noise, plan.kind),
        settings=words,
    )


def _notes_of_range(photo: Photo, noise: "Noise") -> tuple[str, ...]:
    """Return what is said of the range of a photo that does not use all of it, and of pixels without a say."""
    notes = []
    if photo.working != WHOLE:
        low, high = range_in_samples(photo)
        notes.append(
            f"its samples use {low:.6g} to {high:.6g} of 0 to {photo.full}, which is treated as black to white: "
            f"sigma {255 * noise.std:.3g} is {noise.std * width_in_samples(photo):.3g}{SAMPLES_SUFFIX}"
        )
    if photo.silent is not None:
        share = 100 * float(photo.silent.mean())
        notes.append(f"{share:.3g} percent of its pixels are transparent or without data: they are ignored")
    return tuple(notes)


def noise_fields(noise: "Noise", kind: NoiseName) -> dict[str, object]:
    """Return what a program is told of the noise, whose kind was asked for so."""
    return {
        "sigma": round(noise.std * 255, 2),
        "sigma_origin": "estimated" if str(noise.origin) in ("estimated", "counted") else "given",
        "noise": {
            "kind": str(noise.name),
            "detected": kind is NoiseName.AUTO,
            "level": rounded_level(noise),
            "unit": noise.unit,
            "origin": str(noise.origin),
        },
    }


def effective(plan: Plan) -> dict[str, str | int | float | bool | None]:
    """Return what the fit runs with, defaults filled in."""
    settings = plan.settings
    return {
        "prior": str(plan.prior),
        "quality": str(plan.quality),
        "paper": plan.paper,
        "stop": str(plan.rule),
        "steps": settings.fit.steps,
        "members": settings.fit.members,
        "tile": None if settings.tiles is None else settings.tiles.side,
        "learning_rate": settings.fit.learning_rate,
        "max_frequency": settings.max_frequency,
        "omega": settings.network.omega if isinstance(settings.network, SirenSettings) else None,
        "tv": settings.fit.tv,
        "tikhonov": settings.fit.tikhonov,
        "time_limit": plan.time_limit,
        "seed": plan.seed,
    }


def restarted(reporter: "Reporter", member: int, step: int, rate_factor: float) -> None:
    """Tell that a fit diverged and begins again."""
    message = f"the fit diverged at step {step}: restarted with {rate_factor:g} times the learning rate"
    reporter.say(message)
    reporter.event("warning", message=message, member=member, step=step, rate_factor=rate_factor)


def finished(
    reporter: "Reporter",
    files: Files,
    solution: "Solution",
    finish: "Finished",
    finishing_seconds: float,
    metrics: Metrics | None,
) -> None:
    """Tell why and when the fit ended, what it gained where that is known, and where the result lies."""
    gain = "" if metrics is None else f", {metrics.psnr_input:.2f} -> {metrics.psnr:.2f} dB"
    reporter.say(f"{solution.outcome.value}{_taken(solution, finishing_seconds)}{gain}")
    numbers = _numbers(solution)
    for name, values in numbers.items():
        reporter.say(f"{name} {','.join(f'{value:.3f}' for value in values)}")
    if finish.given_back:
        reporter.say(
            f"more than the noise was removed, so {100 * finish.given_back:.0f} percent of it was restored: "
            "the picture has texture that looks like noise, or --sigma is not its noise level"
        )
    if finish.branch_weight is not None:
        reporter.explain(f"the second network has weight {finish.branch_weight:.2f}")
    elif finish.branch is not None:
        reporter.say(f"the second network was {finish.branch}: the result is written without it")
    if finish.networks_weight is not None:
        reporter.explain(f"the networks' picture has weight {finish.networks_weight:.2f}")
    if metrics is not None:
        reporter.explain(f"the networks' picture alone has {metrics.psnr_prior:.2f} dB")
        reporter.explain(f"the last raw output, unaveraged, has {metrics.psnr_last_output:.2f} dB")
    reporter.event(
        "result",
        input=shown(files.source),
        output=shown(files.output),
        sheet=None if files.sheet is None else shown(files.sheet),
        uncertainty=None if files.uncertainty is None else shown(files.uncertainty),
        outcome=solution.outcome.name.lower(),
        reason=solution.outcome.value,
        steps=list(solution.steps),
        steps_done=list(solution.steps_done),
        seconds=round(solution.seconds + finishing_seconds, 3),
        fitting_seconds=round(solution.seconds, 3),
        branch=None if finish.branch is None else str(finish.branch),
        branch_weight=None if finish.branch_weight is None else round(finish.branch_weight, 3),
        networks_weight=finish.networks_weight,
        given_back=round(finish.given_back, 3),
        restarts=solution.restarts,
        found=numbers,
        metrics=None if metrics is None else _rounded(metrics),
    )
    if files.output != STANDARD_STREAM:
        reporter.path(files.output)


def _numbers(solution: "Solution") -> dict[str, list[float]]:
    """Return what else was found, as far as it is a few numbers and no picture."""
    few = {name: values for name, values in solution.found.items() if values.numel() <= MOST_NUMBERS}
    return {name: [round(value, 4) for value in values.flatten().tolist()] for name, values in few.items()}


def _rounded(metrics: Metrics) -> dict[str, float]:
    return {
        "psnr_input": round(metrics.psnr_input, 3),
        "psnr": round(metrics.psnr, 3),
        "gain": round(metrics.gain, 3),
        "psnr_prior": round(metrics.psnr_prior, 3),
        "psnr_last_output": round(metrics.psnr_last_output, 3),
    }


def _taken(solution: "Solution", finishing_seconds: float) -> str:
    """Say which steps' estimates were taken, if there were steps."""
    if not solution.steps:
        return ""
    first, last = min(solution.steps), max(solution.steps)
    steps = f"step {last}" if first == last else f"steps {first} to {last}"
    return f"; estimate of {steps} in {solution.seconds + finishing_seconds:.1f} s"


def rounded_level(noise: "Noise") -> float:
    """Return the level as it is told, to four digits."""
    return float(f"{noise.level:.4g}")
