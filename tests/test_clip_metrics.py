"""Measures of clips, against plain ones of the whole volume."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from pipcli.clip_metrics import ClipMeasures, ClipMeter, Course
from pipcli.metrics import psnr


def clips(frames: int, height: int, width: int, channels: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a clip (T, H, W, C) in [0, 1] and one that is near it."""
    draws = np.random.default_rng(0)
    clean = draws.random((frames, height, width, channels))
    return np.clip(clean + draws.normal(0, 0.1, clean.shape), 0, 1), clean


def measured(clip: NDArray[np.float64], reference: NDArray[np.float64]) -> ClipMeasures:
    meter = ClipMeter()
    for number, (frame, truth) in enumerate(zip(clip, reference, strict=True)):
        meter.add(frame, truth, Course(reference[number - 1], truth) if number else None)
    return meter.measures()


def whole_ssim(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the structural similarity of volumes (T, H, W, C) by one convolution with zeros around."""
    x, y = (torch.from_numpy(volume).permute(3, 0, 1, 2)[:, None] for volume in (first, second))
    line = torch.exp(-(torch.arange(-5, 6, dtype=torch.float64) ** 2) / (2 * 1.5**2))
    line = line / line.sum()
    window = (line[:, None, None] * line[:, None] * line)[None, None]

    def mean(volume: torch.Tensor) -> torch.Tensor:
        return F.conv3d(volume, window, padding=5)

    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    covariance = mean(x * y) - mean(x) * mean(y)
    above = (2 * mean(x) * mean(y) + 1e-4) * (2 * covariance + 9e-4)
    return float((above / ((mean(x) ** 2 + mean(y) ** 2 + 1e-4) * (variances + 9e-4))).mean())


@pytest.mark.parametrize("frames", [1, 2, 5, 6, 11, 14])
@pytest.mark.parametrize("size", [(7, 9), (40, 13)])
def test_similarity_in_space_and_time_is_that_of_the_whole_volume(frames: int, size: tuple[int, int]) -> None:
    clip, reference = clips(frames, *size, channels=1 if frames == 5 else 3)
    assert measured(clip, reference).ssim == pytest.approx(whole_ssim(clip, reference), abs=1e-6)


def test_ratios_are_those_of_the_volume_its_frames_and_its_changes() -> None:
    clip, reference = clips(5, 12, 14)
    measures = measured(clip, reference)
    assert measures.psnr == pytest.approx(psnr(clip, reference))
    assert measures.frames == pytest.approx([psnr(*pair) for pair in zip(clip, reference, strict=True)])
    assert measures.psnr_changes == pytest.approx(psnr(np.diff(clip, axis=0), np.diff(reference, axis=0)))


def test_equal_clips_are_equal_and_a_single_frame_has_no_changes() -> None:
    _, reference = clips(3, 12, 14)
    measures = measured(reference, reference)
    assert (measures.psnr, measures.psnr_changes) == (math.inf, math.inf)
    assert measures.ssim == pytest.approx(1)
    single = measured(reference[:1], reference[:1])
    assert (single.psnr_changes, single.warping_error) == (None, None)


def test_what_flickers_has_a_larger_warping_error_than_what_is_off_by_the_same_in_all_frames() -> None:
    draws = np.random.default_rng(1)
    large = np.kron(draws.random((30, 40, 3)), np.ones((4, 4, 1)))
    clean = np.stack([large[2 * number :][:80, number : number + 100] for number in range(4)])
    steady, flickering = clean + 0.05, clean + np.array([0.05, -0.05, 0.05, -0.05])[:, None, None, None]
    errors = [measured(clip, clean).warping_error for clip in (clean, steady, flickering)]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)
    assert errors[2] > errors[1] + 0.9 * 0.1**2
    assert measured(steady, clean).psnr == pytest.approx(measured(flickering, clean).psnr, abs=1e-6)


def test_unlike_frames_have_no_warping_error() -> None:
    draws = np.random.default_rng(2)
    frames = draws.random((2, 40, 40, 3))
    found = Course(*frames).error(*frames)
    assert found is None or found >= 0
