"""The record of a clip: how its frames look, when each is shown, and what its file holds beside them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["mp4", "mov", "mkv", "webm", "avi", "gif", "folder"]
StreamType: TypeAlias = Literal["video", "audio", "subtitle", "data", "attachment"]
FieldName: TypeAlias = Literal["top", "bottom"]

LINES_OF_BT709 = 720
"""Where a file does not say by which matrix its colours were coded, players take BT.709 from this height on."""


@dataclass(frozen=True)
class FrameTimes:
    """When each frame is shown, exactly.

    Args:
        ticks: the start of each frame, in units of the base; strictly rising, the first need not be 0.
        base: seconds a tick lasts.
        last: ticks for which the last frame is shown.
        rate: frames a second where that is one number for all, None where the rate varies.
        known: False for a folder of pictures, where nobody has said how long a frame lasts.
    """

    ticks: tuple[int, ...]
    base: Fraction
    last: int
    rate: Fraction | None = None
    known: bool = True

    @staticmethod
    def at_rate(rate: Fraction, count: int) -> FrameTimes:
        """The times of frames that are shown equally long, from 0 on."""
        return FrameTimes(tuple(range(count)), 1 / rate, 1, rate)

    @property
    def duration(self) -> Fraction:
        """Seconds from the start of the first frame to the end of the last."""
        return (self.ticks[-1] + self.last - self.ticks[0]) * self.base


@dataclass(frozen=True)
class Colour:
    """How samples stand for colours, in ffmpeg's names; None is what the file does not say.

    Args:
        range: "tv" (limited) or "pc" (full).
        matrix: from RGB to luma and chroma, "gbr" for none.
        primaries: the colours of red, green and blue.
        transfer: from light to numbers.
        siting: where samples of chroma are that several pixels share: "left", "center", "topleft", "top",
            "bottomleft" or "bottom".
    """

    range: str | None = None
    matrix: str | None = None
    primaries: str | None = None
    transfer: str | None = None
    siting: str | None = None


@dataclass(frozen=True)
class Stream:
    """One stream beside the picture.

    Args:
        index: its place in the file.
        type: what is in it.
        codec: ffmpeg's name for its coding.
        language: as the file says, None if it does not.
        disposition: what it is for, in ffmpeg's names, such as "default" or "attached_pic".
        metadata: (name, text) of this stream.
        start: of its first packet in seconds; None where it has none.
    """

    index: int
    type: StreamType
    codec: str
    language: str | None = None
    disposition: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    start: Fraction | None = None

    @property
    def name(self) -> str:
        """What to call it in messages."""
        language = f", {self.language}" if self.language else ""
        return f"{self.type} stream {self.index} ({self.codec}{language})"

    @property
    def is_cover(self) -> bool:
        """Whether it is a still picture that stands for the clip."""
        return "attached_pic" in self.disposition


@dataclass(frozen=True)
class Chapter:
    """A named part of a clip, from start to end in seconds."""

    start: Fraction
    end: Fraction
    title: str = ""


@dataclass(frozen=True)
class Clip:
    """A clip that can be read frame by frame.

    Args:
        path: the file, or the folder of numbered pictures.
        kind: of what container.
        width: pixels of a frame as it stands upright.
        height: likewise.
        times: of each frame.
        codec: ffmpeg's name for the picture's coding; "" for a folder.
        pixel_format: ffmpeg's name; "" for a folder.
        bit_depth: of a sample in the file, 8 to 16.
        channels: 1 grey or 3 colour.
        has_alpha: some pixel of some frame is not opaque.
        pixel_aspect: width of a pixel divided by its height.
        colour: what the file says about it.
        coded_size: (width, height) of a frame before it was turned upright; None if it is coded so.
        turning: ffmpeg's filters that turn a coded frame upright.
        index: the place of the picture's stream in the file.
        decoder: options that ffmpeg needs to decode all of it.
        disposition: what the picture's stream is for, in ffmpeg's names.
        first_field: "top" or "bottom" where frames are of two fields, the one that is shown first; None where they
            are not.
        streams: those beside the picture.
        chapters: in order of time.
        metadata: (name, text) of the file as a whole.
        loops: of a GIF: how often it is played, 0 for ever; None if the file does not say.
        pictures: the files of a folder, in order.
        notes: sentences for the user about how the file was understood.
    """

    path: Path
    kind: Kind
    width: int
    height: int
    times: FrameTimes
    codec: str = ""
    pixel_format: str = ""
    bit_depth: int = 8
    channels: int = 3
    has_alpha: bool = False
    pixel_aspect: Fraction = Fraction(1)
    colour: Colour = Colour()
    coded_size: tuple[int, int] | None = None
    turning: tuple[str, ...] = ()
    index: int = 0
    decoder: tuple[str, ...] = ()
    disposition: tuple[str, ...] = ()
    first_field: FieldName | None = None
    streams: tuple[Stream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    loops: int | None = None
    pictures: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        return len(self.times.ticks)

    @property
    def rate(self) -> Fraction | None:
        """Frames a second where that is one number for all; None where the rate varies or nobody has said it."""
        return self.times.rate

    @property
    def matrix(self) -> str:
        """The matrix by which its colours are read, said by the file or not: players go by the size as coded."""
        return self.colour.matrix or assumed_matrix(self.coded_size[1] if self.coded_size else self.height)


def assumed_matrix(height: int) -> str:
    """The matrix that players take for a picture of so many lines whose file does not say one."""
    return "bt709" if height >= LINES_OF_BT709 else "smpte170m"
