"""What was said of a task on one picture, resolved once; touches no file and loads no torch."""

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
class Plan(PhotoOptions):
    """All that the user said of a task on one picture, resolved once: the options as typed, and what follows from them.

    Attributes:
        task: what to do.
        source: the input.
        settings: the preset row with the user's words in it.
        rule: the stop rule: the one named, else none for the published methods and held-out for ours.
        kind: of the noise: the one named, else Gaussian where the user says so by sigma or by the paper, or where the
            task assumes no noise but that of rounding, else to be detected.
    """

    task: Task
    source: Path
    settings: Settings
    rule: StopName
    kind: NoiseName

    @classmethod
    def of(cls, task: Task, source: Path, said: PhotoOptions, row_of: Callable[..., Settings] = preset) -> "Plan":
        """Resolve what was said.

        Args:
            task: what to do.
            source: the input.
            said: the options that all tasks share.
            row_of: finds the row of presets; see `preset`.

        Raises:
            UnusableInputError: a number is out of its range, or two options contradict each other.
        """
        words = {field.name: getattr(said, field.name) for field in dataclasses.fields(PhotoOptions)}
        rule, kind = _rule(said), _kind(said, task)
        if said.sigma is not None:
            check_sigma(said.sigma)
        _check_noise(said, kind)
        if said.time_limit is not None and not 0 < said.time_limit < math.inf:
            raise UnusableInputError(f"--time-limit is in seconds, above 0, not {said.time_limit:g}")
        settings = _settings(said, task, rule, row_of)
        return cls(task=task, source=source, settings=settings, rule=rule, kind=kind, **words)

    @property
    def says_nothing_of_noise(self) -> bool:
        """Whether neither kind nor level of the noise was named."""
        return self.noise is None and self.sigma is None and self.level is None


def _settings(said: PhotoOptions, task: Task, rule: StopName, row_of: Callable[..., Settings]) -> Settings:
    """Return the preset row with the user's words in it."""
    row = _generator(said, row_of(task.name, said.prior, said.quality, published=said.paper))
    steps = row.fit.steps if said.steps is None else said.steps
    share = HELD_OUT_FRACTION if rule is StopName.HELD_OUT else 0.0
    members = row.fit.members
    if said.uncertainty is not None:
        if said.paper:
            raise UnusableInputError(
                "--uncertainty compares several networks, and --paper fits one: leave out one of them"
            )
        members = max(members, MEMBERS_TO_COMPARE)
    fit = dataclasses.replace(
        row.fit,
        steps=steps,
        held_out_fraction=share,
        members=members,
        tv=_weight("--tv", said.tv, row.fit.tv),
        tikhonov=_weight("--tikhonov", said.tikhonov, row.fit.tikhonov),
    )
    return dataclasses.replace(row, fit=fit, finish=_finish(said, task, row))


def _finish(said: PhotoOptions, task: Task, row: Settings) -> FinishSettings:
    """Return what follows the networks: the row's own, or nothing.

    Raises:
        UnusableInputError: the quality asks for what the user does without.
    """
    if task.filtered:
        return row.finish
    if said.quality is Quality.BEST:
        raise UnusableInputError("--quality best adds what --no-filters leaves out: leave out either")
    return FinishSettings()


def _generator(said: PhotoOptions, row: Settings) -> Settings:
    """Return a row with the frequencies that the user named."""
    if said.max_frequency is not None:
        row = with_max_frequency(row, said.max_frequency)
    return row if said.omega is None else with_omega(row, said.omega)


def _weight(option: str, named: float | None, own: float) -> float:
    """Return the weight of a penalty: the one that the user named, else the row's own."""
    if named is None:
        return own
    if not 0 <= named < math.inf:
        raise UnusableInputError(f"{option} is a weight, 0 or more, not {named:g}")
    return named


def _rule(said: PhotoOptions) -> StopName:
    """Return the stop rule: the one named, else none for the published methods and held-out for ours."""
    if said.stop is not None:
        return said.stop
    return StopName.NONE if said.paper else StopName.HELD_OUT


def _kind(said: PhotoOptions, task: Task) -> NoiseName:
    """Return the kind of noise: the one named, else Gaussian where the user says so by sigma or by the paper.

    So it is where the task takes the input to have none but that of rounding.
    """
    if said.noise is not None:
        return said.noise
    gaussian = said.paper or said.sigma is not None or task.noiseless
    return NoiseName.GAUSSIAN if gaussian else NoiseName.AUTO


def _check_noise(said: PhotoOptions, kind: NoiseName) -> None:
    """Refuse a level that is not of the kind of noise, and a kind that is not of the papers."""
    if said.paper and kind is not NoiseName.GAUSSIAN:
        raise UnusableInputError(f"--paper supports gaussian noise only: leave out --noise {kind}")
    if said.sigma is not None and kind not in SIGMA_KINDS:
        advice = "its level is estimated" if kind is NoiseName.AUTO else "its level is --level"
        raise UnusableInputError(
            f"--sigma applies to gaussian, laplace and camera noise, not to --noise {kind}: {advice}"
        )
    if said.level is None:
        return
    if kind not in LEVELS:
        right = "give --sigma" if kind in SIGMA_KINDS else f"name one of {', '.join(LEVELS)} with --noise"
        raise UnusableInputError(f"--level does not apply to --noise {kind}: {right}")
    level = LEVELS[kind]
    if not level.least <= said.level <= level.most:
        raise UnusableInputError(
            f"--level of {kind} noise is {level.meaning}, from {level.least:g} to {level.most:g}, not {said.level:g}"
        )
