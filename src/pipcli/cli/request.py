"""What the user asked for, and the settings that follow from it; touches no file and loads no torch."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

from pipcli.errors import UnusableInputError
from pipcli.settings import HELD_OUT_FRACTION, SIGMA_RANGE, PriorName, Quality, Settings, StopName, preset


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


def settings_of(request: Request) -> Settings:
    """Return the preset row with the user's words in it.

    Raises:
        UnusableInputError: a number is out of its range, or two options contradict each other.
    """
    low, high = SIGMA_RANGE
    if request.sigma is not None and not low <= request.sigma <= high:
        raise UnusableInputError(f"--sigma is in grey levels of 255, from {low:g} to {high:g}, not {request.sigma:g}")
    if request.time_limit is not None and not 0 < request.time_limit < math.inf:
        raise UnusableInputError(f"--time-limit is in seconds, above 0, not {request.time_limit:g}")
    row = preset(request.task, request.prior, request.quality, published=request.paper)
    steps = row.fit.steps if request.steps is None else request.steps
    share = HELD_OUT_FRACTION if stop_of(request) is StopName.HELD_OUT else 0.0
    return dataclasses.replace(row, fit=dataclasses.replace(row.fit, steps=steps, held_out_fraction=share))


def stop_of(request: Request) -> StopName:
    """Return the stop rule: the one named, else none for the published methods and held-out for ours."""
    if request.stop is not None:
        return request.stop
    return StopName.NONE if request.paper else StopName.HELD_OUT
