"""The files of a task on a clip, opened and checked before any long work; loads no torch, so a refusal is quick."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from pipcli.checkpoint import folder_beside, replaceable
from pipcli.errors import UnusableInputError
from pipcli.jobs.output_checks import check_apart
from pipcli.jobs.unchanged import Unchanged
from pipcli.media import Photo, check_output, read_photo, shown
from pipcli.media.clips import (
    Clip,
    EncodingOptions,
    FrameTimes,
    Plan,
    check_asked,
    check_clip,
    check_clip_output,
    check_writing,
    open_clip,
    suffix_for,
)
from pipcli.tasks.aids import check_png
from pipcli.tasks.base import Task
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.options import STANDARD_STREAM
from pipcli.tasks.timeline import Moments, as_shown, rate_of

# Of a picture in a folder that this tool has written.
FRAME_NAME = re.compile(r"\d{6,}\.\w+")


@dataclass(frozen=True)
class ClipFiles:
    """The files of one call.

    Attributes:
        clip: the input.
        output: where the result goes.
        plan: how it is written.
        moments: the frames of the result.
        height: of the result, in pixels.
        width: likewise.
        mask: what is to be filled; None for nothing.
        reference: clean frames to measure against; None without.
        sheet: PNG with frames before and after.
        slice: PNG with a row of pixels over time.
        side_by_side: how the clip of before and after is written; None without.
        unchanged: the inputs as they were before anything was read of them.
    """

    clip: Clip
    output: Path
    plan: Plan
    moments: Moments
    height: int
    width: int
    mask: Photo | Clip | None = None
    reference: Clip | None = None
    sheet: Path | None = None
    slice: Path | None = None
    side_by_side: Plan | None = None
    unchanged: Unchanged = field(default_factory=lambda: Unchanged([]))

    @property
    def outputs(self) -> list[Path]:
        """All that is written."""
        side = None if self.side_by_side is None else self.side_by_side.output
        return [path for path in (self.output, self.sheet, self.slice, side) if path is not None]

    @property
    def are_looked_at(self) -> bool:
        """Whether anything is to be made of the written clip."""
        return any(file is not None for file in (self.reference, self.sheet, self.slice, self.side_by_side))


def open_files(task: Task, source: Path, said: ClipOptions) -> ClipFiles:
    """Open the inputs and check the outputs.

    Raises:
        UnusableInputError: an input cannot be worked with, or does not match the clip.
        OutputRefusedError: an output cannot be written as asked.
    """
    if STANDARD_STREAM in (source, said.output):
        raise UnusableInputError("clips cannot be piped: name a file or a folder, not -")
    beside = output_beside(source, task.suffix)
    output = beside if said.output is None else in_folder_of_clips(said.output, source, beside.name)
    outputs = (output, said.sheet, said.slice, said.side_by_side)
    may_exist = replaceable(outputs, folder_beside(output) if said.resume else None, overwrite=said.overwrite)
    _check_outputs(output, said, source, may_exist, [(option, path) for option, path in task.sources.items()])
    unchanged = Unchanged([source, said.reference, *task.sources.values()])
    clip = open_clip(source)
    moments = _moments(task, said, clip)
    height, width = task.size_of_result(clip.height, clip.width)
    plan = check_writing(clip, output, (height, width), moments.times, encoding_of(said), overwrite=output in may_exist)
    side = None
    if said.side_by_side is not None:
        size, overwrite = (height, 2 * width), said.side_by_side in may_exist
        side = check_writing(clip, said.side_by_side, size, moments.times, EncodingOptions(), overwrite=overwrite)
    return ClipFiles(
        clip,
        output,
        plan,
        moments,
        height,
        width,
        mask=None if task.clips.mask is None else _mask(task.clips.mask, clip),
        reference=None if said.reference is None else _reference(said.reference, clip, moments, (width, height)),
        sheet=said.sheet,
        slice=said.slice,
        side_by_side=side,
        unchanged=unchanged,
    )


def _check_outputs(
    output: Path, said: ClipOptions, source: Path, may_exist: frozenset[Path], aids: list[tuple[str, Path]]
) -> None:
    """Refuse outputs that cannot be written, before anything is decoded."""
    check_clip(source)
    check_asked(encoding_of(said))
    for path in (output, said.side_by_side):
        if path is not None:
            check_clip_output(path, source, overwrite=path in may_exist)
    for option, path in (("--sheet", said.sheet), ("--slice", said.slice)):
        if path is not None:
            check_png(option, path)
            check_output(path, source, overwrite=path in may_exist)
    check_apart(
        {"--output": output, "--sheet": said.sheet, "--slice": said.slice, "--side-by-side": said.side_by_side},
        [("--reference", said.reference), *aids, ("INPUT", source)],
    )


def output_beside(source: Path, suffix: str) -> Path:
    """Return the name of the output for a clip, beside it; of a folder, another folder.

    Raises:
        UnusableInputError: the name says nothing of its kind, and it is not a clip.
    """
    if source.is_dir():
        folder = source.resolve()
        return folder.parent / f"{folder.name}{suffix}"
    return source.with_name(f"{source.stem}{suffix}{suffix_for(source)}")


def in_folder_of_clips(output: Path, source: Path, name: str) -> Path:
    """Return an output as it was named, or where it is a folder of other things, the clip that goes into it.

    Args:
        output: as named.
        source: a folder of pictures becomes a folder of pictures, as named.
        name: of the clip in a folder.
    """
    if source.is_dir() or not output.is_dir():
        return output
    names = [entry.name for entry in os.scandir(output)]
    is_of_frames = bool(names) and all(FRAME_NAME.fullmatch(name) for name in names)
    return output if is_of_frames else output / name


def encoding_of(said: ClipOptions) -> EncodingOptions:
    """Return how the user wants the result encoded.

    Raises:
        UnusableInputError: a further option of the encoder is no pair.
    """
    pairs = []
    for text in said.encoder_options or []:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UnusableInputError(f"-e is KEY=VALUE, an option of the encoder, not {shown(Path(text or '-'))}")
        pairs.append((key, value))
    return EncodingOptions(
        codec=said.codec,
        crf=said.crf,
        preset=said.preset,
        pix_fmt=said.pix_fmt,
        extra=tuple(pairs),
        lossless=said.lossless,
    )


def _moments(task: Task, said: ClipOptions, clip: Clip) -> Moments:
    if task.clips.timeline is not None:
        return task.clips.timeline(clip)
    if said.fps is None:
        return as_shown(clip.times)
    if clip.times.known:
        raise UnusableInputError(
            f"--fps applies to --task interpolate or a folder of pictures: {shown(clip.path)} has its own rate"
        )
    return as_shown(FrameTimes.at_rate(rate_of(said.fps), clip.frame_count))


def _mask(path: Path, clip: Clip) -> Photo | Clip:
    """Open a mask: a picture for all frames, or a clip with one for each."""
    try:
        mask: Photo | Clip = open_clip(path)
    except UnusableInputError:
        if path.is_dir():
            raise
        mask = read_photo(path)
    if (mask.height, mask.width) != (clip.height, clip.width):
        raise UnusableInputError(
            f"--mask {shown(path)} is {mask.width}x{mask.height}, the clip is {clip.width}x{clip.height}: "
            "they must match"
        )
    if isinstance(mask, Clip) and mask.frame_count != clip.frame_count:
        raise UnusableInputError(
            f"--mask {shown(path)} has {mask.frame_count} frames, the clip has {clip.frame_count}: give one for each, "
            "or one picture for all"
        )
    return mask


def _reference(path: Path, clip: Clip, moments: Moments, size: tuple[int, int]) -> Clip:
    reference = open_clip(path)
    mine = (*size, clip.channels, len(moments.positions))
    theirs = (reference.width, reference.height, reference.channels, reference.frame_count)
    if mine != theirs:
        mine_said, theirs_said = (
            f"{width}x{height} with {channels} channel(s) and {frames} frames"
            for width, height, channels, frames in (mine, theirs)
        )
        raise UnusableInputError(
            f"--reference {shown(path)} is {theirs_said}, the result is {mine_said}: they must match"
        )
    return reference
