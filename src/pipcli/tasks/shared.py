"""The options shared by all tasks on photos and clips, declared once."""

import dataclasses
from dataclasses import dataclass

from pipcli.errors import UnusableInputError
from pipcli.settings import PriorName, Quality
from pipcli.tasks import options


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What the user said by the options that all tasks share, as typed; see `pipcli.tasks.options` for each."""

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
