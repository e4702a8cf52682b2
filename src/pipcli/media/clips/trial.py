"""A trial of the output: a few frames are written with all options before the long work."""

from __future__ import annotations

import tempfile
from dataclasses import astuple, replace
from pathlib import Path

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip, Colour, FrameTimes, Kind, Stream, assumed_matrix
from pipcli.media.clips.containers import WRITERS, input_options, kind_for
from pipcli.media.clips.encoding import (
    USUAL,
    Encoder,
    EncodingOptions,
    encoder_options,
    encoders_for,
)
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat
from pipcli.media.clips.ffmpeg_arguments import TRIED_SECONDS
from pipcli.media.clips.folders import check_folder
from pipcli.media.clips.layouts import layout_for, lost_chroma
from pipcli.media.clips.plan import Plan
from pipcli.media.clips.planes import STEPS, offsets
from pipcli.media.clips.probing import open_clip
from pipcli.media.clips.reading import read_frames
from pipcli.media.clips.timebase import counted_times
from pipcli.media.clips.writing import Encoding, difference
from pipcli.media.publishing import check_output
from pipcli.media.sources import shown

_TRIED_FRAMES = 3
_OTHER_COLOURS = 0.06 * 65535  # on average; the coarsest coding leaves less of a smooth ramp
_PLAYED = ("yuv420p", "yuvj420p", "gray")
"""Layouts of H.264 that all players know; grey is coded as 4:2:0."""

_WITH_COVERS = ("mp4", "mkv")
_WIDE_ENOUGH = 32  # pixels for a ramp that the coarsest chroma follows
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


def _streams_that_fit(clip: Clip, kind: Kind) -> tuple[tuple[Stream, ...], tuple[str, ...]]:
    """The streams that the container takes, and sentences about the rest."""
    fitting, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = ffmpeg.file_url(Path(folder) / "tried")
        for stream in clip.streams:
            if stream.is_cover and kind not in _WITH_COVERS:
                notes.append(f"{kind} cannot hold {stream.name}, a cover, which is left out")
                continue
            if stream.type == "attachment" and kind != "mkv":  # WebM's writer drops it and says nothing
                notes.append(f"{kind} cannot hold {stream.name}, which is left out")
                continue
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
    if lost := lost_chroma(encoder, layout, clip):
        notes.append(lost)
    is_played = encoder.codec != "h264" or layout.name in _PLAYED or layout.name == clip.pixel_format
    if plan.kind in ("mp4", "mov") and not is_played:
        # H.264 in 4:2:0, which all of them play, wants even sides.
        odd = plan.width % 2 or plan.height % 2
        way = "--codec libvpx-vp9" if odd else "--pix-fmt yuv420p, with less colour resolution,"
        notes.append(
            f"h264 in {layout.name} is not played by QuickTime, browsers and phones: {way} is played by more of them"
        )
    if clip.codec not in ("", encoder.codec) and options.codec is None and not options.lossless:
        notes.append(f"the picture, which was {clip.codec}, is coded as {encoder.codec}")
    return replace(
        plan,
        times=counted_times(plan.times, plan.kind, encoder),
        encoder=encoder,
        layout=layout,
        colour=_written_colour(clip, layout, encoder, (plan.width, plan.height)),
        options=tuple(encoder_options(encoder, layout, plan.kind, options, steady=plan.times.rate is not None)),
        notes=tuple(notes),
    )


def _written_colour(clip: Clip, layout: PixelFormat, encoder: Encoder, size: tuple[int, int]) -> Colour:
    """The source's tags; the matrix is named where players may take another one than they take for the source.

    Args:
        clip: the source.
        layout: of the samples that are written.
        encoder: of the picture.
        size: (width, height) of a frame that is written.
    """
    colour = clip.colour
    if layout.is_rgb:
        return replace(colour, range="pc", matrix="gbr", siting=None)
    if layout.is_grey:
        limited = clip.channels == 1 and colour.range == "tv"
        return replace(colour, range="tv" if limited else "pc", matrix=None, siting=None)
    siting = colour.siting if layout.subsampling != "444" else None
    if encoder.codec == "mjpeg":
        # What JPEG means, whatever a container says.
        return replace(colour, range="pc", matrix="bt470bg", siting="center")
    full = "pc" if layout.name.startswith("yuvj") else None
    if clip.channels == 1 or colour.matrix == "gbr" or clip.kind == "folder":
        return replace(colour, range=full or "tv", matrix=assumed_matrix(size[1]), siting=siting)
    # Players differ in how they guess, but all go by the size: only the same size as it is coded is read the same.
    guessed_alike = size == (clip.coded_size or (clip.width, clip.height))
    matrix = colour.matrix if guessed_alike else clip.matrix
    return replace(colour, range=full or colour.range, matrix=matrix, siting=siting)


def _tried(plan: Plan) -> Plan:
    """The plan, with what a file of a few frames has shown to be lost.

    Raises:
        FfmpegFailure: such a file could not be written, or does not hold what was written into it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"tried.{plan.kind}"
        held = _trial(plan, path)
        lost = _lost_tags(plan.clip, held)
        if lost and {plan.kind, plan.clip.kind} <= {"mp4", "mov"}:
            plan = replace(plan, keeps_unusual_tags=True)
            held = _trial(plan, path)
            lost = _lost_tags(plan.clip, held)
    plan = _as_held(plan, held.colour)
    notes = [f"{plan.kind} cannot hold the tag {shown(name)}, which is left out" for name in lost]
    if plan.first_field not in (None, held.first_field):
        notes.append(
            f"{plan.kind} with {plan.encoder.name} cannot say that the clip is interlaced: players show both fields at "
            "once"
        )
    if held.pixel_aspect != plan.clip.pixel_aspect:
        notes.append(f"{plan.kind} with {plan.encoder.name} cannot hold pixels that are not square: it looks squeezed")
    if not _same_colour(held.colour, plan.colour):
        notes.append(f"{plan.kind} with {plan.encoder.name} cannot hold all colour tags: players may take others")
    return replace(plan, notes=(*plan.notes, *notes))


def _as_held(plan: Plan, held: Colour) -> Plan:
    """The plan with the range of samples and the place of chroma that a written file has, by its tags or its codec."""
    colour, steps = plan.colour, STEPS.get(plan.layout.subsampling, (1, 1))
    if offsets(held.siting, steps) != offsets(colour.siting, steps):
        colour = replace(colour, siting=held.siting)
    if colour.range == "pc" and held.range != "pc" and not (plan.layout.is_rgb or plan.layout.is_grey):
        colour = replace(colour, range="tv")
    return replace(plan, colour=colour)


def _lost_tags(clip: Clip, held: Clip) -> list[str]:
    """The names of a clip's tags whose text is not in another."""
    kept = {text for _, text in held.metadata}
    return [name for name, text in clip.metadata if text not in kept]


def _same_colour(held: Colour, wanted: Colour) -> bool:
    """Whether a file says all that it should; what is not said needs not be held."""
    alike = {"bt470bg": "smpte170m", "tv": None}  # the same matrix, and what no word means
    pairs = zip(astuple(replace(held, siting=None)), astuple(replace(wanted, siting=None)), strict=True)
    return all(want is None or alike.get(have, have) == alike.get(want, want) for have, want in pairs)


def _trial(plan: Plan, path: Path) -> Clip:
    """Write the first frames of a plan, all the same, and read them again.

    Raises:
        FfmpegFailure: they could not be written, are not all there, or are of other colours.
    """
    import numpy as np

    count = min(_TRIED_FRAMES, len(plan.times.ticks))
    short = replace(plan, times=replace(plan.times, ticks=plan.times.ticks[:count]))
    # Colours of very few pixels come back as those of their neighbours.
    shades = np.linspace(0.2, 0.8, plan.width) if plan.width >= _WIDE_ENOUGH else np.full(plan.width, 0.4)
    ramp = shades[:, None] * (1, -1, 0.3)[: plan.clip.channels]
    samples = np.broadcast_to(ramp % 1 * 65535, (plan.height, *ramp.shape)).astype(np.uint16)
    alpha = np.full(samples.shape[:2], 65535, np.uint16) if plan.carries_alpha else None
    with Encoding(short, path, tried=True) as encoding:
        for _ in range(count):
            encoding.write(samples, alpha)
        encoding.finish()
    try:
        held = open_clip(path, plan.place)
        wrong = difference(held.times, short)
        seen = next(read_frames(held))
    except UnusableInputError as error:
        raise FfmpegFailure(f"the file {str(error).removeprefix(shown(path)).strip()}") from error
    if wrong:
        raise FfmpegFailure(wrong)
    if held.channels >= plan.clip.channels and np.abs(seen.mean(axis=0) - samples.mean(axis=0)).mean() > _OTHER_COLOURS:
        raise FfmpegFailure(f"{plan.layout.name} in {plan.kind} comes back in other colours")
    return held
