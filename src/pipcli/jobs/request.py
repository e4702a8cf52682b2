"""The request of the user and the settings that follow from it; touches no file and loads no torch."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipcli.errors import UnusableInputError
from pipcli.settings import (
    HELD_OUT_FRACTION,
    LEVELS,
    MEMBERS_TO_COMPARE,
    FinishSettings,
    NoiseName,
    Quality,
    Settings,
    StopName,
    preset,
    with_max_frequency,
    with_omega,
)
from pipcli.tasks.base import Task
from pipcli.tasks.shared import PhotoOptions
from pipcli.tasks.units import check_sigma

# The kinds whose level is a standard deviation in grey levels.
SIGMA_KINDS = (NoiseName.GAUSSIAN, NoiseName.LAPLACE, NoiseName.CAMERA)


@dataclass(frozen=True, kw_only=True)
class Request(PhotoOptions):
    """What the user asked for, as typed: a task on one photo."""

    task: Task
    source: Path

    @classmethod
    def of(cls, task: Task, source: Path, photo: PhotoOptions) -> "Request":
        """Return the request of a task for a photo with the options that all tasks share."""
        words = {field.name: getattr(photo, field.name) for field in dataclasses.fields(PhotoOptions)}
        return cls(task=task, source=source, **words)


def settings_of(request: Request, row_of: Callable[..., Settings] = preset) -> Settings:
    """Return the preset row with the user's words in it.

    Args:
        request: what the user asked for.
        row_of: finds the row; see `preset`.

    Raises:
        UnusableInputError: a number is out of its range, or two options contradict each other.
    """
    if request.sigma is not None:
        check_sigma(request.sigma)
    _check_noise(request)
    if request.time_limit is not None and not 0 < request.time_limit < math.inf:
        raise UnusableInputError(f"--time-limit is in seconds, above 0, not {request.time_limit:g}")
    row = _generator(request, row_of(request.task.name, request.prior, request.quality, published=request.paper))
    steps = row.fit.steps if request.steps is None else request.steps
    share = HELD_OUT_FRACTION if stop_of(request) is StopName.HELD_OUT else 0.0
    members = row.fit.members
    if request.uncertainty is not None:
        if request.paper:
            raise UnusableInputError(
                "--uncertainty compares several networks, and --paper fits one: leave out one of them"
            )
        members = max(members, MEMBERS_TO_COMPARE)
    fit = dataclasses.replace(
        row.fit,
        steps=steps,
        held_out_fraction=share,
        members=members,
        tv=_weight("--tv", request.tv, row.fit.tv),
        tikhonov=_weight("--tikhonov", request.tikhonov, row.fit.tikhonov),
    )
    return dataclasses.replace(row, fit=fit, finish=_finish(request, row))


def _finish(request: Request, row: Settings) -> FinishSettings:
    """Return what follows the networks: the row's own, or nothing.

    Raises:
        UnusableInputError: the quality asks for what the user does without.
    """
    if request.task.filtered:
        return row.finish
    if request.quality is Quality.BEST:
        raise UnusableInputError("--quality best adds what --no-filters leaves out: leave out either")
    return FinishSettings()


def _generator(request: Request, row: Settings) -> Settings:
    """Return a row with the frequencies that the user named."""
    if request.max_frequency is not None:
        row = with_max_frequency(row, request.max_frequency)
    return row if request.omega is None else with_omega(row, request.omega)


def _weight(option: str, named: float | None, own: float) -> float:
    """Return the weight of a penalty: the one that the user named, else the row's own."""
    if named is None:
        return own
    if not 0 <= named < math.inf:
        raise UnusableInputError(f"{option} is a weight, 0 or more, not {named:g}")
    return named


def stop_of(request: Request) -> StopName:
    """Return the stop rule: the one named, else none for the published methods and held-out for ours."""
    if request.stop is not None:
        return request.stop
    return StopName.NONE if request.paper else StopName.HELD_OUT


def kind_of(request: Request) -> NoiseName:
    """Return the kind of noise: the one named, else Gaussian where the user says so by sigma or by the paper.

    So it is where the task takes the input to have none but that of rounding.
    """
    if request.noise is not None:
        return request.noise
    gaussian = request.paper or request.sigma is not None or request.task.noiseless
    return NoiseName.GAUSSIAN if gaussian else NoiseName.AUTO


def says_nothing_of_noise(request: Request) -> bool:
    """Return whether neither kind nor level of the noise was named."""
    return request.noise is None and request.sigma is None and request.level is None


def _check_noise(request: Request) -> None:
    """Refuse a level that is not of the kind of noise, and a kind that is not of the papers."""
    kind = kind_of(request)
    if request.paper and kind is not NoiseName.GAUSSIAN:
        raise UnusableInputError(f"--paper supports gaussian noise only: leave out --noise {kind}")
    if request.sigma is not None and kind not in SIGMA_KINDS:
        advice = "its level is estimated" if kind is NoiseName.AUTO else "its level is --level"
        raise UnusableInputError(
            f"--sigma applies to gaussian, laplace and camera noise, not to --noise {kind}: {advice}"
        )
    if request.level is None:
        return
    if kind not in LEVELS:
        right = "give --sigma" if kind in SIGMA_KINDS else f"name one of {', '.join(LEVELS)} with --noise"
        raise UnusableInputError(f"--level does not apply to --noise {kind}: {right}")
    level = LEVELS[kind]
    if not level.least <= request.level <= level.most:
        raise UnusableInputError(
            f"--level of {kind} noise is {level.meaning}, from {level.least:g} to {level.most:g}, not {request.level:g}"
        )
