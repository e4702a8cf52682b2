"""Running `degrade` on clips: frame by frame from one file into another, without loss; no torch."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipcli import media
from pipcli.errors import ExitCode, OutputRefusedError, UnusableInputError
from pipcli.jobs.clips.files import in_folder_of_clips
from pipcli.jobs.degrade.orders import Degraded, Facts, Order, report
from pipcli.jobs.output_checks import check_apart
from pipcli.jobs.unchanged import Unchanged
from pipcli.media import Photo, check_output, publish
from pipcli.media.clips import (
    DEINTERLACE,
    Clip,
    ClipWriter,
    EncodingOptions,
    Plan,
    check_clip,
    check_clip_output,
    check_writing,
    kind_for,
    open_clip,
    read_frames,
)
from pipcli.tasks.aids import check_png
from pipcli.tasks.options import STANDARD_STREAM

Samples = NDArray[np.uint16]

WHITE = 65535
SUFFIX = ".mkv"


def carry_out_clip(order: Order, degrade: Callable[[Photo], Degraded]) -> int:
    """Make, write and report a degraded clip; return the exit code.

    Args:
        order: what the user asked for.
        degrade: makes each frame from the clean one, in order.

    Raises:
        UnusableInputError: the input, a number or their combination cannot be worked with.
        OutputRefusedError: an output cannot be written as asked, or would lose something.
    """
    if order.bits is not None or not order.clip:
        option = "--bits" if order.clip else "--no-clip"
        raise UnusableInputError(
            f"a clip keeps its bit depth, and its samples are clipped to 0 to 1: leave out {option}"
        )
    beside = _beside(order.source, order.suffix)
    output = beside if order.output is None else in_folder_of_clips(order.output, order.source, beside.name)
    unchanged = Unchanged([order.source])
    _check_outputs(order, output)
    clip = open_clip(order.source)
    frames = read_frames(clip)
    clean = next(frames)
    first = degrade(Photo(clean, "PNG"))
    plan = _plan(clip, output, first.values, overwrite=order.overwrite)
    truth = None if order.truth is None else _plan(clip, order.truth, clean[first.region], overwrite=order.overwrite)
    later = ((samples, degrade(Photo(samples, "PNG"))) for samples in frames)
    outside = _written(clip, chain([(clean, first)], later), plan, truth, unchanged)
    for option, path in order.companions.items():
        publish(path, media.encode_map(*first.companions[option]), overwrite=order.overwrite)
    rows, columns = clean[first.region].shape[:2]
    fields = () if clip.first_field is None or plan.keeps_fields else (DEINTERLACE,)
    notes = (*clip.notes, *fields, *plan.notes)
    source = Facts(clip.width, clip.height, clip.channels, clip.bit_depth, notes, clip.frame_count)
    report(order, output, source, (plan.width, plan.height), (columns, rows), first.parameters, outside)
    return ExitCode.DONE


def _beside(source: Path, suffix: str) -> Path:
    """Return where the result goes when the user does not say: a file that holds it without loss, or a folder."""
    return source.with_name(source.name + suffix if source.is_dir() else f"{source.stem}{suffix}{SUFFIX}")


def _check_outputs(order: Order, output: Path) -> None:
    """Refuse outputs that cannot be written, before anything is decoded."""
    if output == STANDARD_STREAM:
        raise OutputRefusedError("a clip is not written to stdout: give -o a file name")
    check_clip(order.source)
    for clip_output in (output, order.truth):
        if clip_output is not None:
            check_clip_output(clip_output, order.source, overwrite=order.overwrite)
    for option, path in order.companions.items():
        check_png(option, path)
        check_output(path, order.source, overwrite=order.overwrite)
    check_apart(
        {"--output": output, "--truth": order.truth, **order.companions},
        [*order.aids.items(), ("INPUT", order.source)],
    )


def _plan(clip: Clip, output: Path, like: NDArray[np.generic], *, overwrite: bool) -> Plan:
    options = EncodingOptions(lossless=kind_for(output) != "folder")
    return check_writing(clip, output, (like.shape[0], like.shape[1]), clip.times, options, overwrite=overwrite)


def _written(
    clip: Clip, frames: Iterator[tuple[Samples, Degraded]], plan: Plan, truth: Plan | None, unchanged: Unchanged
) -> float:
    """Write what was made of each frame, and the part of it that is shown; return the share of samples cut off."""
    outside = []
    with ExitStack() as stack:
        writer = stack.enter_context(ClipWriter(plan))
        truth_writer = None if truth is None else stack.enter_context(ClipWriter(truth))
        for clean, made in frames:
            outside.append(float(np.mean((made.values < 0) | (made.values > 1))))
            writer.write(rounded(made.values, clip.bit_depth))
            if truth_writer is not None:
                truth_writer.write(np.ascontiguousarray(clean[made.region]))
        unchanged.check()
        writer.finish()
        if truth_writer is not None:
            truth_writer.finish()
    return sum(outside) / len(outside)


def rounded(values: NDArray[np.float64], depth: int) -> Samples:
    """Return values in [0, 1], what is outside cut off, as samples of 16 bits that a depth holds exactly."""
    most = 2**depth - 1
    samples: Samples = np.round(np.round(values.clip(0, 1) * most) * (WHITE / most)).astype(np.uint16)
    return samples
