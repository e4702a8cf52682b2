"""How far a clip is from a reference, frame by frame as they come. For reports only, as `metrics`.

Frames are (H, W, C) float64 in [0, 1], all of one size. Memory does not grow with the number of frames.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipcli.metrics import SSIM_WINDOW, mse_to_psnr, similarities, window_weights, windowed
from pipcli.motion import estimate_motion, warp

Frame = NDArray[np.float64]
Planes = NDArray[np.float32]

_REACH = SSIM_WINDOW // 2
_STRIP = 32  # rows that are worked on at a time


@dataclass(frozen=True)
class ClipMeasures:
    """How near a clip is to the reference.

    Attributes:
        psnr: in dB, of one error over all samples of all frames; infinite for equal ones.
        frames: the PSNR of each frame, in dB.
        ssim: structural similarity over space and time, at most 1.
        psnr_changes: in dB, of the differences between neighbouring frames; None for a single frame.
        warping_error: None for a single frame, or where nothing of a frame is found in the next.
    """

    psnr: float
    frames: tuple[float, ...]
    ssim: float
    psnr_changes: float | None
    warping_error: float | None


class Course:
    """Where the pixels of a reference's frame are found in the next: what a warping error is measured along.

    The error is that of Lai et al., "Learning Blind Video Temporal Consistency" (ECCV 2018): the mean square of what a
    frame differs by from the next one warped to it, over the pixels that the flows there and back agree on, the mean of
    all pairs. The flow is `pipcli.motion`'s. It is not 0 for the reference, whose light changes and whose flow errs.
    """

    def __init__(self, frame: Frame, following: Frame) -> None:
        """Estimate the flow from a frame of the reference to the following one."""
        motion = estimate_motion(torch.cat([_tensor(frame), _tensor(following)]))
        self._flow = motion.flow(0, 1)
        self._found = motion.found(0, 1)[0].numpy()

    def error(self, frame: Frame, following: Frame) -> float | None:
        """Return the warping error of two frames of a clip; None where nothing is found."""
        if not self._found.any():
            return None
        warped = warp(_tensor(following), self._flow)[0].permute(1, 2, 0).numpy()
        return float(np.square(frame - warped)[self._found].mean())


class ClipMeter:
    """Takes the frames of a clip and of its reference, and says in the end how near they are."""

    def __init__(self) -> None:
        """Begin with no frame."""
        self._errors: list[float] = []
        self._change_errors: list[float] = []
        self._warping_errors: list[float] = []
        self._before: tuple[Frame, Frame] | None = None
        self._similarity = _VolumeSimilarity()

    def add(self, frame: Frame, reference: Frame, course: Course | None) -> None:
        """Take the next frame of each.

        Args:
            frame: of the clip.
            reference: the frame that it should be.
            course: from the reference's frame before to this one; None for the first.
        """
        difference = frame - reference
        self._errors.append(float(np.square(difference).mean()))
        self._similarity.add(frame, reference)
        if self._before is not None and course is not None:
            frame_before, difference_before = self._before
            self._change_errors.append(float(np.square(difference - difference_before).mean()))
            error = course.error(frame_before, frame)
            self._warping_errors += [] if error is None else [error]
        self._before = frame, difference

    def measures(self) -> ClipMeasures:
        """Return the measures of all frames that were added, of which there must be one."""
        return ClipMeasures(
            psnr=mse_to_psnr(_mean(self._errors)),
            frames=tuple(mse_to_psnr(error) for error in self._errors),
            ssim=self._similarity.mean(),
            psnr_changes=mse_to_psnr(_mean(self._change_errors)) if self._change_errors else None,
            warping_error=_mean(self._warping_errors) if self._warping_errors else None,
        )


class _VolumeSimilarity:
    """Structural similarity with windows in space and time, as the papers on clips have it.

    The window is a Gaussian of 1.5 pixels and frames, 11 of each; beyond the edges, before and behind the clip is
    black, and each place counts, the mean over the channels. The frames that a window sees are held, no more.
    """

    def __init__(self) -> None:
        """Begin with no frame."""
        self._held: deque[tuple[Planes, Planes]] = deque(maxlen=SSIM_WINDOW)
        self._count = 0
        self._total = 0.0

    def add(self, frame: Frame, reference: Frame) -> None:
        """Take the next frame of each."""
        self._held.append((_planes(frame), _planes(reference)))
        self._count += 1
        if self._count > _REACH:
            self._total += self._around(self._count - 1 - _REACH)

    def mean(self) -> float:
        """Return the mean over all places of all frames, once the last was added."""
        late = range(max(0, self._count - _REACH), self._count)
        return (self._total + sum(self._around(number) for number in late)) / self._count

    def _around(self, number: int) -> float:
        """Return the mean similarity of the windows whose middle is in a frame."""
        oldest = self._count - len(self._held)
        seen = [
            (weight, *self._held[at - oldest])
            for at, weight in enumerate(window_weights(), number - _REACH)
            if oldest <= at < self._count
        ]
        weights, frames, references = zip(*seen, strict=True)
        return _mean_similarity(np.stack(frames), np.stack(references), np.array(weights))


def _mean_similarity(first: Planes, second: Planes, weights: NDArray[np.float64]) -> float:
    """Return the mean over all places of (T, C, H, W) frames, T weights being those of the window along time."""
    height, total = first.shape[2], 0.0
    for channel in range(first.shape[1]):
        for top in range(0, height, _STRIP):
            bottom = min(top + _STRIP, height)
            rows = slice(max(0, top - _REACH), bottom + _REACH)
            black = ((max(0, _REACH - top), max(0, bottom + _REACH - height)), (_REACH, _REACH))
            one, other = (planes[:, channel, rows].astype(np.float64) for planes in (first, second))
            moments = (np.tensordot(weights, moment, 1) for moment in (one, other, one**2, other**2, one * other))
            total += float(similarities(*(windowed(np.pad(moment, black)) for moment in moments)).sum())
    return total / float(first[0].size)


def _planes(frame: Frame) -> Planes:
    return np.ascontiguousarray(frame.transpose(2, 0, 1), dtype=np.float32)


def _tensor(frame: Frame) -> torch.Tensor:
    return torch.from_numpy(_planes(frame))[None]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
