"""Running `degrade` on pictures: read, check the outputs, degrade, clip, round, write and report; no torch."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipcli import media
from pipcli.errors import ExitCode, OutputRefusedError, UnusableInputError
from pipcli.jobs.degrade.clips import carry_out_clip
from pipcli.jobs.degrade.orders import WHOLE, Degraded, Facts, Order, report
from pipcli.jobs.output_checks import check_apart
from pipcli.jobs.photos.files import check_stdout, deliver
from pipcli.media import Photo, carried_over, check_output, check_room, format_for, publish, shown
from pipcli.media.clips import is_clip
from pipcli.tasks.aids import check_png
from pipcli.tasks.options import STANDARD_STREAM

__all__ = ["WHOLE", "Degraded", "Order", "carry_out"]

DEPTHS = (8, 16, 32)


def carry_out(
    order: Order, degrade: Callable[[Photo], Degraded], encode: Callable[[Photo, str], bytes] = media.encode
) -> int:
    """Make, write and report a degraded picture or clip; return the exit code.

    Args:
        order: what the user asked for.
        degrade: makes it from the clean picture, or each of a clip's frames from the clean one, in order.
        encode: makes a file of a format from the finished photo.

    Raises:
        UnusableInputError: the input, a number or their combination cannot be worked with.
        OutputRefusedError: an output cannot be written as asked, or would lose something.
    """
    if order.source != STANDARD_STREAM and is_clip(order.source):
        if encode is not media.encode:
            raise UnusableInputError(f"degrade {order.kind} works on pictures only: give one")
        return carry_out_clip(order, degrade)
    folder = None
    is_streamed = order.source == STANDARD_STREAM
    if order.output is not None and not is_streamed and order.output.is_dir():
        folder, order = order.output, replace(order, output=None)
    data = b"" if is_streamed else media.read_file(order.source)
    _check_named(order)
    photo = media.read_stream(sys.stdin.buffer) if is_streamed else media.decode_photo(data, shown(order.source))
    like = _in_depth(photo, order.bits)
    output, output_format = _checked(order, photo, like, folder)
    like = carried_over(like, output_format)
    true = photo if order.truth is None else carried_over(photo, format_for(order.truth))
    degraded = degrade(photo)
    made = _finished(like, degraded, clip=order.clip)
    data = encode(made, output_format)
    for option, path in order.companions.items():
        publish(path, media.encode_map(*degraded.companions[option]), overwrite=order.overwrite)
    if order.truth is not None:
        truth = media.encode(_part(true, degraded.region), format_for(order.truth))
        publish(order.truth, truth, overwrite=order.overwrite)
    deliver(data, output, overwrite=order.overwrite)
    outside = float(np.mean((degraded.values < 0) | (degraded.values > 1)))
    rows, columns = photo.samples[degraded.region].shape[:2]
    source = Facts(photo.width, photo.height, photo.channels, made.bit_depth, made.notes)
    report(order, output, source, (made.width, made.height), (columns, rows), degraded.parameters, outside)
    return ExitCode.DONE


def _default_output(order: Order, like: Photo, folder: Path | None) -> Path:
    """Return where the result goes when the user does not name a file: to stdout, beside the input or in a folder."""
    if order.source == STANDARD_STREAM:
        return STANDARD_STREAM
    return (folder or order.source.parent) / f"{order.source.stem}{order.suffix}{_extension(order, like)}"


def _extension(order: Order, like: Photo) -> str:
    return order.extension or (".tif" if like.bit_depth == 32 or like.premultiplied else ".png")


def _in_depth(photo: Photo, depth: int | None) -> Photo:
    """Return the photo with its samples and alpha rounded to a depth."""
    if depth is None or depth == photo.bit_depth:
        return photo
    if depth not in DEPTHS:
        raise UnusableInputError(f"--bits of a sample are 8, 16 or 32, not {depth}")
    alpha = None if photo.alpha is None else media.quantised(media.in_unit_range(photo.alpha), depth)
    return replace(photo, samples=media.quantised(photo.values(), depth), alpha=alpha)


def _check_named(order: Order) -> None:
    """Refuse outputs that cannot be written, before anything is decoded; those that are named."""
    source = None if order.source == STANDARD_STREAM else order.source
    if order.output == STANDARD_STREAM:
        check_stdout(json_lines=order.json_lines)
    for path in (order.output, order.truth):
        if path is not None and path != STANDARD_STREAM:
            format_for(path)
            check_output(path, source, overwrite=order.overwrite)
    for option, path in order.companions.items():
        check_png(option, path)
        check_output(path, source, overwrite=order.overwrite)
    check_apart(
        {"--output": order.output, "--truth": order.truth, **order.companions},
        [*order.aids.items(), ("INPUT", order.source)],
    )


def _checked(order: Order, photo: Photo, like: Photo, folder: Path | None) -> tuple[Path, str]:
    """Return the output and its format, after making sure that they can hold what is written."""
    output = _default_output(order, like, folder) if order.output is None else order.output
    source = None if order.source == STANDARD_STREAM else order.source
    if output == STANDARD_STREAM:
        check_stdout(json_lines=order.json_lines)
        output_format = format_for(f"x{_extension(order, like)}")
    else:
        output_format = format_for(output)
        check_output(output, source, overwrite=order.overwrite, room=like.samples.nbytes)
    if not order.clip and like.bit_depth != 32:
        raise OutputRefusedError(
            f"{like.bit_depth}-bit samples cannot hold values below 0 or above 1: leave out --no-clip, "
            "or add --bits 32 and an output that ends in .tif"
        )
    if order.truth is not None:
        check_room(order.truth, photo.samples.nbytes)
    if order.output is None:
        check_apart({"--output": output, "--truth": order.truth, **order.companions}, order.aids.items())
    return output, output_format


def _part(photo: Photo, region: tuple[slice, slice]) -> Photo:
    alpha = None if photo.alpha is None else np.ascontiguousarray(photo.alpha[region])
    return replace(photo, samples=np.ascontiguousarray(photo.samples[region]), alpha=alpha)


def _finished(like: Photo, degraded: Degraded, *, clip: bool) -> Photo:
    """Return the photo of the result, clipped and rounded."""
    values = degraded.values
    samples = media.quantised(values, like.bit_depth) if clip else np.ascontiguousarray(values, dtype=np.float32)
    alpha = _part(like, degraded.region).alpha
    if degraded.alpha is not None:
        alpha = media.quantised(degraded.alpha, like.bit_depth)
    told = media.rescaled(_part(like, degraded.region), (samples.shape[0], samples.shape[1]))
    return replace(told, samples=samples, alpha=alpha)
