"""A restored clip, frame by frame into a file that carries on what the source carried; whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from pipcli.errors import OutputRefusedError, PipRestoreError, UnusableInputError
from pipcli.media.clips import ffmpeg, nut
from pipcli.media.clips.alpha import alphas
from pipcli.media.clips.clip import Clip, Colour, FrameTimes, Kind, Stream, assumed_matrix
from pipcli.media.clips.command import TRIED_SECONDS, arguments, sent_layout, sent_samples, shift
from pipcli.media.clips.containers import WRITERS, kind_for
from pipcli.media.clips.counting import counted_times
from pipcli.media.clips.encoding import USUAL, Encoder, EncodingOptions, encoder_options, encoders_for, layout_for
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat, Process
from pipcli.media.clips.folders import FolderWriter, check_folder
from pipcli.media.clips.plan import Plan
from pipcli.media.clips.probing import aspect_of, frame_times, input_options, tags_of
from pipcli.media.publishing import check_output, hidden_beside, publish_file
from pipcli.media.sources import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRIED_FRAMES = 3
_WITH_CHAPTERS = ("mp4", "mov", "mkv", "webm")


def check_writing(
    clip: Clip,
    output: Path,
    size: tuple[int, int],
    times: FrameTimes,
    options: EncodingOptions | None = None,
    *,
    overwrite: bool,
) -> Plan:
    """Find out how a restored clip can be written, by writing a few frames; to be called before the work, not after.

    Args:
        clip: the source.
        output: a file whose suffix names the container, or without one a folder of pictures.
        size: (height, width) of the restored frames.
        times: of the restored frames; `clip.times` if they are those of the source.
        options: of the encoder.
        overwrite: whether a file that exists already may be replaced.

    Raises:
        OutputRefusedError: it could not be written so, or would lose something; the message says what would be right.
    """
    options = options or EncodingOptions()
    kind = kind_for(output)
    if kind == "folder":
        return check_folder(clip, output, size, times, options, overwrite=overwrite)
    check_output(output, clip.path, overwrite=overwrite)
    if not times.known:
        raise OutputRefusedError("a folder of pictures has no rate: add --fps, or choose a folder as output")
    streams, notes = _streams_that_fit(clip, kind)
    plan = Plan(clip, output, kind, *size, times, streams=streams, overwrite=overwrite, notes=notes)
    return _first_that_works(plan, options)


class ClipWriter:
    """Writes the frames of a plan, one after the other; a context, at whose end nothing is left unless it was finished.

    Args:
        plan: from `check_writing`.

    Raises:
        PipRestoreError: (also from its methods) it could not be written; the message names the reason.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._count = 0
        self._alphas = alphas(plan.clip, plan.times, plan.height, plan.width) if plan.carries_alpha else None
        self._writer = FolderWriter(plan) if plan.kind == "folder" else _FileWriter(plan)

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.abandon()
        if self._alphas is not None:
            self._alphas.close()

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
        self._writer.write(samples, None if self._alphas is None else next(self._alphas))
        self._count += 1

    def finish(self) -> None:
        """See that every frame is in the file, and give it its name."""
        if self._count < len(self._plan.times.ticks):
            raise ValueError(f"only {self._count} of {len(self._plan.times.ticks)} frames were written")
        self._writer.finish()


class _FileWriter:
    """A file under a hidden name, which ffmpeg writes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = hidden_beside(plan.output)
        self._encoding = _Encoding(plan, self._path)

    def write(self, samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None) -> None:
        try:
            self._encoding.write(samples, alpha)
        except FfmpegFailure as error:
            raise self._failure(error) from error

    def finish(self) -> None:
        try:
            self._encoding.finish()
            written = frame_times(self._path, self._plan.kind, self._plan.place)
        except (FfmpegFailure, UnusableInputError) as error:
            raise self._failure(error) from error
        wrong = _difference(written, self._plan)
        if wrong:
            raise self._failure(wrong)
        publish_file(self._plan.output, self._path, overwrite=self._plan.overwrite)

    def abandon(self) -> None:
        self._encoding.kill()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _failure(self, reason: object) -> PipRestoreError:
        return PipRestoreError(f"cannot write {shown(self._plan.output)}: {reason}")


class _Encoding:
    """One ffmpeg that codes frames from its standard input into a file."""

    def __init__(self, plan: Plan, path: Path, *, tried: bool = False) -> None:
        self._plan = plan
        self._process = Process(arguments(plan, path, tried=tried), source=True, sink=False)
        self._ticks = iter([tick + shift(plan) for tick in plan.times.ticks])
        self._head = nut.header(sent_layout(plan), plan.width, plan.height, plan.times.base, plan.times.rate)

    def write(self, samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None) -> None:
        data = sent_samples(samples, alpha, self._plan)
        head = self._head + nut.frame_header(next(self._ticks), data.nbytes)
        self._head = b""
        try:
            self._process.source.write(head)
            self._process.source.write(data.data)
        except BrokenPipeError:
            self._end()
            raise FfmpegFailure(f"ffmpeg ended too early: {self._process.reason}") from None

    def finish(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.source.close()
        self._end()

    def kill(self) -> None:
        self._process.kill()

    def _end(self) -> None:
        if self._process.wait():
            raise FfmpegFailure(self._process.reason)


def _streams_that_fit(clip: Clip, kind: Kind) -> tuple[tuple[Stream, ...], tuple[str, ...]]:
    """The streams that the container takes, and sentences about the rest."""
    fitting, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = ffmpeg.file_url(Path(folder) / "tried")
        for stream in clip.streams:
            line = ["-v", "level+error", "-t", TRIED_SECONDS, *input_options(clip.kind, clip.path)]
            line += ["-map", f"0:{stream.index}", "-c", "copy", "-copy_unknown", "-y", "-f", WRITERS[kind], path]
            try:
                ffmpeg.output_of(line)
                fitting.append(stream)
            except FfmpegFailure:
                notes.append(f"{kind} cannot hold {stream.name}, which is left out")
    if clip.chapters and kind not in _WITH_CHAPTERS:
        notes.append(f"{kind} cannot hold the {len(clip.chapters)} chapters, which are left out")
    return tuple(fitting), tuple(notes)


def _first_that_works(plan: Plan, options: EncodingOptions) -> Plan:
    failures: dict[str, str] = {}
    for encoder in encoders_for(plan.clip, plan.kind, options):
        try:
            return _tried(_completed(plan, encoder, options))
        except FfmpegFailure as error:
            reason = f"{encoder.name} cannot write {shown(plan.output)} so ({error}): choose other options"
        except OutputRefusedError as error:
            reason = str(error)
        failures.setdefault(encoder.codec, reason)
    usual = failures.get(USUAL[plan.kind], f"ffmpeg cannot write {plan.kind} here: choose another kind")
    raise OutputRefusedError(next(iter(failures.values())) if len(failures) == 1 else usual)


def _completed(plan: Plan, encoder: Encoder, options: EncodingOptions) -> Plan:
    clip = plan.clip
    layout = layout_for(encoder, clip, plan.width, plan.height, options)
    if clip.has_alpha and not layout.has_alpha:
        raise OutputRefusedError(
            f"{plan.kind} in {encoder.name} cannot hold the alpha of this clip: choose .webm, .mkv, .mov or a folder"
        )
    notes = list(plan.notes)
    if layout.depth < clip.bit_depth and layout.name != "pal8":
        notes.append(f"{encoder.name} holds {layout.depth} of the {clip.bit_depth} bits of a sample")
    if clip.codec not in ("", encoder.codec) and options.codec is None and not options.lossless:
        notes.append(f"the picture, which was {clip.codec}, is coded as {encoder.codec}")
    return replace(
        plan,
        times=counted_times(plan.times, plan.kind, encoder),
        encoder=encoder,
        layout=layout,
        colour=_written_colour(clip, layout, encoder, plan.height),
        options=tuple(encoder_options(encoder, layout, plan.kind, options, steady=plan.times.rate is not None)),
        notes=tuple(notes),
    )


def _written_colour(clip: Clip, layout: PixelFormat, encoder: Encoder, height: int) -> Colour:
    """The source's tags; the matrix is named where players would take another one than they take for the source."""
    colour = clip.colour
    if layout.is_rgb:
        return replace(colour, range="pc", matrix="gbr")
    if layout.is_grey:
        return replace(colour, range="tv" if clip.channels == 1 and colour.range == "tv" else "pc", matrix=None)
    full = "pc" if encoder.codec == "mjpeg" or layout.name.startswith("yuvj") else None
    if clip.channels == 1 or colour.matrix == "gbr" or clip.kind == "folder":
        return replace(colour, range=full or "tv", matrix=assumed_matrix(height))
    matrix = colour.matrix
    if matrix is None and assumed_matrix(height) != assumed_matrix(clip.height):
        matrix = assumed_matrix(clip.height)
    return replace(colour, range=full or colour.range, matrix=matrix)


def _tried(plan: Plan) -> Plan:
    """The plan, with what a file of a few frames has shown to be lost.

    Raises:
        FfmpegFailure: such a file could not be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tried"
        lost = _lost_tags(plan, path)
        if lost and {plan.kind, plan.clip.kind} <= {"mp4", "mov"}:
            plan = replace(plan, keeps_unusual_tags=True)
            lost = _lost_tags(plan, path)
        aspect = aspect_of(path, plan.kind, plan.place)
    notes = [f"{plan.kind} cannot hold the tag {shown(name)}, which is left out" for name in lost]
    if aspect != plan.clip.pixel_aspect:
        notes.append(
            f"{plan.kind} with {plan.encoder.name} cannot hold that pixels are not square: it will look squeezed"
        )
    return replace(plan, notes=(*plan.notes, *notes))


def _lost_tags(plan: Plan, path: Path) -> list[str]:
    """The names of the source's tags whose text is not in a trial."""
    _write_trial(plan, path)
    kept = {text for _, text in tags_of(path, plan.kind)}
    return [name for name, text in plan.clip.metadata if text not in kept]


def _write_trial(plan: Plan, path: Path) -> None:
    import numpy as np

    count = min(_TRIED_FRAMES, len(plan.times.ticks))
    ramp = np.linspace(0, 65535, plan.width).astype(np.uint16)[:, None]
    samples = np.broadcast_to(ramp, (plan.height, plan.width, plan.clip.channels))
    alpha = samples[:, :, 0] if plan.carries_alpha else None
    short = replace(plan, times=replace(plan.times, ticks=plan.times.ticks[:count]))
    encoding = _Encoding(short, path, tried=True)
    try:
        for _ in range(count):
            encoding.write(samples, alpha)
        encoding.finish()
        wrong = _difference(frame_times(path, plan.kind, plan.place), short)
    except UnusableInputError as error:
        raise FfmpegFailure(f"its result {error}") from error
    finally:
        encoding.kill()
    if wrong:
        raise FfmpegFailure(wrong)


def _difference(written: FrameTimes, plan: Plan) -> str:
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
