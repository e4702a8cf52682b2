"""What can be done with a clip, as tasks on photos are described; loads no torch."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from pipcli.checkpoint import checksum_of
from pipcli.cli import deblur, dehaze, denoise, super_resolve
from pipcli.cli.airlight import airlight_of
from pipcli.cli.clip_options import ClipOptions, ClipTaskName, refuse_those_of_other_tasks
from pipcli.cli.photo_options import refuse_options_of_generators
from pipcli.cli.task import Task, noise_only
from pipcli.errors import UnusableInputError
from pipcli.media import shown
from pipcli.settings import KernelName

DEFAULT_SCALE, DEFAULT_FACTOR = 4.0, 2
LONGEST_RATE = 1000


def task_of(name: ClipTaskName, said: ClipOptions) -> Task:
    """Return the task of a name with the options that are its own.

    Raises:
        UnusableInputError: an option is of another task, one that is needed is missing, or one is out of its range.
    """
    refuse_those_of_other_tasks(name, said)
    if said.fps is not None:
        rate_of(said.fps)
    return _MAKERS[name](said)


def _denoise(said: ClipOptions) -> Task:
    return denoise.task_of(said.strength)


def _sr(said: ClipOptions) -> Task:
    scale = DEFAULT_SCALE if said.scale is None else said.scale
    return super_resolve.task_of(scale, KernelName.LANCZOS if said.kernel is None else said.kernel)


def _inpaint(said: ClipOptions) -> Task:
    mask = said.mask
    if mask is None:
        raise UnusableInputError("--task inpaint needs --mask: a picture or a clip, white where to fill")
    return Task(
        name="inpaint",
        suffix="_inpainted",
        degradation=noise_only,
        noiseless=True,
        sources={"--mask": mask},
        words=lambda: {"--mask": checksum_of(mask), "--invert-mask": said.invert_mask},
    )


def _deblur(said: ClipOptions) -> Task:
    return deblur.task_of(said.kernel_file, said.kernel_size)


def _dehaze(said: ClipOptions) -> Task:
    refuse_options_of_generators(said, dehaze.OWN_GENERATORS)
    if said.airlight is not None:
        airlight_of(said.airlight)
    return Task(
        name="dehaze",
        suffix="_dehazed",
        degradation=noise_only,
        noiseless=True,
        words=lambda: {"--airlight": said.airlight},
    )


def _interpolate(said: ClipOptions) -> Task:
    if said.factor is not None and said.fps is not None:
        raise UnusableInputError("--factor and --fps exclude each other: give one of them")
    if said.per_frame:
        raise UnusableInputError("--task interpolate needs neighbouring frames: leave out --per-frame")
    if said.window == 1:
        raise UnusableInputError("--task interpolate needs windows of 2 frames or more, not --window 1")
    refuse_options_of_generators(said, "interpolate, which fits no generator")
    rate = None if said.fps is None else rate_of(said.fps)
    factor = DEFAULT_FACTOR if said.factor is None else said.factor
    return Task(
        name="interpolate",
        suffix="_interpolated",
        degradation=noise_only,
        noiseless=True,
        words=lambda: {"--factor": factor if rate is None else None, "--fps": None if rate is None else str(rate)},
    )


def rate_of(text: str) -> Fraction:
    """Read frames a second, as a number or a ratio.

    Raises:
        UnusableInputError: it is none, or out of range.
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,9}|/\d{1,9})?", text):
        try:
            rate = Fraction(text)
        except ZeroDivisionError:
            rate = Fraction(0)
        if 0 < rate <= LONGEST_RATE:
            return rate
    raise UnusableInputError(
        f"--fps is frames a second, above 0 and up to {LONGEST_RATE}, such as 60 or 60000/1001, not {shown(Path(text))}"
    )


_MAKERS: dict[ClipTaskName, Callable[[ClipOptions], Task]] = {
    ClipTaskName.DENOISE: _denoise,
    ClipTaskName.SR: _sr,
    ClipTaskName.INPAINT: _inpaint,
    ClipTaskName.DEHAZE: _dehaze,
    ClipTaskName.DEBLUR: _deblur,
    ClipTaskName.INTERPOLATE: _interpolate,
}
