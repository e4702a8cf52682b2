"""The commands of the tasks, built from the rows of `TASKS`."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipcli.errors import UnusableInputError
from pipcli.tasks.base import ClipWay, PhotoWay, TaskRow
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.options import Inputs
from pipcli.tasks.shared import PhotoOptions

Command = Callable[..., int]

Source = Annotated[
    Path,
    typer.Argument(metavar="CLIP", help="The clip to restore: MP4, MKV, MOV, WebM, AVI, GIF, or a folder of pictures."),
]
VIDEO_HELP = """Restore a clip; sound, subtitles and metadata are kept.

Frames are restored together in overlapping windows, which end at scene changes, so that the result does not flicker.
Finished windows are kept in a hidden folder beside the output until the clip is written: a run that was ended continues
there when the same command is given again.

\b
Examples:
  pip-restore video old_film.mkv
  pip-restore video small.mp4 --task sr --scale 4 -o large.mp4
  pip-restore video scratched.mov --task inpaint --mask scratches.png
  pip-restore video jerky.mp4 --task interpolate --factor 2
  pip-restore video frames/ --sigma 25 -o clean/ --sheet before_after.png
"""


def photo_command(name: str, way: PhotoWay) -> Command:
    """Return the command of a task on photos."""

    def command(inputs: list[Path], **words: Any) -> int:
        # Everything that takes long to import waits until there is work to do: --help is instant.
        from pipcli.jobs.photos.run import run

        said = _record(PhotoOptions, words)
        return run(way.task_of(_record(way.options, words), said), inputs, said)

    inputs = inspect.Parameter("inputs", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Inputs)
    command.__name__ = name
    command.__doc__ = inspect.getdoc(way.options)
    return _taking(command, [inputs, *_parameters(way.options), *_parameters(PhotoOptions)])


def video_command(rows: Sequence[TaskRow]) -> Command:
    """Return the command of all tasks on clips."""
    ways = {row.name: row.clips for row in rows if row.clips is not None}
    names: Any = StrEnum("ClipTaskName", [(name.upper(), name) for name in ways])  # type: ignore[misc]
    meanings = [f"{row.name} ({row.meaning})" if row.meaning else row.name for row in rows if row.clips is not None]
    option = typer.Option("--task", help=f"What to do: {', '.join(meanings[:-1])}, or {meanings[-1]}.")

    def video(source: Path, task: StrEnum, **words: Any) -> int:
        from pipcli.jobs.clips.run import run

        said, name = _record(ClipOptions, words), str(task)
        _refuse_those_of_other_tasks(name, ways, words)
        return run(ways[name].task_of(_record(ways[name].options, words), said), source, said)

    own = [parameter for way in ways.values() for parameter in _parameters(way.options)]
    video.__doc__ = VIDEO_HELP
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return _taking(
        video,
        [
            inspect.Parameter("source", positional, annotation=Source),
            inspect.Parameter("task", positional, annotation=Annotated[names, option], default=next(iter(names))),
            *own,
            *_parameters(ClipOptions),
        ],
    )


def _parameters(record: type[Any]) -> list[inspect.Parameter]:
    """Return the fields of a record as parameters; Typer reads options from a signature."""
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=field.type,
        )
        for field in dataclasses.fields(record)
    ]


def _record(record: type[Any], words: dict[str, Any]) -> Any:
    """Return a record of those of the words that are its fields."""
    return record(**{field.name: words[field.name] for field in dataclasses.fields(record) if field.name in words})


def _taking(command: Command, parameters: list[inspect.Parameter]) -> Command:
    """Give a command a signature."""
    command.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": int}
    return command


def _refuse_those_of_other_tasks(name: str, ways: dict[str, ClipWay], words: dict[str, Any]) -> None:
    """Refuse options that would change nothing.

    Raises:
        UnusableInputError: there is one; the message names it and its task.
    """
    mine = {field.name for field in dataclasses.fields(ways[name].options)}
    for task, way in ways.items():
        for field in dataclasses.fields(way.options):
            if field.name not in mine and words.get(field.name, field.default) != field.default:
                option = field.name.replace("_", "-")
                raise UnusableInputError(f"--{option} applies to --task {task}, not to {name}: leave it out")
