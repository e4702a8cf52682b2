"""The files of a task on one photo, read and checked before any long work; loads no torch, so a refusal is quick."""

import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.cli.options import STANDARD_STREAM
from pipcli.cli.request import Request
from pipcli.cli.task import Task
from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.keeping import folder_beside, replaceable
from pipcli.media import (
    Photo,
    check_format,
    check_output,
    format_for,
    publish,
    read_file,
    read_photo,
    read_stream,
    shown,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNCERTAINTY_SUFFIXES = {".png": 16, ".tif": 32, ".tiff": 32}  # and the bits of a sample


@dataclass(frozen=True)
class Files:
    """The files of a request, checked before any long work.

    Attributes:
        may_exist: the outputs that may exist already.
        known: the (H, W) pixels that are not to be filled; None for all.
    """

    source: Path
    photo: Photo
    output: Path
    output_format: str
    reference: Photo | None
    sheet: Path | None
    uncertainty: Path | None
    may_exist: frozenset[Path]
    known: "NDArray[np.bool_] | None" = None

    def as_read(self) -> bytes | None:
        """Return the bytes of the input where writing it as JPEG again would change it; None from a stream."""
        if self.output_format != "JPEG" or self.photo.file_format != "JPEG" or self.source == STANDARD_STREAM:
            return None
        return read_file(self.source)


def one_each(request: Request, sources: Sequence[Path]) -> list[Request]:
    """Return a request for each of the inputs; of several, the outputs go beside them or into the folder named.

    Raises:
        UnusableInputError: an option or input is for one picture, and there are several.
        OutputRefusedError: there is no such folder, or two inputs would give the same output.
    """
    if len(sources) == 1:
        return [request]
    singles = {"--reference": request.reference, "--sheet": request.sheet, "--uncertainty": request.uncertainty}
    singles |= {companion.option: companion.path for companion in request.task.companions}
    for option, value in singles.items():
        if value is not None:
            raise UnusableInputError(f"{option} is for one picture, and there are {len(sources)} inputs")
    if STANDARD_STREAM in sources or request.output == STANDARD_STREAM:
        raise UnusableInputError("- is one picture, and there are several inputs")
    if request.output is not None and not request.output.is_dir():
        raise OutputRefusedError(f"with several inputs --output is a folder that exists, not {shown(request.output)}")
    requests = [
        dataclasses.replace(request, source=source, output=output_beside(source, request.task.suffix, request.output))
        for source in sources
    ]
    output, count = Counter(one.output or one.source for one in requests).most_common(1)[0]
    if count > 1:
        raise OutputRefusedError(f"{count} of the inputs would be written to {shown(output)}: restore them apart")
    return requests


def output_beside(source: Path, suffix: str, folder: Path | None = None) -> Path:
    """Return the name of the output for an input: with a suffix, beside it or in a folder."""
    return (source.parent if folder is None else folder) / f"{source.stem}{suffix}{source.suffix}"


def open_files(request: Request) -> Files:
    """Read the inputs and check the outputs.

    Raises:
        UnusableInputError: an input cannot be read, or the reference is not of the input's size.
        OutputRefusedError: an output cannot be written as asked, or would lose something.
    """
    photo = read_source(request.source)
    output = _output(request)
    output_format = photo.file_format if output == STANDARD_STREAM else format_for(output)
    source = None if request.source == STANDARD_STREAM else request.source
    outputs = (output, request.sheet, request.uncertainty, *(one.path for one in request.task.companions))
    may_exist = replaceable(outputs, folder_beside(output) if request.resume else None, overwrite=request.overwrite)
    if output == STANDARD_STREAM:
        check_stdout(json_lines=request.json)
    else:
        room = round(photo.samples.nbytes * request.task.scale**2)
        check_output(output, source, overwrite=output in may_exist, room=room)
    check_format(request.task.carrier(photo), output_format)
    if request.sheet is not None:
        check_png("--sheet", request.sheet)
        check_output(request.sheet, source, overwrite=request.sheet in may_exist)
    if request.uncertainty is not None:
        _check_uncertainty(request.uncertainty)
        check_output(request.uncertainty, source, overwrite=request.uncertainty in may_exist)
    for companion in request.task.companions:
        check_output(companion.path, source, overwrite=companion.path in may_exist)
    check_apart(
        {
            "--output": output,
            "--sheet": request.sheet,
            "--uncertainty": request.uncertainty,
            "--reference": request.reference,
            **request.task.sources,
            **{companion.option: companion.path for companion in request.task.companions},
        }
    )
    reference = None if request.reference is None else _reference(request.reference, request.task, photo)
    for name, other in request.task.of_input_size.items():
        check_same_size(name, other, photo)
    known = None if request.task.known is None else request.task.known(photo)
    return Files(
        request.source,
        photo,
        output,
        output_format,
        reference,
        request.sheet,
        request.uncertainty,
        may_exist,
        known,
    )


def _output(request: Request) -> Path:
    if request.output is not None:
        return request.output
    if request.source == STANDARD_STREAM:
        return STANDARD_STREAM
    return output_beside(request.source, request.task.suffix)


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


def check_stdout(*, json_lines: bool) -> None:
    """Refuse to write a picture to a stdout that is a terminal, or that JSON lines go to.

    Raises:
        OutputRefusedError: it is.
    """
    if json_lines:
        raise OutputRefusedError("the picture and the JSON lines cannot both go to stdout: give -o a file name")
    if sys.stdout.isatty():
        raise OutputRefusedError("a picture is no text for a terminal: redirect stdout, or give -o a file name")


def check_png(option: str, path: Path) -> None:
    """Refuse a name without the suffix of PNG for a file that is never written as anything else.

    Raises:
        OutputRefusedError: it has another suffix.
    """
    if path.suffix.lower() != ".png":
        raise OutputRefusedError(
            f"only PNG is written there: give {option} a name that ends in .png, not {shown(path)}"
        )


def _check_uncertainty(path: Path) -> None:
    if path.suffix.lower() not in UNCERTAINTY_SUFFIXES:
        raise OutputRefusedError(
            f"the uncertainty is written as 16-bit PNG or float TIFF: give --uncertainty a name that ends in .png or "
            f".tif, not {shown(path)}"
        )


def check_apart(files: dict[str, Path | None]) -> None:
    """Refuse one file in two roles, of which the later would replace the earlier.

    Raises:
        OutputRefusedError: there is one; the message names both options.
    """
    seen: dict[str, str] = {}
    for option, path in files.items():
        if path is None or path == STANDARD_STREAM:
            continue
        other = seen.setdefault(os.path.realpath(path), option)
        if other != option:
            raise OutputRefusedError(f"{other} and {option} are both {shown(path)}: they must be different files")


def check_same_size(name: str, other: Photo, photo: Photo) -> None:
    """Refuse a picture that belongs to the input and is not of its size.

    Args:
        name: what the user calls it.
        other: the picture.
        photo: the input.

    Raises:
        UnusableInputError: the sizes differ.
    """
    if (other.height, other.width) != (photo.height, photo.width):
        raise UnusableInputError(
            f"{name} is {other.width}x{other.height}, the input is {photo.width}x{photo.height}: they must match"
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
