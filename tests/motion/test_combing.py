"""Frames woven from two moments are combed; still ones and progressive ones are not, through noise."""

import pytest
import torch

from pipcli.motion import are_combed
from support.motion_clips import pan


def noisy(frames: torch.Tensor, sigma: float) -> torch.Tensor:
    return frames + torch.randn(frames.shape, generator=torch.Generator().manual_seed(1)) * sigma / 255


def woven(moments: torch.Tensor) -> torch.Tensor:
    frames = moments[::2].clone()
    frames[:, :, 1::2] = moments[1::2, :, 1::2]
    return frames


@pytest.mark.parametrize("sigma", [0, 20, 50])
@pytest.mark.parametrize("step", [(0, 0), (1, 3)])
def test_frames_of_one_moment_each_are_not_combed(step: tuple[int, int], sigma: float) -> None:
    assert not are_combed(noisy(pan(8, 64, 96, step), sigma))


@pytest.mark.parametrize("sigma", [0, 20, 50])
def test_frames_of_two_moments_are_combed(sigma: float) -> None:
    assert are_combed(noisy(woven(pan(16, 64, 96, (1, 3))), sigma))


def test_a_small_thing_that_moves_is_seen_in_a_still_scene() -> None:
    moments = pan(12, 96, 96, (0, 0))
    moments[:, :, 32:56, 32:64] = pan(12, 24, 32, (0, 4), seed=5)
    assert are_combed(noisy(woven(moments), 20))


@pytest.mark.parametrize("size", [(1, 8), (4, 1)])
def test_frames_of_too_few_lines_to_tell_are_taken_for_what_they_are_called(size: tuple[int, int]) -> None:
    assert are_combed(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("size", [(5, 1), (9, 40)])
def test_flat_frames_of_any_size_are_not_combed(size: tuple[int, int]) -> None:
    assert not are_combed(torch.full((2, 1, *size), 0.5))
