"""Cuts are found; pans, fades, flashes and noise are none."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipcli.motion import scene_cuts
from support.motion_clips import pan, texture


def samples(frames: torch.Tensor) -> list[NDArray[np.uint16]]:
    """Return frames (T, C, H, W) as they come from a file."""
    return [(frame.clamp(0, 1).permute(1, 2, 0).numpy() * 65535).astype(np.uint16) for frame in frames]


def scene(count: int, seed: int, size: tuple[int, int] = (96, 128), step: tuple[int, int] = (1, 2)) -> torch.Tensor:
    """Return frames of a pan over large shapes of a colour of their own."""
    colour = torch.rand(3, generator=torch.Generator().manual_seed(seed))[:, None, None]
    return (pan(count, *size, step, seed=seed) * 0.5 + texture(*size, seed=seed, finest=32)) / 3 + colour / 2


@pytest.mark.parametrize("lengths", [(1, 1), (1, 5), (5, 1), (2, 2), (7, 9), (4, 3, 6), (1, 1, 1), (12, 12)])
def test_cuts_are_where_scenes_were_joined(lengths: tuple[int, ...]) -> None:
    frames = torch.cat([scene(length, 3 * number) for number, length in enumerate(lengths)])
    found = scene_cuts(samples(frames))
    wanted = list(np.cumsum(lengths)[:-1])
    # Of scenes of one frame each, nothing is left to tell a cut from a flash or a fast change.
    assert set(found) <= set(wanted)
    if min(lengths[1:-1], default=9) > 3 or len(lengths) == 2:
        assert found == wanted


def in_8_bits(frames: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return frames with noise of so many levels, rounded as a file does."""
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0)) * sigma
    return (frames * 255 + noise).round().clamp(0, 255) / 255


@pytest.mark.parametrize("sigma", [0.0, 4.0])
@pytest.mark.parametrize(("span", "least"), [(1.0, 0.0), (0.3, 0.35), (0.12, 0.02), (0.12, 0.8)])
def test_a_cut_between_dark_or_flat_scenes_is_found_and_a_pan_in_them_is_none(
    span: float, least: float, sigma: float
) -> None:
    frames = torch.cat([scene(7, 1), scene(7, 5)])
    assert scene_cuts(samples(in_8_bits(frames * span + least, sigma))) == [7]
    assert scene_cuts(samples(in_8_bits(scene(9, 1, step=(2, 6)) * span + least, sigma))) == []


@pytest.mark.parametrize("sigma", [0.0, 4.0])
def test_dark_fades_flashes_and_steps_of_brightness_are_no_cuts(sigma: float) -> None:
    dim = scene(20, 1, step=(0, 1)) * 0.15 + 0.02
    share = torch.linspace(0, 1, 20)[:, None, None, None]
    flash, step = dim.clone(), dim.clone()
    flash[8:10] = 0.3 * flash[8:10] + 0.1
    step[10:] += 0.03
    for frames in (dim * (1 - share), dim * share**2, flash, step):
        assert scene_cuts(samples(in_8_bits(frames, sigma))) == []


@pytest.mark.parametrize("step", [(0, 0), (0, 8), (10, -14)])
def test_a_pan_has_no_cut(step: tuple[int, int]) -> None:
    assert scene_cuts(samples(scene(9, 1, step=step))) == []


def test_a_fade_and_a_dissolve_have_no_cut() -> None:
    first, second = scene(20, 1, step=(0, 1)), scene(20, 5, step=(0, 1))
    share = torch.linspace(0, 1, 20)[:, None, None, None]
    assert scene_cuts(samples(first * (1 - share))) == []
    assert scene_cuts(samples(first * (1 - share) + second * share)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_no_cut(length: int) -> None:
    frames = scene(14, 2)
    frames[6 : 6 + length] = 0.3 * frames[6 : 6 + length] + 0.7
    assert scene_cuts(samples(frames)) == []


@pytest.mark.parametrize("size", [(96, 128), (40, 40), (24, 31)])
def test_noise_is_no_cut(size: tuple[int, int]) -> None:
    frames = scene(6, 4, size, (0, 0))
    frames = frames + torch.randn(frames.shape, generator=torch.Generator().manual_seed(0)) * 25 / 255
    assert scene_cuts(samples(frames)) == []
    assert scene_cuts(samples(frames[:2])) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (5, 3)])
def test_any_clip_can_be_looked_at(count: int, size: tuple[int, int]) -> None:
    assert scene_cuts([np.full((*size, 1), 30000, np.uint16)] * count) == []


def test_frames_are_taken_one_by_one() -> None:
    alive = 0

    class Frame(np.ndarray[tuple[int, ...], np.dtype[np.uint16]]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream() -> Iterator[NDArray[np.uint16]]:
        nonlocal alive
        for _ in range(20):
            frame = np.zeros((8, 8, 1), np.uint16).view(Frame)
            alive += 1
            assert alive <= 2
            yield frame
            del frame

    assert scene_cuts(stream()) == []
