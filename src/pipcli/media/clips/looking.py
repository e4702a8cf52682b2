"""How the first frames of a clip's picture look, as PyAV decodes them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipcli.media.clips.clip import Colour
from pipcli.media.clips.tags import COLOUR_NAMES, SIDE_DATA_NAMES
from pipcli.media.clips.upright import turning_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

_LOOKED_AT = 12
"""Frames that are decoded to see how they look: enough for one group of B-frames and both halves of a telecine."""

_LOOKED_AT_PIXELS = 1 << 26
"""Of very large frames fewer are decoded: together hardly more than so many pixels."""


@dataclass(frozen=True)
class Look:
    """How the first frames of a picture look.

    Args:
        pixel_format: ffmpeg's name of the layout of samples; "" if no frame could be decoded.
        colour: the tags.
        interlaced: some frame is of two fields.
        side_data: names of what the frames carry beside their samples.
        turning: ffmpeg's filters that turn a frame upright.
    """

    pixel_format: str = ""
    colour: Colour = field(default_factory=Colour)
    interlaced: bool = False
    side_data: tuple[str, ...] = ()
    turning: tuple[str, ...] = ()


def look_at(container: InputContainer, index: int, most: int, *, has_alpha: bool) -> Look:
    """Decode the first frames of a stream, of which only what they look like is kept.

    Args:
        container: just opened.
        index: of the stream.
        most: pixels of a frame.
        has_alpha: VP8 or VP9 has alpha beside the picture, where this decoder does not look.
    """
    picture: Any = container.streams[index]
    picture.codec_context.options = {"max_pixels": str(most)}
    look, pixels = Look(), 0
    for frame in islice(_frames(container, picture), _LOOKED_AT):
        look, pixels = _with_frame(look, frame), pixels + frame.width * frame.height
        if pixels > _LOOKED_AT_PIXELS:
            break
    if look.pixel_format and has_alpha:
        return replace(look, pixel_format="yuva420p")  # the only layout with alpha that these decoders have
    return look


def _frames(container: InputContainer, picture: Any) -> Iterator[VideoFrame]:
    """Decode a stream as far as it goes."""
    import av

    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(picture):
            with contextlib.suppress(av.FFmpegError):  # a damaged frame; the next may be sound
                yield from picture.decode(packet)


def _with_frame(look: Look, frame: VideoFrame) -> Look:
    return Look(
        look.pixel_format or frame.format.name,
        look.colour if look.pixel_format else _colour(frame),
        look.interlaced or frame.interlaced_frame,
        tuple(sorted({*look.side_data, *_side_data(frame)})),
        look.turning if look.pixel_format else turning_of(frame),
    )


def _side_data(frame: VideoFrame) -> Iterator[str]:
    with contextlib.suppress(ValueError):  # a kind that PyAV has no name for
        kinds: Any = frame.side_data  # a mapping by its base class, but its iterator gives the values
        for one in kinds:
            if one.type.name in SIDE_DATA_NAMES:
                yield SIDE_DATA_NAMES[one.type.name]


def _colour(frame: VideoFrame) -> Colour:
    values = (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)
    return Colour(*(names.get(value) for names, value in zip(COLOUR_NAMES, values, strict=True)))
