"""Frames in between: of things that move in a known way, and what they may never do."""

import pytest
import torch

from pipcli.metrics import psnr
from pipcli.motion import interpolate
from support.motion_clips import pan, texture


def test_shown_frames_are_returned_as_they_were() -> None:
    frames = torch.rand(3, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    made = interpolate(frames, [0, 2.0, 1, 1])
    assert torch.equal(made, frames[[0, 2, 1, 1]])


def test_before_the_first_and_behind_the_last_nothing_moves() -> None:
    frames = pan(2, 40, 50, (1, 1))
    assert torch.equal(interpolate(frames, [-0.5, 1.0, 1.7, 9]), frames[[0, 1, 1, 1]])


def test_a_single_frame_stands_still() -> None:
    frames = torch.rand(1, 3, 9, 9)
    assert torch.equal(interpolate(frames, [0, 0.5]), frames[[0, 0]])


def test_no_positions_make_no_frames() -> None:
    assert interpolate(torch.rand(2, 3, 9, 9), []).shape == (0, 3, 9, 9)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pan_goes_on_between_its_frames(channels: int) -> None:
    truth = pan(9, 96, 128, (1, 2), channels=channels)
    made = interpolate(truth[::4], [0.25, 0.5, 1.25, 1.75])
    for frame, number in zip(made, (1, 2, 5, 7), strict=True):
        inside = (..., slice(12, -12), slice(12, -12))
        blended = torch.lerp(truth[4 * (number // 4)], truth[4 * (number // 4) + 4], number % 4 / 4)
        assert psnr(frame[inside], truth[number][inside]) > psnr(blended[inside], truth[number][inside]) + 10


def test_what_is_in_front_stays_in_front() -> None:
    ground, square = texture(120, 160, seed=1)[0], 0.5 + texture(50, 50, seed=2)[0] / 2
    truth = ground.repeat(3, 1, 1, 1)
    for frame, left in enumerate((40, 48, 56)):
        truth[frame, :, 35:85, left : left + 50] = square
    made = interpolate(truth[::2], [0.5])[0]
    assert psnr(made, truth[1]) > psnr((truth[0] + truth[2]) / 2, truth[1]) + 5
    assert psnr(made[:, 40:80, 53:93], truth[1, :, 40:80, 53:93]) > 28


def test_paths_may_be_bent() -> None:
    large = texture(96, 220)[0]
    at = [0, 2, 6, 12, 20, 30, 42]
    truth = torch.stack([large[:, :, left : left + 128] for left in at])
    shown = truth[::2]
    inside = (..., slice(12, -12), slice(24, -48))
    bent = psnr(interpolate(shown, [1.5])[0][inside], truth[3][inside])
    straight = psnr(interpolate(shown[1:3], [0.5])[0][inside], truth[3][inside])
    assert bent > straight + 3


def test_unlike_frames_are_blended_and_nothing_is_invented() -> None:
    frames = torch.stack([texture(64, 64, seed=seed)[0] for seed in (1, 2)])
    made = interpolate(frames, [0.5])[0]
    assert psnr(made, frames.mean(0)) > 22
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3), (8, 8), (17, 33)])
def test_any_size_can_be_interpolated(size: tuple[int, int]) -> None:
    frames = torch.rand(3, 1, *size, generator=torch.Generator().manual_seed(0))
    made = interpolate(frames, [0.5, 1, 1.5])
    assert made.shape == (3, 1, *size)
    assert made.isfinite().all()


def test_equal_frames_stay_equal_in_between() -> None:
    frames = texture(50, 60).repeat(3, 1, 1, 1)
    made = interpolate(frames, [0.3, 1.5])
    assert torch.allclose(made, frames[:2], atol=1e-3)
