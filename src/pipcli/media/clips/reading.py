"""Reading the frames of a clip in order, as full-range 16-bit samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipcli.errors import UnusableInputError
from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip
from pipcli.media.clips.colours import to_planes, to_rgb
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import Process
from pipcli.media.clips.planes import Planar, planar, to_full
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


def read_planes(clip: Clip, start: int = 0, stop: int | None = None) -> Iterator[list[NDArray[np.uint16]]]:
    """Decode frames [start, stop) of a file, each exactly once, as the samples that are in it.

    Yields:
        The planes of `planes_in`, of which the one of alpha is left out.

    Raises:
        UnusableInputError: the file has changed, or a frame of it cannot be read.
    """
    import numpy as np

    stop = clip.frame_count if stop is None else stop
    layout, planes = ffmpeg.pixel_formats()[clip.pixel_format], planes_in(clip)
    if planes.family == "gbr" and layout.has_alpha:
        planes = planes._replace(has_alpha=True)  # ffmpeg would lose samples of more than 8 bits with the alpha
    shapes = planes.shapes(clip.height, clip.width)
    ends = np.cumsum([rows * columns for rows, columns in shapes]).tolist()
    filters = [*to_planes(layout, planes), *clip.turning]
    size = np.dtype(planes.dtype).itemsize * ends[-1]
    for data in _decoded(clip, start, stop, filters, planes.name, size):
        parts = np.split(np.frombuffer(data, planes.dtype).astype(np.uint16), ends[:-1])
        found = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        yield found[:-1] if planes.has_alpha else found


def planes_in(clip: Clip) -> Planar:
    """The planes that hold all samples of a file's picture but for its alpha."""
    return planar(ffmpeg.pixel_formats()[clip.pixel_format], alpha=False)


def _read_file(clip: Clip, start: int, stop: int) -> Iterator[NDArray[np.uint16]]:
    import numpy as np

    planes = planes_in(clip)
    if planes.family == "yuv":
        width, height = clip.coded_size or (clip.width, clip.height)
        colour = replace(clip.colour, matrix=clip.matrix)
        filters = to_rgb(ffmpeg.pixel_formats()[clip.pixel_format], colour, width, height)
        yield from decoded(clip, start, stop, filters, "rgb48le", 3)
        return
    limited = planes.family == "gray" and clip.colour.range == "tv"
    order = (0,) if planes.family == "gray" else (2, 0, 1)  # green, blue, red
    for found in read_planes(clip, start, stop):
        yield np.dstack([to_full(found[at], planes.depth, limited=limited) for at in order])


def decoded(
    clip: Clip, start: int, stop: int, filters: Sequence[str], wanted: str, channels: int
) -> Iterator[NDArray[np.uint16]]:
    """Frames [start, stop) of a file, through filters and upright.

    Args:
        clip: of a file.
        start: the first frame.
        stop: the one behind the last.
        filters: of ffmpeg, for frames as they are coded.
        wanted: ffmpeg's name of the layout that comes out: of one byte a sample if it is "gray", else of two.
        channels: of that layout.

    Yields:
        (H, W, C) uint16, the levels as they come out. A new array each.

    Raises:
        UnusableInputError: a frame is missing.
    """
    import numpy as np

    dtype = np.dtype("u1" if wanted == "gray" else "<u2")
    shape = (clip.height, clip.width, channels)
    size = dtype.itemsize * clip.height * clip.width * channels
    for data in _decoded(clip, start, stop, [*filters, *clip.turning], wanted, size):
        yield np.frombuffer(data, dtype).reshape(shape).astype(np.uint16)


def _decoded(clip: Clip, start: int, stop: int, filters: Sequence[str], wanted: str, size: int) -> Iterator[bytes]:
    """The bytes of frames [start, stop) of a file, `size` each."""
    if start == stop:
        return
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
            yield data
