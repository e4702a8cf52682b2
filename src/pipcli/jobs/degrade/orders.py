"""Orders of `degrade` for pictures and clips, and the report of what was made; no torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipcli import __version__
from pipcli.console import Reporter, Verbosity
from pipcli.media import shown
from pipcli.tasks.options import STANDARD_STREAM

Values = NDArray[np.float64]

WHOLE = (slice(None), slice(None))


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


@dataclass(frozen=True)
class Facts:
    """What there is to say about an input.

    Attributes:
        width: in pixels.
        height: in pixels.
        channels: 1 or 3, without alpha.
        bit_depth: of a sample of the output.
        notes: sentences for the user.
        frames: of a clip; None of a picture.
    """

    width: int
    height: int
    channels: int
    bit_depth: int
    notes: tuple[str, ...]
    frames: int | None = None


def report(
    order: Order,
    output: Path,
    source: Facts,
    size: tuple[int, int],
    region: tuple[int, int],
    settled: dict[str, Any],
    outside: float,
) -> None:
    """Say what was made.

    Args:
        order: what the user asked for.
        output: where it went.
        source: the input.
        size: width and height of the result.
        region: width and height of the part of the input that it shows.
        settled: the parameters that only the picture settled.
        outside: share of the samples that were outside of 0 to 1.
    """
    reporter = Reporter(Verbosity(order.json_lines, order.quiet))
    parameters = order.parameters | settled
    files = order.companions if order.truth is None else {**order.companions, "--truth": order.truth}
    words = ", ".join(f"{key} {_worded(value)}" for key, value in parameters.items() if value is not None)
    fate = f", {outside:.2%} of the samples {'clipped' if order.clip else 'outside of 0 to 1'}" if outside else ""
    many = "" if source.frames is None else f"{source.frames} frames of "
    reporter.say(f"{order.kind} ({words}): {many}{size[0]}x{size[1]}, {source.bit_depth} bit{fate}")
    if region != (source.width, source.height):
        reporter.say(
            f"it shows {region[0]}x{region[1]} of {source.width}x{source.height} pixels; --truth writes that part"
        )
    for note in source.notes:
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
        frames=source.frames,
        width=size[0],
        height=size[1],
        channels=source.channels,
        bit_depth=source.bit_depth,
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
