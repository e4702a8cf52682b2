"""Measuring pictures against a reference: the files, the numbers, the table, and what is drawn; loads no torch."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipcli import __version__
from pipcli.console import print_json
from pipcli.errors import UnusableInputError
from pipcli.jobs.output_checks import check_apart
from pipcli.jobs.photos.files import read_source
from pipcli.media import Photo, check_output, encode_rgb8, publish, shown
from pipcli.metrics import luma, psnr, ssim
from pipcli.sheet import Panel, difference, side_by_side, wipe
from pipcli.tasks.aids import check_png
from pipcli.tasks.options import STANDARD_STREAM

Values = NDArray[np.float64]
NARROWEST = 8  # columns of a table, in characters


@dataclass(frozen=True)
class Drawings:
    """Which PNG files to write, if any, and how much to amplify a difference."""

    difference: Path | None
    gain: float
    sheet: Path | None
    wipe: Path | None

    def files(self) -> dict[str, Path]:
        """Return those that are to be written, by their options."""
        named = {"--difference": self.difference, "--sheet": self.sheet, "--wipe": self.wipe}
        return {option: path for option, path in named.items() if path is not None}


@dataclass(frozen=True)
class Measures:
    """How near a picture is to the reference.

    Attributes:
        psnr: in dB, of all samples; infinite for equal ones.
        psnr_y: in dB, of the luma.
        ssim: at most 1; None where the picture is smaller than the window.
    """

    psnr: float
    psnr_y: float
    ssim: float | None


@dataclass(frozen=True, eq=False)
class _Picture:
    name: str
    photo: Photo
    values: Values


def compare_files(
    paths: Sequence[Path], reference: Path, drawings: Drawings, *, border: int, json_lines: bool, overwrite: bool
) -> None:
    """Measure pictures, print the numbers, and draw what was asked for.

    Args:
        paths: of the pictures; a dash is stdin.
        reference: what they are measured against.
        drawings: what to draw.
        border: pixels at each edge that are not measured.
        json_lines: print a JSON line instead of a table.
        overwrite: whether drawings may replace files.

    Raises:
        UnusableInputError: a picture cannot be read, or does not match the reference, or the border leaves nothing.
        OutputRefusedError: a drawing cannot be written.
    """
    _check_drawings(drawings, [*paths, reference], overwrite)
    truth = _read(reference)
    pictures = [_read(path) for path in paths]
    for picture in pictures:
        _check_match(picture, truth)
    if 2 * border >= min(truth.values.shape[:2]):
        raise UnusableInputError(
            f"--border {border} leaves nothing of {truth.photo.width}x{truth.photo.height} pixels: give less"
        )
    measures = [_measured(picture.values, truth.values, border) for picture in pictures]
    for option, path in drawings.files().items():
        publish(path, _drawn(option, pictures, truth, measures, drawings.gain), overwrite=overwrite)
    if json_lines:
        print_json(_line(pictures, truth, measures, border, drawings))
    else:
        print_text(_table(pictures, truth, measures, border))


def _read(path: Path) -> _Picture:
    photo = read_source(path)
    return _Picture(shown(path), photo, photo.values())


def _check_match(picture: _Picture, truth: _Picture) -> None:
    mine, theirs = (
        f"{one.photo.width}x{one.photo.height} with {one.photo.channels} channel(s)" for one in (picture, truth)
    )
    if mine != theirs:
        raise UnusableInputError(f"{picture.name} is {mine}, the reference {truth.name} is {theirs}: they must match")


def _check_drawings(drawings: Drawings, sources: Sequence[Path], overwrite: bool) -> None:
    for option, path in drawings.files().items():
        check_png(option, path)
        for source in sources:
            check_output(path, None if source == STANDARD_STREAM else source, overwrite=overwrite)
    check_apart(drawings.files(), [("INPUT", source) for source in sources])


def _measured(picture: Values, reference: Values, border: int) -> Measures:
    inside = slice(border, -border or None)
    picture, reference = picture[inside, inside], reference[inside, inside]
    return Measures(psnr(picture, reference), psnr(luma(picture), luma(reference)), ssim(picture, reference))


def _drawn(
    option: str, pictures: Sequence[_Picture], truth: _Picture, measures: Sequence[Measures], gain: float
) -> bytes:
    """Return the PNG file that an option asks for."""
    if option == "--wipe":
        first, second = [*pictures, truth][:2]
        return encode_rgb8(wipe(first.values, second.values))
    if option == "--sheet":
        labels = [
            f"{Path(one.name).name}, {decibels(its.psnr)} dB" for one, its in zip(pictures, measures, strict=True)
        ]
        panels = [Panel(label, one.photo.samples) for label, one in zip(labels, pictures, strict=True)]
        return side_by_side([*panels, Panel(f"{Path(truth.name).name}, reference", truth.photo.samples)])
    differences = [difference(one.values, truth.values, gain) for one in pictures]
    if len(differences) == 1:
        return encode_rgb8(differences[0])
    return side_by_side([Panel(Path(one.name).name, drawn) for one, drawn in zip(pictures, differences, strict=True)])


def _gain(measures: Sequence[Measures]) -> Measures | None:
    """Return by how much the second of two pictures is nearer than the first."""
    if len(measures) != 2:
        return None
    first, second = measures
    similarity = None if first.ssim is None or second.ssim is None else second.ssim - first.ssim
    return Measures(second.psnr - first.psnr, second.psnr_y - first.psnr_y, similarity)


def _line(
    pictures: Sequence[_Picture], truth: _Picture, measures: Sequence[Measures], border: int, drawings: Drawings
) -> dict[str, Any]:
    gain = _gain(measures)
    return {
        "type": "comparison",
        "version": __version__,
        "reference": truth.name,
        "width": truth.photo.width,
        "height": truth.photo.height,
        "channels": truth.photo.channels,
        "border": border,
        "pictures": [
            {
                "file": picture.name,
                "bit_depth": picture.photo.bit_depth,
                "identical": its.psnr == math.inf,
                **_rounded(its),
            }
            for picture, its in zip(pictures, measures, strict=True)
        ],
        "gain": None if gain is None else _rounded(gain),
        "files": {option.removeprefix("--"): shown(path) for option, path in drawings.files().items()},
    }


def _rounded(measures: Measures) -> dict[str, float | None]:
    """Return them with the digits that are worth keeping; what is infinite becomes null in JSON."""
    similarity = None if measures.ssim is None else round(measures.ssim, 6)
    return {"psnr": round(measures.psnr, 4), "psnr_y": round(measures.psnr_y, 4), "ssim": similarity}


def _table(pictures: Sequence[_Picture], truth: _Picture, measures: Sequence[Measures], border: int) -> str:
    """Return lines for people: a row a picture and, of two, how much better the second is."""
    rows = [
        (picture.name, decibels(its.psnr), decibels(its.psnr_y), "-" if its.ssim is None else f"{its.ssim:.4f}")
        for picture, its in zip(pictures, measures, strict=True)
    ]
    gain = _gain(measures)
    if gain is not None:
        similarity = "-" if gain.ssim is None else f"{gain.ssim:+.4f}"
        rows.append(("difference", _signed(gain.psnr), _signed(gain.psnr_y), similarity))
    heading = (f"against {truth.name}" + (f", border {border}" if border else ""), "PSNR dB", "PSNR-Y dB", "SSIM")
    return table_of([heading, *rows])


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of a table: the first column to the left, the others to the right."""
    first, *others = (max(len(cell) for cell in column) for column in zip(*rows, strict=True))
    widths = [max(width, NARROWEST) for width in others]
    return "".join(
        f"{row[0]:<{first}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths, strict=True)) + "\n"
        for row in rows
    )


def print_text(text: str) -> None:
    """Print text that may hold any character of a file name, whatever stdout can take."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))
    sys.stdout.buffer.flush()


def decibels(value: float) -> str:
    """Word a ratio for people."""
    return "identical" if value == math.inf else f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "-"
