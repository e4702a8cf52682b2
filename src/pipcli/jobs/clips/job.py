"""The job of one clip: its windows, from the file to the folder of finished windows."""

import io
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipcli.console import Place
from pipcli.errors import PipRestoreError
from pipcli.fit.device import return_freed_memory
from pipcli.jobs.clips.files import ClipFiles
from pipcli.jobs.clips.last_look import looked_over
from pipcli.jobs.clips.pieces import Piece
from pipcli.jobs.clips.plan import ClipPlan
from pipcli.jobs.clips.reading import Frame, FrameFeed, MaskFeed, as_frame, as_tensor
from pipcli.jobs.clips.windows import FrameWindow
from pipcli.jobs.fit_state import FitKeeper, loaded
from pipcli.jobs.watching import JobWatch
from pipcli.media import Photo, encode, shown
from pipcli.restoration.frame_networks import UnusableWarmStateError
from pipcli.restoration.solution import Outcome
from pipcli.restoration.window import ClipContext, Restored, Restoring, WindowInput, WindowReport
from pipcli.tasks.timeline import apart_at

# Of a kept window: what its frames take as they are, and as much again for the heads of each and for its facts.
OVERHEAD_SHARE, OVERHEAD_BYTES = 1.1, 1 << 16


class ClipJob:
    """A clip whose windows are restored one after the other, and what is kept of them."""

    def __init__(
        self,
        plan: ClipPlan,
        files: ClipFiles,
        context: ClipContext,
        restoring: Restoring,
        windows: Sequence[FrameWindow],
        watch: JobWatch,
    ) -> None:
        """Look up which windows are there.

        Args:
            plan: what the user asked for.
            files: of the clip.
            context: with what its windows are restored.
            restoring: how.
            windows: that cover it, in order.
            watch: knows the folder for what is finished, and ends the work between two windows, and within one
                when its state is kept.
        """
        self.files = files
        self.plan = plan
        self.overwrite = plan.photo.overwrite
        self.context = context
        self.restoring = restoring
        self.windows = windows
        self.kept = watch.folder
        self.interruption = watch.interruption
        self.reporter = watch.reporter
        cuts = [window.start for window in windows[1:] if window.opens_scene]
        self.positions = apart_at(files.moments.positions, cuts)
        self._outputs = _outputs_of(windows, self.positions)
        self._facts: dict[int, WindowReport] = {}
        self._to_do = self._still_to_do()

    @property
    def finished_before(self) -> int:
        """How many windows an earlier run has left."""
        return len(self.windows) - len(self._to_do)

    def restore(self) -> None:
        """Restore the windows that are not there yet, and keep each when it is finished.

        Raises:
            EndedAtOnceError: a signal came; what is finished is kept.
        """
        began, done = time.perf_counter(), 0
        with ExitStack() as stack:
            feed = stack.enter_context(FrameFeed(self.files.clip))
            mask = None
            if self.files.mask is not None:
                mask = stack.enter_context(MaskFeed(self.files.mask, inverted=self.plan.photo.task.clips.inverted_mask))
            for window in self.windows:
                if window.number not in self._to_do:
                    continue
                self.interruption.end_keeping()
                self.files.unchanged.check()
                self.reporter.at(
                    Place(
                        window=window.number + 1,
                        windows=len(self.windows),
                        kept=self.finished_before,
                        done=done,
                        first=window.start + 1,
                        last=window.stop,
                        frames=self.files.clip.frame_count,
                        began=began,
                    )
                )
                self._keep(window, self._restored(window, feed, mask))
                return_freed_memory()
                done += 1
        self.reporter.close()

    def leave_the_rest(self) -> None:
        """Give the frames of the windows that are not restored as they were, at the size of the result."""
        degradation = self.context.degradation
        with FrameFeed(self.files.clip) as feed:
            for window in self.windows:
                if window.number in self._facts or window.number not in self._to_do:
                    continue
                naive = degradation.visible(degradation.naive(as_tensor(feed.frames(window.start, window.stop))))
                outputs = self._outputs[window.number]
                places = [round(self.positions[number] - window.start) for number in outputs]
                self._keep(window, Restored(naive[places], WindowReport(Outcome.INTERRUPTED.name)))

    def facts(self) -> list[WindowReport]:
        """Return how each window came about."""
        return [self._facts_of(window) for window in self.windows]

    def frames(self) -> Iterator[Frame]:
        """Yield all frames of the result, in order; where windows overlap, they fade into each other."""
        held: deque[tuple[FrameWindow, Piece]] = deque()
        coming = deque(self.windows)
        for number, position in enumerate(self.positions):
            while coming and coming[0].start <= position:
                window = coming.popleft()
                held.append((window, self._piece(window)))
            while position > held[0][0].stop - 1:
                held.popleft()
            yield _faded(
                [(window.weight(float(position)), self._frame(window, piece, number)) for window, piece in held]
            )

    @property
    def _shape(self) -> tuple[int, int, int]:
        """Of a frame of the result."""
        return (self.files.height, self.files.width, self.files.clip.channels)

    def _frame(self, window: FrameWindow, piece: Piece, number: int) -> Frame:
        try:
            return piece.frame(number, self._shape)
        except ValueError as error:
            raise self.kept.unusable(piece_name(window)) from error

    def _facts_of(self, window: FrameWindow) -> WindowReport:
        """Return how a finished window came about; what another run has left is read once."""
        if window.number not in self._facts:
            self._facts[window.number] = self._piece(window).facts
        return self._facts[window.number]

    def _piece(self, window: FrameWindow) -> Piece:
        outputs = self._outputs[window.number]
        height, width, channels = self._shape
        raw = len(outputs) * (height * (2 * width * channels + 1) + OVERHEAD_BYTES) + OVERHEAD_BYTES
        data = self.kept.load(piece_name(window), round(OVERHEAD_SHARE * raw))
        if data is None:
            raise PipRestoreError(
                f"{piece_name(window)} in {shown(self.kept.folder)} was damaged after it was made: run the same "
                "command again"
            )
        try:
            return Piece.read(data, outputs)
        except ValueError as error:
            raise self.kept.unusable(piece_name(window)) from error

    def _still_to_do(self) -> set[int]:
        """Return the windows that are not there, or damaged, and those before them that they must begin from."""
        wanted: set[int] = set()
        for window in reversed(self.windows):
            after = window.number + 1
            is_begun_from = (
                after in wanted
                and self.restoring.leaves_warm
                and not self.windows[after].opens_scene
                and not self.kept.is_sound(warm_name(window))
            )
            if is_begun_from or not self._is_there(window):
                wanted.add(window.number)
        return wanted

    def _is_there(self, window: FrameWindow) -> bool:
        """Return whether a finished window was left by another run, which is then looked at before any work."""
        if not self.kept.is_sound(piece_name(window)):
            return False
        self._facts_of(window)
        return True

    def _restored(self, window: FrameWindow, feed: FrameFeed, mask: MaskFeed | None) -> Restored:
        observation = as_tensor(feed.frames(window.start, window.stop))
        known = None if mask is None else mask.known(window.start, window.stop)
        if known is not None and bool(known.all()):
            known = None
        positions = [float(self.positions[number] - window.start) for number in self._outputs[window.number]]
        shown = WindowInput(observation, known, positions, self._warm(window))
        if self.files.mask is not None and known is None:
            return Restored(observation, WindowReport(Outcome.CLEAN.name))
        try:
            restored = self.restoring(shown, self._seconds(window), lambda layout: self._keeper(window, layout))
            return looked_over(self.plan.photo, observation, restored)
        except UnusableWarmStateError as error:
            raise self.kept.unusable(warm_name(self.windows[window.number - 1])) from error

    def _keeper(self, window: FrameWindow, layout: str) -> FitKeeper:
        return FitKeeper(
            self.kept,
            fit_prefix(window) + layout,
            self.interruption,
            lambda step: self.reporter.say(f"continuing from step {step} of window {window.number + 1}"),
        )

    def _seconds(self, window: FrameWindow) -> float | None:
        """Return this window's part of the time that is left."""
        limit = self.plan.photo.time_limit
        if limit is None:
            return None
        finished = [other for other in self.windows if other.number not in self._to_do or other.number < window.number]
        spent = sum(self._facts_of(other).seconds for other in finished)
        left = len(self.windows) - len(finished)
        return max(0.0, limit - spent) / max(1, left)

    def _warm(self, window: FrameWindow) -> Any | None:
        if window.opens_scene or not self.restoring.leaves_warm:
            return None
        name = warm_name(self.windows[window.number - 1])
        data = self.kept.load(name)
        if data is None:
            return None
        try:
            warm = loaded(data)
        except ValueError as error:
            raise self.kept.unusable(name) from error
        if warm.keys() != {"tile", "state"} or not isinstance(warm["state"], dict):
            raise self.kept.unusable(name)
        return warm

    def _keep(self, window: FrameWindow, restored: Restored) -> None:
        """Keep a finished window, and no longer what it began from."""
        frames = zip(self._outputs[window.number], restored.frames, strict=True)
        piece = Piece(restored.facts, {number: _encoded(picture) for number, picture in frames})
        files = {piece_name(window): piece.written()}
        if restored.warm is not None:
            buffer = io.BytesIO()
            torch.save(restored.warm, buffer)
            files[warm_name(window)] = buffer.getvalue()
        self.kept.save(files)
        self._facts[window.number] = restored.facts
        before = () if window.number == 0 else (warm_name(self.windows[window.number - 1]),)
        self.kept.forget([*before, *self.kept.names_with(f"fit-{fit_prefix(window)}")])


def _outputs_of(windows: Sequence[FrameWindow], positions: Sequence[Fraction]) -> list[range]:
    """Return, for each window, the frames of the result that lie within it; positions never fall."""
    return [range(bisect_left(positions, one.start), bisect_right(positions, one.stop - 1)) for one in windows]


def _faded(frames: Sequence[tuple[float, Frame]]) -> Frame:
    """Return the mean of some frames by their weights; of one, itself."""
    if len(frames) == 1:
        return frames[0][1]
    total = sum(weight * frame.astype(np.float64) for weight, frame in frames)
    mean: Frame = np.round(total / sum(weight for weight, _ in frames)).astype(np.uint16)
    return mean


def _encoded(picture: Tensor) -> bytes:
    return encode(Photo(as_frame(picture), "PNG"), "PNG")


def piece_name(window: FrameWindow) -> str:
    """Return the name of the file with a finished window."""
    return f"window-{window.number:05}.zip"


def warm_name(window: FrameWindow) -> str:
    """Return the name of the file from which the next window begins."""
    return f"window-{window.number:05}-warm.pt"


def fit_prefix(window: FrameWindow) -> str:
    """Return the beginning of the names of a window's fits."""
    return f"{window.number:05}-"
