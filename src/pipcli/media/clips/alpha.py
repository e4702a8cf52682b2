"""The alpha of a clip's frames, which is carried along as it is."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Clip, FrameTimes
from pipcli.media.clips.colours import alpha_of, grey_format
from pipcli.media.clips.folders import in_16_bits
from pipcli.media.clips.moments import shown_at
from pipcli.media.clips.reading import decoded
from pipcli.media.reading import read_photo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def alphas(clip: Clip, times: FrameTimes, height: int, width: int) -> Generator[NDArray[np.uint16], None, None]:
    """The alpha for each frame of a restored clip: that of the source's frame shown at its time, resampled to its size.

    Args:
        clip: the source, whose `has_alpha` is set.
        times: of the restored frames.
        height: of the restored frames.
        width: likewise.

    Yields:
        (H, W) uint16 over the full range.

    Raises:
        UnusableInputError: a frame cannot be read.
    """
    source, known = _read_alpha(clip), -1
    for number in shown_at(clip.times, times):
        if number != known:
            for _ in range(number - known):
                latest = next(source)
            plane, known = _resampled(latest, height, width), number
        yield plane


def _read_alpha(clip: Clip) -> Generator[NDArray[np.uint16], None, None]:
    import numpy as np

    if clip.kind == "folder":
        for path in clip.pictures:
            photo = read_photo(path)
            full = np.full((clip.height, clip.width), 65535, np.uint16)
            yield full if photo.alpha is None else in_16_bits(photo.alpha)
        return
    layout = ffmpeg.pixel_formats()[clip.pixel_format]
    depth = max(8, layout.depth)
    wanted = grey_format(depth)
    for levels in decoded(clip, 0, clip.frame_count, [*alpha_of(layout), f"format={wanted}"], wanted, 1):
        yield np.rint(levels[:, :, 0].astype(np.float64) * (65535 / (2**depth - 1))).astype(np.uint16)


def _resampled(plane: NDArray[np.uint16], height: int, width: int) -> NDArray[np.uint16]:
    """Bicubic, and in float, so that 16 bits stay 16 bits."""
    import numpy as np
    from PIL import Image

    if plane.shape == (height, width):
        return plane
    resized = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    levels: NDArray[np.float32] = np.rint(np.asarray(resized, np.float32).clip(0, 65535))
    return levels.astype(np.uint16)
