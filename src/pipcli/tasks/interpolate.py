"""Interpolation: frames at times between those of a clip."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.errors import UnusableInputError
from pipcli.media import shown
from pipcli.tasks.base import ClipWay, OnClips, Task, TaskRow, noise_only
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.shared import refuse_options_of_generators
from pipcli.tasks.timeline import Moments, at_rate, rate_of, times_as_many

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.media.clips import Clip
    from pipcli.restoration.window import ClipContext, Restoring

DEFAULT_FACTOR = 2

Factor = Annotated[
    int | None, typer.Option(min=2, max=64, help="interpolate: how many times as many frames. [default: 2]")
]


@dataclass(frozen=True, kw_only=True)
class InterpolateOptions:
    """Make more frames, along the motion."""

    factor: Factor = None


def task_of(own: InterpolateOptions, said: ClipOptions) -> Task:
    """Return the task.

    Raises:
        UnusableInputError: options do not go together.
    """
    if own.factor is not None and said.fps is not None:
        raise UnusableInputError("--factor and --fps exclude each other: give one of them")
    if said.per_frame:
        raise UnusableInputError("--task interpolate needs neighbouring frames: leave out --per-frame")
    if said.window == 1:
        raise UnusableInputError("--task interpolate needs windows of 2 frames or more, not --window 1")
    refuse_options_of_generators(said, "interpolate, which fits no generator")
    rate = None if said.fps is None else rate_of(said.fps)
    factor = DEFAULT_FACTOR if own.factor is None else own.factor

    def timeline(clip: "Clip") -> Moments:
        if rate is None:
            return times_as_many(clip.times, factor)
        if not clip.times.known:
            raise UnusableInputError(
                f"{shown(clip.path)} is a folder of pictures without a rate: give --factor, not --fps"
            )
        return at_rate(clip.times, rate)

    return Task(
        name="interpolate",
        suffix="_interpolated",
        degradation=noise_only,
        noiseless=True,
        words=lambda: {"--factor": factor if rate is None else None, "--fps": None if rate is None else str(rate)},
        clips=OnClips(timeline=timeline, restoring=_between),
    )


def _between(context: "ClipContext", strip: "Tensor") -> "Restoring":
    from pipcli.restoration.windows import FramesBetween

    del strip
    return FramesBetween(context)


ROW = TaskRow("interpolate", clips=ClipWay(InterpolateOptions, task_of), meaning="more frames in between")
