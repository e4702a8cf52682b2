"""What the kinds of `degrade` share: options, and the checks of numbers; loads no numpy."""

from pathlib import Path
from typing import Annotated

import typer

from pipcli.errors import UnusableInputError
from pipcli.tasks.options import clip_output_path

Source = Annotated[
    Path,
    typer.Argument(metavar="INPUT", help="The clean picture, - for stdin, or a clip: a file or a folder."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        parser=clip_output_path,
        metavar="PATH",
        help="Where to write, a folder that exists, or - for stdout. [default: beside the input, as PNG, or TIFF where "
        "PNG cannot hold it; clips as MKV without loss, or as a folder]",
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        help="Depth of a sample that the result is rounded to: 8, 16, or 32 for floating point. [default: the input's]"
    ),
]
Clip = Annotated[
    bool,
    typer.Option(
        "--clip/--no-clip",
        help="Whether values below 0 and above 1 are cut off before rounding; to keep them needs a 32-bit TIFF, "
        "which other programs read and this one refuses as input.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0,
        max=2**63 - 1,
        help="Of numpy.random.default_rng: the same seed gives the same bytes with the same numpy.",
    ),
]
Truth = Annotated[
    Path | None,
    typer.Option(
        help="Also write the part of the input that the result shows, untouched: the reference to measure with.",
        metavar="FILE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Report all parameters as a JSON line on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output file that exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No summary on stderr.")]


def check_range(option: str, value: float, bounds: tuple[float, float], meaning: str) -> None:
    """Refuse a number that is not one, or not within its bounds, which it may touch.

    Raises:
        UnusableInputError: the message says what the number means and what it may be.
    """
    low, high = bounds
    if not low <= value <= high:
        raise UnusableInputError(f"{option} is {meaning}, from {low:g} to {high:g}, not {value:g}")


def only_one(given: dict[str, object]) -> str:
    """Return the option that was given, of several that exclude each other.

    Raises:
        UnusableInputError: there is none, or more than one.
    """
    used = [option for option, value in given.items() if value is not None]
    if len(used) != 1:
        *others, last = given
        found = f", not {' and '.join(used)}" if used else ""
        raise UnusableInputError(f"give one of {', '.join(others)} and {last}{found}")
    return used[0]
