"""Clips in, clips out: every frame once, with its time, and everything else that the file carried.

Files are read and written by ffmpeg, which runs beside us; folders of numbered pictures by `pipcli.media`. Importing
this package loads neither numpy nor a codec.
"""

from pipcli.media.clips.clip import Chapter, Clip, Colour, FrameTimes, Stream
from pipcli.media.clips.containers import is_clip, kind_for, suffix_for
from pipcli.media.clips.early import check_clip, check_clip_output
from pipcli.media.clips.encoding import EncodingOptions, check_asked
from pipcli.media.clips.plan import DEINTERLACE, Plan
from pipcli.media.clips.probing import open_clip
from pipcli.media.clips.reading import read_frames
from pipcli.media.clips.trial import check_writing
from pipcli.media.clips.writing import ClipWriter

__all__ = [
    "DEINTERLACE",
    "Chapter",
    "Clip",
    "ClipWriter",
    "Colour",
    "EncodingOptions",
    "FrameTimes",
    "Plan",
    "Stream",
    "check_asked",
    "check_clip",
    "check_clip_output",
    "check_writing",
    "is_clip",
    "kind_for",
    "open_clip",
    "read_frames",
    "suffix_for",
]
