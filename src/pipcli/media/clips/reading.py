"""The frames of a clip, one after the other, as full-range samples of 16 bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip
from pipcli.media.clips.colours import grey_format, grey_from_levels, to_rgb
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import Process
from pipcli.media.sources import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_frames(clip: Clip, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint16]]:
    """Decode frames [start, stop) of a clip, each exactly once and upright.

    Yields:
        (H, W, C) uint16 over the full range 0..65535, C as in the clip, without alpha. A new array each.

    Raises:
        UnusableInputError: the file has changed, or a frame of it cannot be read.
        ValueError: there are no such frames.
    """
    stop = clip.frame_count if stop is None else stop
    if not 0 <= start <= stop <= clip.frame_count:
        raise ValueError(f"frames {start} to {stop} are not in a clip of {clip.frame_count}")
    if clip.kind == "folder":
        from pipcli.media.clips.folders import read_pictures

        return read_pictures(clip, start, stop)
    return _read_file(clip, start, stop)


def _read_file(clip: Clip, start: int, stop: int) -> Iterator[NDArray[np.uint16]]:
    layout = ffmpeg.pixel_formats()[clip.pixel_format]
    if clip.channels == 1:
        wanted = grey_format(clip.bit_depth)
        for levels in decoded(clip, start, stop, [f"format={wanted}"], wanted, 1):
            yield grey_from_levels(levels, clip.bit_depth, clip.colour)
    else:
        filters = to_rgb(layout, clip.colour, clip.width, clip.height)
        yield from decoded(clip, start, stop, filters, "rgb48le", 3)


def decoded(
    clip: Clip, start: int, stop: int, filters: Sequence[str], wanted: str, channels: int
) -> Iterator[NDArray[np.uint16]]:
    """Frames [start, stop) of a file, through filters.

    Args:
        clip: of a file.
        start: the first frame.
        stop: the one behind the last.
        filters: of ffmpeg.
        wanted: ffmpeg's name of the layout that comes out: of one byte a sample if it is "gray", else of two.
        channels: of that layout.

    Yields:
        (H, W, C) uint16, the levels as they come out. A new array each.

    Raises:
        UnusableInputError: a frame is missing.
    """
    import numpy as np

    if start == stop:
        return
    dtype = np.dtype("u1" if wanted == "gray" else "<u2")
    shape = (clip.height, clip.width, channels)
    size = dtype.itemsize * clip.height * clip.width * channels
    # Frames before the first are decoded and let go: a jump in the file would land where its index says, not exactly.
    before = [f"select=gte(n\\,{start})"] if start else []
    arguments = ["-v", "level+warning", "-copyts", *clip.decoder, *input_options(clip.kind, clip.path)]
    arguments += ["-map", f"0:{clip.index}", "-fps_mode", "passthrough", "-vf", ",".join([*before, *filters])]
    arguments += ["-frames:v", str(stop - start), "-pix_fmt", wanted, "-f", "rawvideo", "-"]
    with Process(arguments) as process:
        for index in range(start, stop):
            data = process.sink.read(size)
            if len(data) < size:
                process.wait()
                raise UnusableInputError(
                    f"{shown(clip.path)} gave {index} of its {clip.frame_count} frames and no more "
                    f"({process.reason}): it must not change during the work"
                )
            yield np.frombuffer(data, dtype).reshape(shape).astype(np.uint16)
