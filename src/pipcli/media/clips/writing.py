"""A restored clip, frame by frame into a file that carries on what the source carried; whole, or not at all."""

from __future__ import annotations

import contextlib
import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING

from pipcli.errors import PipRestoreError, UnusableInputError
from pipcli.media.clips import avi, nut
from pipcli.media.clips.alpha import alphas
from pipcli.media.clips.carrying import Source, keeps_samples, sources
from pipcli.media.clips.clip import FrameTimes
from pipcli.media.clips.ffmpeg import FfmpegFailure, Process
from pipcli.media.clips.ffmpeg_arguments import arguments, attached, converted, sent_layout, sent_samples, shift, starts
from pipcli.media.clips.folders import FolderWriter
from pipcli.media.clips.plan import Plan
from pipcli.media.clips.probing import times_in
from pipcli.media.clips.summary import first_packet
from pipcli.media.publishing import publish_file, refusals
from pipcli.media.sources import shown
from pipcli.media.unfinished import Held, hidden_beside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ClipWriter:
    """Writes the frames of a plan, one after the other; a context, at whose end nothing is left unless it was finished.

    Args:
        plan: from `check_writing`.
        workplace: the folder for what is unfinished, in the file system of the output; the output's own if None.

    Attributes:
        output: what the file or folder will be called.
        unfinished: where it lies until then.

    Raises:
        PipRestoreError: (also from its methods) it could not be written; the message names the reason.
    """

    def __init__(self, plan: Plan, *, workplace: Path | None = None) -> None:
        self._plan = plan
        self._count = 0
        self.output = plan.output
        self.unfinished = hidden_beside(plan.output if workplace is None else workplace / "unfinished")
        self._alphas = alphas(plan.clip, plan.times, plan.height, plan.width) if plan.carries_alpha else None
        self._sources = sources(plan) if keeps_samples(plan) else None
        self._writer = (
            FolderWriter(plan, self.unfinished) if plan.kind == "folder" else _FileWriter(plan, self.unfinished)
        )

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.abandon()
        for reading in (self._alphas, self._sources):
            if reading is not None:
                reading.close()

    def write(self, samples: NDArray[np.uint16]) -> None:
        """Write the next frame.

        Args:
            samples: (H, W, C) uint16 over the full range, of the plan's size and the source's channels.
        """
        expected = (self._plan.height, self._plan.width, self._plan.clip.channels)
        if samples.shape != expected or samples.dtype != "uint16":
            raise ValueError(f"expected uint16 samples of shape {expected}, not {samples.dtype} of {samples.shape}")
        if self._count == len(self._plan.times.ticks):
            raise ValueError(f"all {self._count} frames were written already")
        alpha = None if self._alphas is None else next(self._alphas)
        if isinstance(self._writer, FolderWriter):
            self._writer.write(samples, alpha)
        else:
            self._writer.write(samples, alpha, None if self._sources is None else next(self._sources))
        self._count += 1

    def complete(self) -> None:
        """See that every frame is in the file."""
        if self._count < len(self._plan.times.ticks):
            raise ValueError(f"only {self._count} of {len(self._plan.times.ticks)} frames were written")
        self._writer.complete()

    def publish(self, *, overwrite: bool | None = None) -> None:
        """Give the complete file its name.

        Args:
            overwrite: whether what exists already may be replaced; None leaves it to the plan.
        """
        self._writer.publish(overwrite=self._plan.overwrite if overwrite is None else overwrite)

    def finish(self) -> None:
        """Complete the file, and give it its name."""
        self.complete()
        self.publish()


class _FileWriter:
    """A file under a hidden name, which ffmpeg writes."""

    def __init__(self, plan: Plan, path: Path) -> None:
        self._plan = plan
        self._path = path
        with refusals(plan.output):
            # What is replaced may be for few eyes. ffmpeg writes into the file that is there.
            self._held = Held(path, 0o600 if plan.output.exists() else 0o666)
        self._encoding = Encoding(plan, self._path)

    def write(self, samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None, source: Source | None) -> None:
        try:
            self._encoding.write(samples, alpha, source)
        except FfmpegFailure as error:
            raise self._failure(error) from error

    def complete(self) -> None:
        try:
            self._encoding.finish()
            written = times_in(self._path, self._plan.place)
        except (FfmpegFailure, UnusableInputError) as error:
            raise self._failure(error) from error
        wrong = difference(written, self._plan)
        if wrong:
            raise self._failure(wrong)

    def publish(self, *, overwrite: bool) -> None:
        publish_file(self._plan.output, self._path, overwrite=overwrite)

    def abandon(self) -> None:
        self._encoding.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self._held.let_go()

    def _failure(self, reason: object) -> PipRestoreError:
        return PipRestoreError(f"cannot write {shown(self._plan.output)}: {reason}")


class Encoding:
    """One ffmpeg that codes frames from its standard input into a file; a context, which ends it.

    Args:
        plan: for a file.
        path: what is written.
        tried: only the beginning of the other streams is wanted.

    Raises:
        FfmpegFailure: (from its methods) it could not be written.
    """

    def __init__(self, plan: Plan, path: Path, *, tried: bool = False) -> None:
        self._plan = plan
        self._path = path
        self._covers = ExitStack()
        covers = self._written_covers() if attached(plan) else []
        self._process = Process(arguments(plan, path, covers, tried=tried), source=True, sink=False)
        self._ticks = iter([tick + shift(plan) for tick in plan.times.ticks])
        self._head = nut.header(sent_layout(plan), plan.width, plan.height, plan.times.base, plan.times.rate)

    def __enter__(self) -> Encoding:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._covers.close()

    def write(
        self, samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None, source: Source | None = None
    ) -> None:
        """Code the next frame.

        Args:
            samples: (H, W, C) uint16 over the full range.
            alpha: (H, W) likewise; None where the file has none.
            source: the frame of the source, whose samples stay where the picture is that of the source.
        """
        planes = converted(samples, self._plan) if source is None else source.kept_in(samples, self._plan)
        data = sent_samples(planes, alpha, self._plan)
        head = self._head + nut.frame_header(next(self._ticks), len(data))
        self._head = b""
        try:
            self._process.source.write(head)
            self._process.source.write(data)
        except BrokenPipeError:
            self._end()
            raise FfmpegFailure(f"ffmpeg ended too early: {self._process.reason}") from None

    def finish(self) -> None:
        """Code what is left, and close the file."""
        with contextlib.suppress(BrokenPipeError):
            self._process.source.close()
        self._end()
        if self._plan.kind == "avi":
            avi.set_starts(self._path, starts(self._plan))

    def _written_covers(self) -> list[Path]:
        """The files of the covers that are attached, in a folder that lives as long as this."""
        folder = Path(self._covers.enter_context(TemporaryDirectory()))
        clip, paths = self._plan.clip, []
        for stream in attached(self._plan):
            paths.append(folder / str(stream.index))
            paths[-1].write_bytes(first_packet(clip.path, clip.kind, stream.index))
        return paths

    def _end(self) -> None:
        if self._process.wait():
            raise FfmpegFailure(self._process.reason)


def difference(written: FrameTimes, plan: Plan) -> str:
    """What is wrong with the frames of a written file; nothing if they are those that were planned."""
    times = plan.times
    if len(written.ticks) != len(times.ticks):
        return f"the file holds {len(written.ticks)} of {len(times.ticks)} frames, {plan.encoder.name} lost the rest"
    allowed = written.base if written.base != times.base else 0
    for index, (got, wanted) in enumerate(zip(written.ticks, times.ticks, strict=True)):
        off = (got - written.ticks[0]) * written.base - (wanted - times.ticks[0]) * times.base
        if abs(off) > allowed:
            return f"frame {index} would be shown {float(abs(off)):.4f} s off its time"
    return ""
