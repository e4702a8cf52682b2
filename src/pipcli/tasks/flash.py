"""`pip-restore flash`: denoise a photo taken without flash, guided by one taken with flash."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from pipcli.media import prepared, shown
from pipcli.tasks.aids import read_with_checksum
from pipcli.tasks.base import PhotoWay, Task, TaskRow, noise_only
from pipcli.tasks.shared import TaskOptions

Guide = Annotated[
    Path, typer.Option(help="The photo of the same place with flash, of the same size, not shifted.", metavar="FILE")
]


@dataclass(frozen=True, kw_only=True)
class FlashOptions:
    """Clean a photo taken without flash, guided by one taken with flash.

    The flash photo is the input of the networks, the other is what they are fitted to: light and colours come from the
    photo without flash, detail from the one with it. The two must not be shifted against each other.

    \b
    Examples:
      pip-restore flash dark.png --guide flash.png
      pip-restore flash dark.jpg --guide flash.jpg --quality best -o clean.png
    """

    guide: Guide


def task_of(own: FlashOptions, said: TaskOptions) -> Task:
    """Return the task of cleaning a photo with the help of the one with flash.

    Raises:
        UnusableInputError: that one cannot be read.
    """
    del said
    read, checksum = read_with_checksum(own.guide)
    lit = prepared(read)
    return Task(
        name="flash",
        suffix="_flash",
        degradation=noise_only,
        guide=lit,
        sources={"--guide": own.guide},
        of_input_size={f"--guide {shown(own.guide)}": lit},
        words=lambda: {"--guide": checksum},
    )


ROW = TaskRow("flash", PhotoWay(FlashOptions, task_of))
