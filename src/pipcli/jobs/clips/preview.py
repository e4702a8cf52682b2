"""Previews of the written clip: metrics against a reference, sheet, slice, and side-by-side clip.

Everything is measured and drawn from the written file, a frame at a time, before that file gets its name.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipcli.degradations import Degradation
from pipcli.jobs.clips.files import ClipFiles
from pipcli.jobs.clips.reading import WHITE, Frame, FrameFeed, as_frame, as_tensor, spread_over
from pipcli.media.clips import ClipWriter, open_clip, read_frames
from pipcli.metrics import mse_to_psnr
from pipcli.sheet import Panel, side_by_side, strips

LABELS = ("input", "restored", "ground truth")
SHEET_FRAMES = 4
# Rows of a slice, at least: a short clip's moments are drawn several pixels high.
SLICE_ROWS = 192


@dataclass(frozen=True)
class ClipMetrics:
    """Distances to the reference in dB, each from one squared error over all frames.

    Attributes:
        psnr_input: of the input, brought to the size of the result.
        psnr: of the written file.
    """

    psnr_input: float
    psnr: float

    @property
    def gain(self) -> float:
        """What the restoration gained over the input."""
        return self.psnr - self.psnr_input


@dataclass
class _Seen:
    """What is gathered while the frames go by; `wanted` are the numbers of those that the sheet shows."""

    wanted: set[int]
    errors: list[float] = field(default_factory=lambda: [0.0, 0.0])
    samples: int = 0
    rows: list[list[Frame]] = field(default_factory=lambda: [[], []])
    columns: list[list[Frame]] = field(default_factory=list)

    def measure(self, before: Frame, after: Frame, truth: Frame) -> None:
        """Add a frame's squared errors."""
        for place, picture in enumerate((before, after)):
            self.errors[place] += float(np.square(picture.astype(np.float64) - truth).sum())
        self.samples += truth.size

    def metrics(self) -> ClipMetrics:
        """Return the figures of all frames together."""
        return ClipMetrics(*(mse_to_psnr(error / self.samples / WHITE**2) for error in self.errors))


@dataclass(frozen=True)
class Looks:
    """What came of looking at a written clip, each None where it was not asked for.

    Attributes:
        metrics: distances to the reference.
        sheet: the PNG file of some frames.
        slice: the PNG file of a row over time.
    """

    metrics: ClipMetrics | None = None
    sheet: bytes | None = None
    slice: bytes | None = None


def look_at(
    written: Path, files: ClipFiles, degradation: Degradation, side: ClipWriter | None, check: Callable[[], None]
) -> Looks:
    """Read a written clip beside the input and the reference, and make of them what was asked for.

    Args:
        written: the result, under whatever name.
        files: of the call.
        degradation: brings a frame of the input to the size of the result.
        side: is given the frames before and after, and completed; None where nobody asked for them.
        check: called after every frame; may end the work by raising.
    """
    seen = _Seen(spread_over(len(files.moments.positions), SHEET_FRAMES))
    with ExitStack() as stack:
        source = stack.enter_context(FrameFeed(files.clip))
        truth = None if files.reference is None else stack.enter_context(FrameFeed(files.reference))
        for number, after in enumerate(read_frames(open_clip(written))):
            frame = math.floor(files.moments.positions[number])
            before = _in_size(source.frames(frame, frame + 1)[0], degradation)
            wanted = None if truth is None else truth.frames(number, number + 1)[0]
            if wanted is not None:
                seen.measure(before, after, wanted)
            if side is not None:
                side.write(np.concatenate([before, after], axis=1))
            _draw(seen, files, number, [before, after] if wanted is None else [before, after, wanted])
            check()
    if side is not None:
        side.complete()
    return Looks(
        metrics=None if files.reference is None else seen.metrics(),
        sheet=None if files.sheet is None else _sheet(seen),
        slice=None if files.slice is None else _slice(seen),
    )


def _draw(seen: _Seen, files: ClipFiles, number: int, pictures: list[Frame]) -> None:
    """Keep of a frame what the drawings show of it."""
    if files.slice is not None:
        for rows, picture in zip(seen.rows, pictures, strict=False):
            rows.append(picture[picture.shape[0] // 2])
    if files.sheet is not None and number in seen.wanted:
        seen.columns.append(pictures)


def _in_size(frame: Frame, degradation: Degradation) -> Frame:
    if degradation.scale == 1:
        return frame
    return as_frame(degradation.visible(degradation.naive(as_tensor([frame])))[0])


def _sheet(seen: _Seen) -> bytes:
    rows = zip(LABELS, zip(*seen.columns, strict=True), strict=False)
    return strips([[Panel(label, picture) for picture in row] for label, row in rows])


def _slice(seen: _Seen) -> bytes:
    drawn = zip(LABELS, seen.rows, strict=False)
    return side_by_side([Panel(f"{label}, middle row over time", _as_picture(rows)) for label, rows in drawn])


def _as_picture(rows: list[Frame]) -> NDArray[np.uint16]:
    """Stack (W, C) rows, first on top, each as often as it takes to see it."""
    height = -(-SLICE_ROWS // len(rows))
    return np.repeat(np.stack(rows), height, axis=0)
