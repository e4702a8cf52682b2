"""The first pass over a clip: scene cuts and noise, from every frame."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pipcli.jobs.clips.reading import Frame, as_tensor, spread_over
from pipcli.media.clips import Clip, read_frames
from pipcli.motion import scene_cuts

# Frames over the whole clip that the noise is read from: one may be dark, or blurred by a fast movement.
LOOKED_AT = 4
# Rows of the strip that belong to a frame begin where blocks of a JPEG do.
BLOCK = 8


@dataclass(frozen=True)
class Scan:
    """What a clip shows as a whole.

    Attributes:
        cuts: the first frame of every scene but the first.
        strip: (1, C, n H', W) float32 in [0, 1]: frames from all over the clip, one below the other, as one picture to
            read the noise from; H' is a multiple of 8 where there are as many rows. Of fields apart, one field below
            the other: noise is told from neighbouring lines, which are of one time there.
        middle: (1, C, H, W) the frame in the middle of the clip.
    """

    cuts: tuple[int, ...]
    strip: Tensor
    middle: Tensor


def scan(clip: Clip, check: Callable[[], None], *, fields: bool = False) -> Scan:
    """Read a clip once.

    Args:
        clip: to read.
        check: called after every frame; may end the work by raising.
        fields: whether the fields of its frames are restored apart.

    Raises:
        UnusableInputError: it ends too early, or a frame cannot be read.
    """
    count = clip.frame_count
    wanted = spread_over(count, LOOKED_AT) | {count // 2}
    kept: dict[int, Frame] = {}

    def seen() -> Iterator[Frame]:
        for number, frame in enumerate(read_frames(clip)):
            check()
            if number in wanted:
                kept[number] = frame
            yield frame

    cuts = tuple(scene_cuts(seen()))
    middle = as_tensor([kept[count // 2]])
    looked_at = as_tensor(list(kept.values()))
    if fields and looked_at.shape[-2] > 1:
        top, bottom = looked_at[..., ::2, :], looked_at[..., 1::2, :]
        return Scan(cuts, torch.cat([_strip(top), _strip(bottom)], dim=-2), middle)
    return Scan(cuts, _strip(looked_at), middle)


def _strip(frames: Tensor) -> Tensor:
    """Put (T, C, H, W) frames, or fields of them, one below the other."""
    height = frames.shape[-2]
    rows = height if height < BLOCK else height - height % BLOCK
    return torch.cat(torch.split(frames[:, :, :rows], 1), dim=-2)
