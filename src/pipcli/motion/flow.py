"""Dense optical flow within a window of frames.

Source: Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV 2016), as OpenCV has
it. Its reliability is checked by forward-backward consistency: Sundaram, Brox and Keutzer, "Dense Point Trajectories by
GPU-accelerated Large Displacement Optical Flow" (ECCV 2010), equation 5.
"""

import threading
from collections import OrderedDict

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipcli.motion.sampling import warp

# OpenCV shares the rows of a frame out among its threads and begins anew in each share: with another number of
# processors another flow. One thread it is, so that a clip gives the same result everywhere.
cv2.setNumThreads(1)

# Frames with a shorter side have nothing that could be followed. Those with less than the other are continued to it:
# how far the search reaches goes by the frame's size.
LEAST_SIDE, LEAST_PADDED_SIDE = 8, 128
# Flows that are kept, in bytes, and how many at least.
CACHE_BYTES, LEAST_CACHED = 192 << 20, 4
# The flow there and back may miss by this share of both lengths and this many square pixels: of Sundaram et al.
SHARE_MISSED, SQUARE_MISSED = 0.01, 0.5

Planes = NDArray[np.uint8]


class Motion:
    """Where each pixel of a frame is found in other frames of the same window.

    Flows are computed when they are asked for, and the last ones are kept. Several threads may ask.
    """

    def __init__(self, planes: Planes) -> None:
        """Take the luma (T, H, W) of the frames."""
        self._planes = planes
        self._flows: OrderedDict[tuple[int, int], Tensor] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def frame_count(self) -> int:
        """Return T."""
        return len(self._planes)

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of the frames."""
        return self._planes.shape[1], self._planes.shape[2]

    def flow(self, source: int, target: int) -> Tensor:
        """Return (2, H, W) float32: pixel p of frame `source` is found at p + flow(p), (dy, dx), of frame `target`.

        Not to be changed, since all who ask share it.
        """
        with self._lock:
            known = self._flows.get((source, target))
            if known is not None:
                self._flows.move_to_end((source, target))
                return known
        flow = _flow(self._planes[source], self._planes[target])
        with self._lock:
            self._flows[source, target] = flow
            most = max(LEAST_CACHED, CACHE_BYTES // (flow.numel() * flow.element_size()))
            while len(self._flows) > most:
                self._flows.popitem(last=False)
        return flow

    def found(self, source: int, target: int) -> Tensor:
        """Return (1, H, W) bool: which pixels of frame `source` are seen in frame `target`, at where their flow leads.

        Not those that something covers there or that have left the frame: their flow and the one back disagree.
        """
        return agreeing(self.flow(source, target), self.flow(target, source))


def agreeing(there: Tensor, back: Tensor) -> Tensor:
    """Return (1, H, W) bool: where a flow (2, H, W) and the backward flow `back` are consistent."""
    height, width = there.shape[-2:]
    returned = warp(back[None], there)[0]
    missed = (there + returned).square().sum(0, keepdim=True)
    allowed = SHARE_MISSED * (there.square() + returned.square()).sum(0, keepdim=True) + SQUARE_MISSED
    rows = torch.arange(height)[:, None] + there[0]
    columns = torch.arange(width) + there[1]
    inside = (rows >= -0.5) & (rows <= height - 0.5) & (columns >= -0.5) & (columns <= width - 0.5)
    return (missed <= allowed) & inside


def estimate_motion(frames: Tensor) -> Motion:
    """Return the motion of a window of frames.

    Args:
        frames: (T, C, H, W) float32 in [0, 1], C 1 or 3, of any size, noisy or, which is better, restored. Noise is not
            smoothed away before: that made flows worse at all levels from sigma 5 to 50, since the search looks at
            patches and begins with small pictures.
    """
    return Motion(np.stack([_plane(frame) for frame in frames.detach().cpu()]))


def _plane(frame: Tensor) -> Planes:
    """Return the luma (H, W) of a frame (C, H, W)."""
    weights = frame.new_tensor([0.299, 0.587, 0.114] if len(frame) == 3 else [1.0])
    return np.asarray(np.round(255 * torch.tensordot(weights, frame, dims=1).clamp(0, 1).numpy()), np.uint8)


def _flow(source: Planes, target: Planes) -> Tensor:
    height, width = source.shape
    if source is target or min(height, width) < LEAST_SIDE:
        return torch.zeros(2, height, width)
    below, right = max(0, LEAST_PADDED_SIDE - height), max(0, LEAST_PADDED_SIDE - width)
    first, second = (np.pad(plane, ((0, below), (0, right)), mode="edge") for plane in (source, target))
    flow = np.zeros((*first.shape, 2), np.float32)  # where to begin, and where it is written
    _search().calc(first, second, flow)
    return torch.from_numpy(np.ascontiguousarray(flow[:height, :width, ::-1].transpose(2, 0, 1)))


def _search() -> cv2.DISOpticalFlow:
    """Return a search, which has buffers of its own and is not to be shared among threads.

    It goes down to the frames' own resolution, which OpenCV's presets do not (docs/decisions.md).
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    return search
