"""The options that every task on photos has, declared once, and how a command takes them all."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from pipcli.cli import options
from pipcli.settings import PriorName, Quality


@dataclass(frozen=True, kw_only=True)
class PhotoOptions:
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
    uncertainty: options.Uncertainty = None
    resume: options.Resume = False
    json: options.Json = False
    overwrite: options.Overwrite = False
    quiet: options.Quiet = False
    verbose: options.Verbose = False


def with_photo_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command, in place of its parameter `photo`, every field of `PhotoOptions` as an option.

    Typer reads options from a signature, so that this is the one way not to write all of them in every command.
    """
    fields = dataclasses.fields(PhotoOptions)
    signature = inspect.signature(command)
    own = [parameter for parameter in signature.parameters.values() if parameter.annotation is not PhotoOptions]
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields
    ]

    @wraps(command)
    def run(*arguments: Any, **words: Any) -> int:
        photo = PhotoOptions(**{field.name: words.pop(field.name) for field in fields if field.name in words})
        return command(*arguments, photo=photo, **words)

    run.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]} | {"return": int}
    return run
