"""`pip-restore flash`: the light of a photo taken without flash, with the detail of one taken with it."""

from pathlib import Path
from typing import Annotated

import typer

from pipcli.cli import options
from pipcli.cli.photo_files import read_with_checksum
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task, noise_only
from pipcli.media import prepared, shown

Guide = Annotated[
    Path, typer.Option(help="The photo of the same place with flash, of the same size, not shifted.", metavar="FILE")
]


@with_photo_options
def flash(inputs: options.Inputs, guide: Guide, photo: PhotoOptions) -> int:
    """Clean a photo taken without flash, guided by one taken with flash.

    The flash photo is the input of the networks, the other is what they are fitted to: light and colours come from the
    photo without flash, detail from the one with it. The two must not be shifted against each other.

    \b
    Examples:
      pip-restore flash dark.png --guide flash.png
      pip-restore flash dark.jpg --guide flash.jpg --quality best -o clean.png
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    read, checksum = read_with_checksum(guide)
    lit = prepared(read)
    task = Task(
        name="flash",
        suffix="_flash",
        degradation=noise_only,
        guide=lit,
        sources={"--guide": guide},
        of_input_size={f"--guide {shown(guide)}": lit},
        words=lambda: {"--guide": checksum},
    )
    return photo_task.run(task, inputs, photo)
