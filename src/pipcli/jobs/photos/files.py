"""The files of a task on one photo, read and checked before any long work; loads no torch, so a refusal is quick."""

import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.checkpoint import checksum, folder_beside, replaceable
from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.jobs.output_checks import check_apart
from pipcli.jobs.plan import Plan
from pipcli.media import (
    Photo,
    carried_over,
    check_output,
    check_room,
    decode_photo,
    format_for,
    prepared,
    publish,
    read_file,
    read_photo,
    read_stream,
    shown,
)
from pipcli.tasks.aids import check_png, check_same_size
from pipcli.tasks.base import Task
from pipcli.tasks.options import STANDARD_STREAM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNCERTAINTY_SUFFIXES = {".png": 16, ".tif": 32, ".tiff": 32}  # and the bits of a sample


@dataclass(frozen=True)
class Files:
    """The files of a plan, checked before any long work.

    Attributes:
        companions: what the task writes beside the result.
        checksum: of the input, as it was read.
        as_read: the bytes of a JPEG that is written as JPEG, which writing it again would change; None for others.
        known: the (H, W) pixels that are not to be filled; None for all.
    """

    source: Path
    photo: Photo
    output: Path
    output_format: str
    reference: Photo | None
    sheet: Path | None
    uncertainty: Path | None
    companions: tuple[Path, ...]
    checksum: str
    as_read: bytes | None
    known: "NDArray[np.bool_] | None" = None

    @property
    def outputs(self) -> list[Path]:
        """All that is written."""
        named = (self.output, self.sheet, self.uncertainty, *self.companions)
        return [path for path in named if path is not None]


def one_each(plan: Plan, sources: Sequence[Path]) -> list[Plan]:
    """Return a plan for each of the inputs; of several, the outputs go beside them or into the folder named.

    Raises:
        UnusableInputError: an option or input is for one picture, and there are several.
        OutputRefusedError: there is no such folder, or two inputs would give the same output.
    """
    if len(sources) == 1:
        if plan.output is not None and STANDARD_STREAM not in (plan.source, plan.output):
            plan = dataclasses.replace(plan, output=in_folder(plan.output, plan.source, plan.task.suffix))
        return [plan]
    singles = {"--reference": plan.reference, "--sheet": plan.sheet, "--uncertainty": plan.uncertainty}
    singles |= {companion.option: companion.path for companion in plan.task.companions}
    for option, value in singles.items():
        if value is not None:
            raise UnusableInputError(f"{option} is for one picture, and there are {len(sources)} inputs")
    if STANDARD_STREAM in sources or plan.output == STANDARD_STREAM:
        raise UnusableInputError("stdout takes one picture, and there are several inputs")
    if plan.output is not None and not plan.output.is_dir():
        raise OutputRefusedError(f"with several inputs --output is a folder that exists, not {shown(plan.output)}")
    plans = [
        dataclasses.replace(plan, source=source, output=output_beside(source, plan.task.suffix, plan.output))
        for source in sources
    ]
    output, count = Counter(one.output or one.source for one in plans).most_common(1)[0]
    if count > 1:
        raise OutputRefusedError(
            f"{count} of the inputs would be written to {shown(output)}: restore them in separate calls"
        )
    return plans


def in_folder(output: Path, source: Path, suffix: str) -> Path:
    """Return an output as it was named, or where it is a folder, the file that goes into it."""
    return output_beside(source, suffix, output) if output.is_dir() else output


def output_beside(source: Path, suffix: str, folder: Path | None = None) -> Path:
    """Return the name of the output for an input: with a suffix, beside it or in a folder."""
    return (source.parent if folder is None else folder) / f"{source.stem}{suffix}{source.suffix}"


def open_files(plan: Plan, sources: Sequence[Path]) -> Files:
    """Check the outputs, and read the inputs: nothing is decoded that could not be written.

    Args:
        plan: of one input.
        sources: all inputs of the call, none of which is written over.

    Raises:
        UnusableInputError: an input cannot be read, or the reference is not of the input's size.
        OutputRefusedError: an output cannot be written as asked, or would lose something.
    """
    is_streamed = plan.source == STANDARD_STREAM
    data = b"" if is_streamed else read_file(plan.source)
    output = _output(plan)
    _check_outputs(plan, output, sources)
    photo = read_stream(sys.stdin.buffer) if is_streamed else decode_photo(data, shown(plan.source))
    output_format = photo.file_format if output == STANDARD_STREAM else format_for(output)
    if output != STANDARD_STREAM:
        check_room(output, round(photo.samples.nbytes * plan.task.scale**2))
    photo = carried_over(photo, output_format, plan.task.size_of_result(photo.height, photo.width))
    reference = None if plan.reference is None else _reference(plan.reference, plan.task, photo)
    for name, other in plan.task.of_input_size.items():
        check_same_size(name, other, photo)
    known = None if plan.task.known is None else plan.task.known(photo)
    photo = dataclasses.replace(photo, notes=(*photo.notes, *plan.task.notes(photo)))
    is_kept_as_jpeg = output_format == photo.file_format == "JPEG" and not is_streamed
    return Files(
        plan.source,
        prepared(photo, known, gathers_light=plan.task.gathers_light),
        output,
        output_format,
        reference,
        plan.sheet,
        plan.uncertainty,
        companions=tuple(companion.path for companion in plan.task.companions),
        checksum=checksum(data),
        as_read=data if is_kept_as_jpeg else None,
        known=known,
    )


def _check_outputs(plan: Plan, output: Path, sources: Sequence[Path]) -> None:
    """Refuse outputs that cannot be written, before anything is decoded."""
    written = {"--output": output, "--sheet": plan.sheet, "--uncertainty": plan.uncertainty}
    written |= {companion.option: companion.path for companion in plan.task.companions}
    may_exist = replaceable(written.values(), folder_beside(output) if plan.resume else None, overwrite=plan.overwrite)
    source = None if plan.source == STANDARD_STREAM else plan.source
    if output == STANDARD_STREAM:
        check_stdout(json_lines=plan.json)
    else:
        format_for(output)
    if plan.sheet is not None:
        check_png("--sheet", plan.sheet)
    if plan.uncertainty is not None:
        _check_uncertainty(plan.uncertainty)
    for path in written.values():
        if path is not None and path != STANDARD_STREAM:
            check_output(path, source, overwrite=path in may_exist)
    read = [("--reference", plan.reference), *plan.task.sources.items()]
    check_apart(written, [*read, *(("INPUT", one) for one in sources)])


def _output(plan: Plan) -> Path:
    if plan.output is not None:
        return plan.output
    if plan.source == STANDARD_STREAM:
        return STANDARD_STREAM
    return output_beside(plan.source, plan.task.suffix)


def read_source(path: Path) -> Photo:
    """Read a picture from a file, or from stdin where the path is a dash.

    Raises:
        UnusableInputError: it cannot be read.
    """
    return read_stream(sys.stdin.buffer) if path == STANDARD_STREAM else read_photo(path)


def deliver(data: bytes, output: Path, *, overwrite: bool) -> None:
    """Write a finished file where it was asked for: under its name, or to stdout where that is a dash.

    Raises:
        OutputRefusedError: it exists and `overwrite` was not given, or it could not be written.
    """
    if output == STANDARD_STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        publish(output, data, overwrite=overwrite)


def unused_beside(output: Path, suffix: str) -> Path:
    """Return a name that is not taken, beside an output or, for stdout, in the working folder."""
    stem = "restored" if output == STANDARD_STREAM else output.stem
    folder = Path() if output == STANDARD_STREAM else output.parent
    numbers = ("", *(f"_{number}" for number in range(2, 1000)))
    names = (folder / f"{stem}_rescued{number}{suffix}" for number in numbers)
    return next(name for name in names if not os.path.lexists(name))


def check_stdout(*, json_lines: bool) -> None:
    """Refuse to write a picture to a stdout that is a terminal, or that JSON lines go to.

    Raises:
        OutputRefusedError: it is.
    """
    if json_lines:
        raise OutputRefusedError("the picture and the JSON lines cannot both go to stdout: give -o a file name")
    if sys.stdout.isatty():
        raise OutputRefusedError("a picture cannot be written to a terminal: redirect stdout, or give -o a file name")


def _check_uncertainty(path: Path) -> None:
    if path.suffix.lower() not in UNCERTAINTY_SUFFIXES:
        raise OutputRefusedError(
            f"the uncertainty is written as 16-bit PNG or float TIFF: give --uncertainty a name that ends in .png or "
            f".tif, not {shown(path)}"
        )


def _reference(path: Path, task: Task, photo: Photo) -> Photo:
    reference = read_photo(path)
    mine = (*task.size_of_result(photo.height, photo.width), photo.channels)
    theirs = (reference.height, reference.width, reference.channels)
    if mine != theirs:
        name = "input" if task.scale == 1 else "result"
        raise UnusableInputError(
            f"--reference {shown(path)} is {theirs[1]}x{theirs[0]} with {theirs[2]} channel(s), "
            f"the {name} is {mine[1]}x{mine[0]} with {mine[2]}: they must match"
        )
    return reference
