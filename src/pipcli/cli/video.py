"""`pip-restore video`: restore a clip as one signal."""

from pathlib import Path
from typing import Annotated

import typer

from pipcli.cli.clip_options import ClipOptions, ClipTaskName, TaskOption
from pipcli.cli.photo_options import with_options

Source = Annotated[
    Path,
    typer.Argument(metavar="CLIP", help="The clip to restore: MP4, MKV, MOV, WebM, AVI, GIF, or a folder of pictures."),
]


@with_options(ClipOptions, "clip")
def video(source: Source, clip: ClipOptions, task: TaskOption = ClipTaskName.DENOISE) -> int:
    """Restore a clip; sound, subtitles and metadata are kept.

    Frames are restored together in overlapping windows, which end at scene changes, so that the result does not
    flicker. Finished windows are kept in a hidden folder beside the output until the clip is written: a run that was
    ended continues there when the same command is given again.

    \b
    Examples:
      pip-restore video old_film.mkv
      pip-restore video small.mp4 --task sr --scale 4 -o large.mp4
      pip-restore video scratched.mov --task inpaint --mask scratches.png
      pip-restore video jerky.mp4 --task interpolate --factor 2
      pip-restore video frames/ --sigma 25 -o clean/ --sheet before_after.png
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import clip_task

    return clip_task.run(task, source, clip)
