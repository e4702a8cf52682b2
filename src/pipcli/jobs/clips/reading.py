"""Frames of clips as tensors, window by window, with a bounded buffer."""

from collections import deque
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipcli.media import Photo, marked_by
from pipcli.media.clips import Clip, read_frames

Frame = NDArray[np.uint16]
WHITE = 65535


def spread_over(count: int, wanted: int) -> set[int]:
    """Return the numbers of so many frames from all over a clip of `count`, or of fewer if it is short."""
    return {round((place + 0.5) * count / wanted - 0.5) for place in range(wanted)}


def as_tensor(frames: list[Frame]) -> Tensor:
    """Return (H, W, C) samples of frames as (T, C, H, W) float32 in [0, 1]."""
    stacked = np.stack(frames).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked, dtype=np.float32)).div_(WHITE)


def as_frame(picture: Tensor) -> Frame:
    """Return a (C, H, W) picture in [0, 1] as (H, W, C) samples."""
    samples = (picture.double().clamp(0, 1) * WHITE).round().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(samples, dtype=np.uint16)


class FrameFeed:
    """The frames of a clip for windows that come in order; a context manager that ends the reading."""

    def __init__(self, clip: Clip) -> None:
        """Take the clip; reading begins with the first window."""
        self._clip = clip
        self._held: deque[Frame] = deque()
        self._first = 0
        self._frames: Iterator[Frame] | None = None

    def __enter__(self) -> "FrameFeed":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._frames is not None:
            self._frames.close()  # type: ignore[attr-defined]

    def frames(self, start: int, stop: int) -> list[Frame]:
        """Return the samples of frames `start` to `stop` - 1; neither may be less than the last time.

        Raises:
            UnusableInputError: the file ends too early.
        """
        if self._frames is None or start > self._first + len(self._held):
            if self._frames is not None:
                self._frames.close()  # type: ignore[attr-defined]
            self._frames = read_frames(self._clip, start)
            self._held.clear()
            self._first = start
        while self._first < start:
            self._held.popleft()
            self._first += 1
        while self._first + len(self._held) < stop:
            self._held.append(next(self._frames))
        return list(self._held)[: stop - start]


class MaskFeed:
    """The pixels of a clip that are to be kept, from one picture for all frames or from a clip with one for each."""

    def __init__(self, mask: Photo | Clip, *, inverted: bool) -> None:
        """Take where to read from, and whether white is what to keep."""
        self._picture = None if isinstance(mask, Clip) else ~marked_by(mask, inverted=inverted).pixels
        self._feed = FrameFeed(mask) if isinstance(mask, Clip) else None
        self._inverted = inverted

    def __enter__(self) -> "MaskFeed":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._feed is not None:
            self._feed.__exit__()

    def known(self, start: int, stop: int) -> Tensor:
        """Return the (T, 1, H, W) booleans of what is to be kept of frames `start` to `stop` - 1."""
        if self._feed is None:
            return torch.from_numpy(np.repeat(self._picture[None], stop - start, axis=0))[:, None]  # type: ignore[index]
        marked = np.stack([frame.mean(axis=2) >= WHITE / 2 for frame in self._feed.frames(start, stop)])
        return torch.from_numpy(marked if self._inverted else ~marked)[:, None]
