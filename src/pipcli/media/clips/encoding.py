"""How the picture is coded: by the encoder that is most like the source's, and with what quality."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipcli.errors import OutputRefusedError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.asked import check_option, options_of
from pipcli.media.clips.clip import Clip, Kind
from pipcli.media.clips.ffmpeg import PixelFormat


@dataclass(frozen=True)
class EncodingOptions:
    """What the user wants of the written file; None and empty leave it to the source.

    Args:
        codec: the name of an encoder of ffmpeg, such as "libx264", or of a codec, such as "h264".
        crf: the encoder's scale of quality, lower is better.
        preset: the encoder's scale of patience.
        pix_fmt: ffmpeg's name of a layout of samples.
        extra: (name, value) of further options of the encoder.
        lossless: nothing but the rounding to the depth of the samples is lost.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    lossless: bool = False


class Encoder(NamedTuple):
    """An encoder of ffmpeg.

    Args:
        name: ffmpeg's.
        codec: what a file with its result is said to be coded in.
        quality: options for a result that cannot be told from the original by eye.
        lossless: options for a result without loss; None if it has none.
        always: options that it gets in any case.
    """

    name: str
    codec: str
    quality: tuple[str, ...] = ()
    lossless: tuple[str, ...] | None = ()
    always: tuple[str, ...] = ()


ENCODERS = (
    Encoder("libx264", "h264", ("crf", "16"), ("qp", "0")),
    Encoder("libx264rgb", "h264", ("crf", "16"), ("qp", "0")),
    Encoder("libx265", "hevc", ("crf", "18"), ("x265-params", "lossless=1")),
    Encoder("libvpx-vp9", "vp9", ("crf", "18", "b", "0"), ("lossless", "1"), ("row-mt", "1")),
    Encoder("libvpx", "vp8", ("crf", "4", "b", "100M"), None),
    Encoder("libsvtav1", "av1", ("crf", "18"), None),
    Encoder("libaom-av1", "av1", ("crf", "15", "b", "0"), ("aom-params", "lossless=1"), ("cpu-used", "4")),
    Encoder("prores_ks", "prores", ("profile", "hq"), None),
    Encoder("mjpeg", "mjpeg", ("q", "2"), None),
    Encoder("mpeg4", "mpeg4", ("q", "2"), None),
    Encoder("ffv1", "ffv1", always=("level", "3")),
    Encoder("huffyuv", "huffyuv"),
    Encoder("utvideo", "utvideo"),
    Encoder("png", "png"),
    Encoder("qtrle", "qtrle"),
    Encoder("rawvideo", "rawvideo"),
    Encoder("gif", "gif", lossless=None),
)
USUAL: dict[Kind, str] = {"mp4": "h264", "mov": "h264", "mkv": "h264", "webm": "vp9", "avi": "h264", "gif": "gif"}
"""The codec of a container whose source's codec it cannot hold."""

_LOSSLESS: dict[Kind, tuple[str, ...]] = {
    "mp4": ("libx264rgb", "libx265"),
    "mov": ("png",),
    "mkv": ("ffv1",),
    "webm": ("libvpx-vp9",),
    "avi": ("ffv1",),
}
_WITH_ALPHA: dict[Kind, str] = {"mov": "prores", "mkv": "ffv1", "webm": "vp9", "gif": "gif"}
_PLAYED: dict[Kind, tuple[str, ...]] = {  # what players expect in a container; ffmpeg writes more
    "mp4": ("h264", "hevc", "av1", "vp9", "mpeg4"),
    "mov": ("h264", "hevc", "prores", "mjpeg", "mpeg4", "png", "qtrle"),
    "webm": ("vp8", "vp9", "av1"),
    "avi": ("h264", "mpeg4", "mjpeg", "ffv1", "huffyuv", "utvideo", "png", "rawvideo"),
    "gif": ("gif",),
}
_QUALITY_OPTIONS = {"b", "crf", "q", "qp", "cq", "global_quality", "profile", "lossless"}


def check_asked(options: EncodingOptions) -> None:
    """Refuse an encoder that there is not, and options that none of those that may be taken has.

    Raises:
        OutputRefusedError: there is one; the message names it.
    """
    encoders = ENCODERS if options.codec is None else _named(options.codec)
    for name, value in options.extra:
        refusals = []
        for encoder in encoders:
            try:
                check_option(encoder.name, name, value)
                break
            except OutputRefusedError as error:
                refusals.append(error)
        else:
            raise refusals[0]


def encoders_for(clip: Clip, kind: Kind, options: EncodingOptions) -> tuple[Encoder, ...]:
    """The encoders to try, the best first; one alone where the user named it.

    Raises:
        OutputRefusedError: there is no encoder of this name, or none without loss.
    """
    if options.codec is not None:
        return _named(options.codec)
    if options.lossless:
        if kind not in _LOSSLESS:
            raise OutputRefusedError(f"{kind} cannot hold a picture without loss: choose .mkv or a folder of pictures")
        found = [encoder for name in _LOSSLESS[kind] for encoder in _named(name)]
        return tuple(sorted(found, key=lambda encoder: max(0, clip.bit_depth - _deepest(encoder.name))))
    wanted = [clip.codec] if clip.codec in _PLAYED.get(kind, (clip.codec,)) else []
    wanted += [_WITH_ALPHA[kind]] if clip.has_alpha and kind in _WITH_ALPHA else [USUAL[kind]]
    found = [encoder for codec in wanted for encoder in _of_codec(codec, clip) if ffmpeg.encoder_help(encoder.name)]
    return tuple(dict.fromkeys(found))


def encoder_options(
    encoder: Encoder, layout: PixelFormat, kind: Kind, options: EncodingOptions, *, steady: bool
) -> Iterator[tuple[str, str]]:
    """(name, value) of all options that the encoder gets, each of which it has.

    Args:
        encoder: of the picture.
        layout: of samples.
        kind: of container.
        options: of the user.
        steady: all frames are shown equally long.

    Raises:
        OutputRefusedError: it has no such option.
    """
    if options.lossless and encoder.lossless is None:
        raise OutputRefusedError(f"{encoder.name} cannot code without loss: choose another codec")
    asked = {name for name, _ in options.extra} | ({"crf"} if options.crf is not None else set())
    quality = encoder.lossless if options.lossless else () if asked & _QUALITY_OPTIONS else encoder.quality
    if encoder.name == "prores_ks" and quality and (layout.has_alpha or layout.subsampling == "444"):
        quality = ("profile", "4444")
    chosen = (*encoder.always, *(quality or ()))
    named = dict(zip(chosen[::2], chosen[1::2], strict=True))
    if encoder.codec in ("h264", "hevc") and (kind == "avi" or not steady):
        # AVI knows a frame's time by its place alone, MP4 how long a frame lasts by the next one in coding order.
        named["bf"] = "0"
    if encoder.name == "libvpx" and layout.has_alpha:
        named["auto-alt-ref"] = "0"  # with which it refuses alpha
    if options.crf is not None:
        named["crf"] = f"{options.crf:g}"
        named |= {"b": "0"} if encoder.name in ("libvpx-vp9", "libaom-av1") else {}
    if options.preset is not None:
        named["preset"] = options.preset
    for name, value in options.extra:
        check_option(encoder.name, name, value)
    named |= dict(options.extra)
    for name in named:
        if name not in options_of(encoder.name):
            raise OutputRefusedError(
                f"{encoder.name} has no option {name!a}: ffmpeg -h encoder={encoder.name} lists them"
            )
    yield from named.items()


def _of_codec(codec: str, clip: Clip) -> list[Encoder]:
    """The encoders of a codec; those of RGB come first if the source is coded so."""
    found = [encoder for encoder in ENCODERS if encoder.codec == codec]
    source = ffmpeg.pixel_formats().get(clip.pixel_format)
    as_rgb = source is not None and source.is_rgb and codec == clip.codec
    return sorted(found, key=lambda encoder: as_rgb and not any(layout.is_rgb for layout in layouts(encoder.name)))


def _named(name: str) -> tuple[Encoder, ...]:
    """The encoders of a name, which may be that of a codec."""
    found = [one for one in ENCODERS if name in (one.name, one.codec) and ffmpeg.encoder_help(one.name)]
    if found:
        return tuple(found)
    text = ffmpeg.encoder_help(name)
    if not text or "Supported sample" in text:
        raise OutputRefusedError(f"ffmpeg has no encoder {name!a} for pictures: choose one such as libx264 or ffv1")
    return (Encoder(name, name, lossless=None),)


def _deepest(encoder: str) -> int:
    return max((layout.depth for layout in layouts(encoder)), default=16)


def layouts(encoder: str) -> list[PixelFormat]:
    """The layouts of samples that an encoder takes."""
    known = ffmpeg.pixel_formats()
    return [known[name] for name in supported(encoder) if name in known]


@functools.cache
def supported(encoder: str) -> tuple[str, ...]:
    """ffmpeg's names of the layouts that an encoder takes; nothing if it does not say."""
    found = re.search(r"Supported pixel formats: ([\w ]+)", ffmpeg.encoder_help(encoder))
    return tuple(found[1].split()) if found else ()
