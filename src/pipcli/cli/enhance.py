"""`pip-restore enhance`: increase or reduce the fine detail of photos."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.cli import options
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task, noise_only

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


@with_photo_options
def enhance(inputs: options.Inputs, photo: PhotoOptions, strength: Strength = 1.0) -> int:
    """Increase or reduce the fine detail of photos.

    Detail is the picture minus its coarse fit by the networks. Noise counts as detail: give --sigma or --noise to
    remove it first.

    \b
    Examples:
      pip-restore enhance soft.png
      pip-restore enhance portrait.jpg --strength 0.5 -o crisper.jpg
      pip-restore enhance grainy.png --sigma 10 --strength 2
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    def combined(networks: "Tensor", picture: "Tensor") -> "Tensor":
        return (picture + strength * (picture - networks)).clamp(0, 1)

    task = Task(
        name="enhance",
        suffix="_enhanced",
        degradation=noise_only,
        noiseless=True,
        combined=combined,
        words=lambda: {"--strength": strength},
    )
    return photo_task.run(task, inputs, photo)
