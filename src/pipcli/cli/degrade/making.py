"""The way of every kind of `degrade`: read, check the outputs, degrade, clip, round, write and report; no torch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipcli import __version__, media
from pipcli.cli.options import STANDARD_STREAM
from pipcli.cli.photo_files import check_apart, check_png, check_stdout, deliver, read_source
from pipcli.console import Reporter, Verbosity
from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media import Photo, check_format, check_output, format_for, publish, shown

Values = NDArray[np.float64]

WHOLE = (slice(None), slice(None))
DEPTHS = (8, 16, 32)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the user asked for, whatever the kind.

    Attributes:
        kind: the name of the degradation.
        suffix: of the default output's name.
        source: the clean picture, or a dash.
        output: None for the default.
        bits: depth of the output; None for the input's.
        parameters: of the degradation, to be reported.
        clip: whether values outside of [0, 1] are cut off.
        truth: where to write the part of the input that the result shows.
        companions: further PNG files to write, by the option that names them.
        aids: further files that are read, by the option that names them.
        extension: of the default output's name; None for what holds it losslessly.
    """

    kind: str
    suffix: str
    source: Path
    output: Path | None
    bits: int | None
    parameters: dict[str, Any]
    json_lines: bool
    overwrite: bool
    quiet: bool
    clip: bool = True
    truth: Path | None = None
    companions: dict[str, Path] = field(default_factory=dict)
    aids: dict[str, Path] = field(default_factory=dict)
    extension: str | None = None


@dataclass(frozen=True, eq=False)
class Degraded:
    """What a degradation made.

    Attributes:
        values: (h, w, C), neither clipped nor rounded.
        region: the rows and columns of the input that they show.
        alpha: (h, w), degraded likewise; None where the input's, of the region, stays as it is.
        companions: (h, w) in [0, 1] and the bits to round to, by the option that names the file.
        parameters: those that only the picture settled.
    """

    values: Values
    region: tuple[slice, slice] = WHOLE
    alpha: Values | None = None
    companions: dict[str, tuple[Values, int]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def carry_out(
    order: Order, degrade: Callable[[Photo], Degraded], encode: Callable[[Photo, str], bytes] = media.encode
) -> int:
    """Make, write and report a degraded picture; return the exit code.

    Args:
        order: what the user asked for.
        degrade: makes it from the clean picture.
        encode: makes a file of a format from the finished photo.

    Raises:
        UnusableInputError: the input, a number or their combination cannot be worked with.
        OutputRefusedError: an output cannot be written as asked, or would lose something.
    """
    photo = read_source(order.source)
    like = _in_depth(photo, order.bits)
    output, output_format = _checked(order, photo, like)
    degraded = degrade(photo)
    made = _finished(like, degraded, clip=order.clip)
    data = encode(made, output_format)
    for option, path in order.companions.items():
        publish(path, media.encode_map(*degraded.companions[option]), overwrite=order.overwrite)
    if order.truth is not None:
        truth = media.encode(_part(photo, degraded.region), format_for(order.truth))
        publish(order.truth, truth, overwrite=order.overwrite)
    deliver(data, output, overwrite=order.overwrite)
    _report(order, output, photo, made, degraded)
    return 0


def _default_output(order: Order, like: Photo) -> Path:
    """Return where the result goes when the user does not say: to stdout, or beside the input."""
    if order.source == STANDARD_STREAM:
        return STANDARD_STREAM
    return order.source.with_name(f"{order.source.stem}{order.suffix}{_extension(order, like)}")


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


def _checked(order: Order, photo: Photo, like: Photo) -> tuple[Path, str]:
    """Return the output and its format, after making sure that all outputs can be written."""
    output = _default_output(order, like) if order.output is None else order.output
    source = None if order.source == STANDARD_STREAM else order.source
    if output == STANDARD_STREAM:
        check_stdout(json_lines=order.json_lines)
        output_format = format_for(f"x{_extension(order, like)}")
    else:
        output_format = format_for(output)
        check_output(output, source, overwrite=order.overwrite, room=like.samples.nbytes)
    check_format(like, output_format)
    if not order.clip and like.bit_depth != 32:
        raise OutputRefusedError(
            f"{like.bit_depth}-bit samples end at 0 and 1: leave out --no-clip, or add --bits 32 and an output that "
            "ends in .tif"
        )
    for option, path in order.companions.items():
        check_png(option, path)
        check_output(path, source, overwrite=order.overwrite)
    if order.truth is not None:
        check_format(photo, format_for(order.truth))
        check_output(order.truth, source, overwrite=order.overwrite, room=photo.samples.nbytes)
    check_apart({"--output": output, "--truth": order.truth, **order.companions, **order.aids})
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
    return replace(like, samples=samples, alpha=alpha)


def _report(order: Order, output: Path, photo: Photo, made: Photo, degraded: Degraded) -> None:
    reporter = Reporter(Verbosity(order.json_lines, order.quiet))
    parameters = order.parameters | degraded.parameters
    files = order.companions if order.truth is None else {**order.companions, "--truth": order.truth}
    outside = float(np.mean((degraded.values < 0) | (degraded.values > 1)))
    words = ", ".join(f"{key} {_worded(value)}" for key, value in parameters.items() if value is not None)
    fate = f", {outside:.2%} of the samples {'clipped' if order.clip else 'outside of 0 to 1'}" if outside else ""
    reporter.say(f"{order.kind} ({words}): {made.width}x{made.height}, {made.bit_depth} bit{fate}")
    rows, columns, _ = photo.samples[degraded.region].shape
    if (rows, columns) != (photo.height, photo.width):
        reporter.say(f"of {photo.width}x{photo.height} it shows {columns}x{rows}, which is what --truth writes")
    for note in photo.notes:
        reporter.say(note)
    for path in files.values():
        reporter.say(f"also wrote {shown(path)}")
    reporter.event(
        "degraded",
        version=__version__,
        degradation=order.kind,
        input=shown(order.source),
        output=shown(output),
        files={option.removeprefix("--"): shown(path) for option, path in files.items()},
        width=made.width,
        height=made.height,
        channels=made.channels,
        bit_depth=made.bit_depth,
        clip=order.clip,
        outside=round(outside, 6),
        parameters=parameters,
    )
    if output != STANDARD_STREAM:
        reporter.path(output)


def _worded(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_worded(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else shown(str(value))
