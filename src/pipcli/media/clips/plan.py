"""What is decided about a written clip before the work begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipcli.media.clips.clip import Clip, Colour, FieldName, FrameTimes, Kind, Stream, assumed_matrix
from pipcli.media.clips.encoding import Encoder
from pipcli.media.clips.ffmpeg import PixelFormat
from pipcli.media.clips.upright import is_on_its_side

NO_ENCODER = Encoder("", "")
DEINTERLACE = "the clip is interlaced, and its two fields are of different times: deinterlace it first"
NO_LAYOUT = PixelFormat("", 0, 0)


@dataclass(frozen=True)
class Plan:
    """How a restored clip will be written; made by `check_writing`, used by `ClipWriter`.

    Args:
        clip: the source.
        output: the file, or the folder.
        kind: of container.
        height: of a frame, in pixels.
        width: of a frame.
        times: of the frames, as the container counts them.
        encoder: of the picture; a folder has none.
        layout: of samples; a folder has none.
        colour: the tags to write, by which the samples are converted.
        options: (name, value) for the encoder.
        streams: those beside the picture that are copied.
        keeps_unusual_tags: of MP4 and MOV: tags are written in a way that takes any name.
        overwrite: whether a file that exists already may be replaced.
        notes: sentences for the user about what cannot be carried along.
    """

    clip: Clip
    output: Path
    kind: Kind
    height: int
    width: int
    times: FrameTimes
    encoder: Encoder = NO_ENCODER
    layout: PixelFormat = NO_LAYOUT
    colour: Colour = field(default_factory=Colour)
    options: tuple[tuple[str, str], ...] = ()
    streams: tuple[Stream, ...] = ()
    keeps_unusual_tags: bool = False
    overwrite: bool = False
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> int:
        """The place of the picture among the streams of the output."""
        return sum(
            stream.index < self.clip.index and not (stream.is_cover and self.kind == "mkv") for stream in self.streams
        )

    @property
    def matrix(self) -> str:
        """The matrix by which colours become luma and chroma."""
        matrix = self.colour.matrix or self.clip.matrix
        return assumed_matrix(self.height) if matrix == "gbr" and not self.layout.is_rgb else matrix

    @property
    def first_field(self) -> FieldName | None:
        """The field that is shown first, where each frame still is the two fields of one frame of the source.

        More frames than the source has are at times that no field was taken at: they are written as progressive. Fewer
        are those of a trial.
        """
        made = len(self.times.ticks) > self.clip.frame_count
        return self.clip.first_field if self._keeps_lines and not made else None

    @property
    def keeps_fields(self) -> bool:
        """Whether the frames are those of the clip, line by line, so that each field keeps its place and its time."""
        return self._keeps_lines and len(self.times.ticks) == self.clip.frame_count

    @property
    def _keeps_lines(self) -> bool:
        return self.height == self.clip.height and not is_on_its_side(self.clip.turning)

    @property
    def carries_alpha(self) -> bool:
        return self.clip.has_alpha and (self.kind == "folder" or self.layout.has_alpha)
