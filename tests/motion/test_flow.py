"""Motion of clips that were made to move in a known way."""

import pytest
import torch

from pipcli.motion import Motion, estimate_motion, warp
from pipcli.motion.flow import LEAST_CACHED
from pipcli.restoration.frame_networks import _median_speed
from support.motion_clips import pan, texture


def error(flow: torch.Tensor, step: tuple[int, int]) -> float:
    """Return the mean distance of a flow from the one of a pan, away from the edges."""
    wanted = -torch.tensor(step, dtype=torch.float32)[:, None, None]
    inside = (flow - wanted)[:, 12:-12, 12:-12]
    return float(inside.square().sum(0).sqrt().mean())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("step", [(0, 0), (1, 0), (0, -3), (-4, 5)])
def test_a_pan_is_found(step: tuple[int, int], channels: int) -> None:
    motion = estimate_motion(pan(3, 96, 128, step, channels=channels))
    assert (motion.frame_count, motion.size) == (3, (96, 128))
    assert error(motion.flow(0, 1), step) < 0.2
    assert error(motion.flow(2, 0), (-2 * step[0], -2 * step[1])) < 0.3


def test_a_frame_that_is_warped_along_the_flow_is_the_other() -> None:
    frames = pan(2, 64, 64, (2, 3))
    motion = estimate_motion(frames)
    warped = warp(frames[1:], motion.flow(0, 1))
    found = motion.found(0, 1)
    assert found.shape == (1, 64, 64)
    assert found.dtype == torch.bool
    assert float(((warped - frames[:1]).square() * found).mean()) < 1e-3
    assert float((frames[1:] - frames[:1]).square().mean()) > 1e-2


def test_noise_does_not_hide_the_motion() -> None:
    frames = pan(2, 96, 96, (3, -2))
    noisy = frames + torch.randn(frames.shape, generator=torch.Generator().manual_seed(1)) * 25 / 255
    assert error(estimate_motion(noisy).flow(0, 1), (3, -2)) < 0.5


def test_what_is_covered_or_has_left_is_not_found() -> None:
    still = texture(120, 120, seed=1).repeat(2, 1, 1, 1)
    square = texture(50, 50, seed=2)[0]
    still[0, :, 35:85, 20:70] = square
    still[1, :, 35:85, 30:80] = square
    found = estimate_motion(still).found(0, 1)[0].float()
    assert float(found[40:80, 25:65].mean()) > 0.9
    assert float(found[40:80, 72:78].mean()) < 0.3
    assert float(found[:, 90:].mean()) > 0.95
    left = estimate_motion(pan(2, 64, 64, (0, 12))).found(0, 1)[0].float()
    assert float(left[:, :10].mean()) < 0.1
    assert float(left[:, 16:].mean()) > 0.9


def test_the_same_frames_give_the_same_flow() -> None:
    frames = pan(2, 70, 90, (2, 2))
    first, second = (estimate_motion(frames).flow(0, 1) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 40), (8, 8), (9, 33), (50, 12)])
@pytest.mark.parametrize("count", [1, 3])
def test_any_size_has_a_motion(size: tuple[int, int], count: int) -> None:
    frames = torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(0))
    motion = estimate_motion(frames)
    flow = motion.flow(count - 1, 0)
    assert flow.shape == (2, *size)
    assert flow.dtype == torch.float32
    assert flow.isfinite().all()
    assert motion.found(count - 1, 0).shape == (1, *size)
    if min(size) < 8 or count == 1:
        assert not flow.any()


def test_speed_is_the_pan_and_nothing_for_one_frame() -> None:
    assert _median_speed(estimate_motion(pan(4, 64, 80, (3, 4))), 4) == pytest.approx(5, abs=0.2)
    assert _median_speed(estimate_motion(pan(1, 64, 80, (0, 0))), 1) == 0


def test_few_flows_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipcli.motion.flow.CACHE_BYTES", 0)
    motion: Motion = estimate_motion(pan(6, 32, 32, (1, 0)))
    first = motion.flow(0, 1)
    assert motion.flow(0, 1) is first
    for frame in range(LEAST_CACHED):
        motion.flow(frame + 1, frame)
    again = motion.flow(0, 1)
    assert again is not first
    assert torch.equal(again, first)
