"""The options that every task has, on photos and on clips, declared once, and how a command takes them all."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from pipcli.cli import options
from pipcli.errors import UnusableInputError
from pipcli.settings import PriorName, Quality

Command = Callable[..., int]


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What the user said by the options that all tasks share, as typed; see `pipcli.cli.options` for each."""

    output: options.Output = None
    sigma: options.Sigma = None
    noise: options.NoiseOption = None
    level: options.Level = None
    prior: options.Prior = PriorName.PIP
    quality: options.QualityOption = Quality.STANDARD
    paper: options.Paper = False
    max_frequency: options.MaxFrequency = None
    omega: options.Omega = None
    tv: options.TotalVariation = None
    tikhonov: options.Tikhonov = None
    steps: options.Steps = None
    time_limit: options.TimeLimit = None
    stop: options.Stop = None
    seed: options.Seed = 0
    device: options.DeviceOption = "auto"
    reference: options.Reference = None
    sheet: options.Sheet = None
    json: options.Json = False
    overwrite: options.Overwrite = False
    quiet: options.Quiet = False
    verbose: options.Verbose = False


@dataclass(frozen=True, kw_only=True)
class PhotoOptions(TaskOptions):
    """What the user said by the options of tasks on photos."""

    uncertainty: options.Uncertainty = None
    resume: options.Resume = False


def refuse_options_of_generators(said: TaskOptions, task: str) -> None:
    """Refuse options of generators and noise where they would change nothing.

    Args:
        said: the options.
        task: that has no use for them, and why, in words for the user.

    Raises:
        UnusableInputError: one was given.
    """
    of_generators = ("prior", "quality", "paper", "sigma", "noise", "level", "stop", "max_frequency", "omega", "tv")
    for field in dataclasses.fields(said):
        name = field.name
        if name in (*of_generators, "tikhonov", "uncertainty") and getattr(said, name) != field.default:
            raise UnusableInputError(f"--{name.replace('_', '-')} does not apply to {task}: leave it out")


def with_options(record: type[TaskOptions], parameter: str) -> Callable[[Command], Command]:
    """Give a command, in place of one of its parameters, every field of a record as an option.

    Typer reads options from a signature, so that this is the one way not to write all of them in every command.
    """
    fields = dataclasses.fields(record)
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields
    ]

    def taking_them(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [one for name, one in signature.parameters.items() if name != parameter]

        @wraps(command)
        def run(*arguments: Any, **words: Any) -> int:
            said = record(**{field.name: words.pop(field.name) for field in fields if field.name in words})
            return command(*arguments, **{parameter: said}, **words)

        run.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*own, *shared]} | {"return": int}
        return run

    return taking_them


with_photo_options = with_options(PhotoOptions, "photo")
