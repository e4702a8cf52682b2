"""`pip-restore enhance`: increase or reduce the fine detail of photos."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.tasks.base import PhotoWay, Task, TaskRow, noise_only
from pipcli.tasks.shared import TaskOptions

if TYPE_CHECKING:
    from torch import Tensor

Strength = Annotated[
    float,
    typer.Option(
        min=-1,
        max=10,
        help="How many times to add the detail; 0 returns the input, values below 0 remove detail, -1 all of it.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions:
    """Increase or reduce the fine detail of photos.

    Detail is the picture minus its coarse fit by the networks. Noise counts as detail: give --sigma or --noise to
    remove it first.

    \b
    Examples:
      pip-restore enhance soft.png
      pip-restore enhance portrait.jpg --strength 0.5 -o crisper.jpg
      pip-restore enhance grainy.png --sigma 10 --strength 2
    """

    strength: Strength = 1.0


def task_of(own: EnhanceOptions, said: TaskOptions) -> Task:
    """Return the task of adding `strength` times the detail."""
    del said

    def combined(networks: "Tensor", picture: "Tensor") -> "Tensor":
        return (picture + own.strength * (picture - networks)).clamp(0, 1)

    return Task(
        name="enhance",
        suffix="_enhanced",
        degradation=noise_only,
        noiseless=True,
        combined=combined,
        words=lambda: {"--strength": own.strength},
    )


ROW = TaskRow("enhance", PhotoWay(EnhanceOptions, task_of))
