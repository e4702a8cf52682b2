"""Measuring clips against a reference, frame by frame from their files: the numbers and the table."""

import math
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from pipcli import __version__
from pipcli.clip_metrics import ClipMeasures, ClipMeter, Course, Frame
from pipcli.console import print_json
from pipcli.errors import UnusableInputError
from pipcli.jobs.compare.pictures import Drawings, decibels, print_text, table_of
from pipcli.media import in_unit_range, shown
from pipcli.media.clips import Clip, open_clip, read_frames

HEADINGS = ("PSNR dB", "worst", "best", "SSIM 3-D", "changes dB", "warping")


def compare_clips(paths: Sequence[Path], reference: Path, drawings: Drawings, *, border: int, json_lines: bool) -> None:
    """Measure clips and print the numbers.

    Args:
        paths: of the clips, files or folders of numbered pictures.
        reference: what they are measured against.
        drawings: none, which are for pictures.
        border: pixels at each edge that are not measured.
        json_lines: print a JSON line instead of a table.

    Raises:
        UnusableInputError: a clip cannot be read, or does not match the reference, or the border leaves nothing, or a
            drawing was asked for.
    """
    for option in drawings.files():
        raise UnusableInputError(f"{option} applies to pictures only: leave it out for clips, or give single frames")
    truth = open_clip(reference)
    clips = [open_clip(path) for path in paths]
    for clip in clips:
        _check_match(clip, truth)
    if 2 * border >= min(truth.height, truth.width):
        raise UnusableInputError(f"--border {border} leaves nothing of {truth.width}x{truth.height} pixels: give less")
    measures, own = _measured(clips, truth, border)
    if json_lines:
        print_json(_line(clips, truth, measures, own, border))
    else:
        print_text(_table(clips, truth, measures, own, border))


def _check_match(clip: Clip, truth: Clip) -> None:
    mine, theirs = (
        f"{one.frame_count} frames of {one.width}x{one.height} with {one.channels} channel(s)" for one in (clip, truth)
    )
    if mine != theirs:
        raise UnusableInputError(
            f"{shown(clip.path)} is {mine}, the reference {shown(truth.path)} is {theirs}: they must match"
        )


def _frames(clip: Clip, border: int) -> Generator[Frame, None, None]:
    inside = slice(border, -border or None)
    for samples in read_frames(clip):
        yield in_unit_range(samples[inside, inside])


def _measured(clips: Sequence[Clip], truth: Clip, border: int) -> tuple[list[ClipMeasures], float | None]:
    """Return the measures of each clip, and the warping error of the reference itself."""
    meters, own = [ClipMeter() for _ in clips], []
    with ExitStack() as stack:
        references, *others = (stack.enter_context(closing(_frames(clip, border))) for clip in (truth, *clips))
        before: Frame | None = None
        for reference in references:
            course = None if before is None else Course(before, reference)
            for meter, frames in zip(meters, others, strict=True):
                meter.add(next(frames), reference, course)
            error = None if before is None or course is None else course.error(before, reference)
            own += [] if error is None else [error]
            before = reference
    return [meter.measures() for meter in meters], sum(own) / len(own) if own else None


def _gain(measures: Sequence[ClipMeasures]) -> dict[str, float | None] | None:
    """Return by how much the figures of the second of two clips are higher than the first's."""
    if len(measures) != 2:
        return None
    first, second = (_rounded(one) for one in measures)
    return {
        key: None if first[key] is None or second[key] is None else round(second[key] - first[key], 8) for key in first
    }


def _rounded(measures: ClipMeasures) -> dict[str, Any]:
    """Return them with the digits that are worth keeping; what is infinite becomes null in JSON."""
    changes, warping = measures.psnr_changes, measures.warping_error
    return {
        "psnr": _finite(measures.psnr),
        "psnr_worst": _finite(min(measures.frames)),
        "psnr_best": _finite(max(measures.frames)),
        "ssim_3d": round(measures.ssim, 6),
        "psnr_changes": None if changes is None else _finite(changes),
        "warping_error": None if warping is None else round(warping, 8),
    }


def _finite(ratio: float) -> float | None:
    return round(ratio, 4) if math.isfinite(ratio) else None


def _line(
    clips: Sequence[Clip], truth: Clip, measures: Sequence[ClipMeasures], own: float | None, border: int
) -> dict[str, Any]:
    return {
        "type": "clip_comparison",
        "version": __version__,
        "reference": shown(truth.path),
        "frames": truth.frame_count,
        "width": truth.width,
        "height": truth.height,
        "channels": truth.channels,
        "border": border,
        "warping_error": None if own is None else round(own, 8),
        "clips": [
            {
                "file": shown(clip.path),
                "bit_depth": clip.bit_depth,
                "identical": its.psnr == math.inf,
                **_rounded(its),
                "psnr_frames": [_finite(ratio) for ratio in its.frames],
            }
            for clip, its in zip(clips, measures, strict=True)
        ],
        "gain": _gain(measures),
    }


def _table(clips: Sequence[Clip], truth: Clip, measures: Sequence[ClipMeasures], own: float | None, border: int) -> str:
    """Return lines for people: a row a clip, and the warping error that the reference has itself."""
    rows = [
        (
            shown(clip.path),
            *(decibels(ratio) for ratio in (its.psnr, min(its.frames), max(its.frames))),
            f"{its.ssim:.4f}",
            "-" if its.psnr_changes is None else decibels(its.psnr_changes),
            _worded(its.warping_error),
        )
        for clip, its in zip(clips, measures, strict=True)
    ]
    rows.append(("the reference itself", *"-----", _worded(own)))
    heading = f"against {shown(truth.path)}, {truth.frame_count} frames" + (f", border {border}" if border else "")
    return table_of([(heading, *HEADINGS), *rows])


def _worded(error: float | None) -> str:
    return "-" if error is None else f"{error:.6f}"
