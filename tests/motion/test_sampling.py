"""Pictures that are sampled along a flow."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipcli.motion import warp
from pipcli.refine import trajectories
from pipcli.tiles import Window
from support.motion_clips import texture

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
STEPS = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
MODES = ("bilinear", "bicubic")


class Along:
    """One flow from every frame to every other."""

    def __init__(self, flow: torch.Tensor) -> None:
        self._flow = flow

    def flow(self, source: int, target: int) -> torch.Tensor:
        return self._flow

    def found(self, source: int, target: int) -> torch.Tensor:
        return torch.ones(1, *self._flow.shape[1:], dtype=torch.bool)


def moved(pictures: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Return the pixels of pictures nearest to where a flow leads."""
    whole = Window(0, 0, pictures.shape[-2], pictures.shape[-1])
    return torch.cat([trajectories.moved(pictures, Along(flow), at, at, whole) for at in range(len(pictures))])


def shifted(picture: torch.Tensor, step: tuple[int, int]) -> torch.Tensor:
    """Return the picture as it is seen `step` further on, with its edges repeated."""
    height, width = picture.shape[-2:]
    rows = (torch.arange(height) + step[0]).clamp(0, height - 1)
    columns = (torch.arange(width) + step[1]).clamp(0, width - 1)
    return picture[:, :, rows[:, None], columns]


@settings(deadline=None, max_examples=40)
@given(SIZES, STEPS)
def test_whole_pixels_are_a_shift(size: tuple[int, int], step: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size)
    flow = torch.tensor(step, dtype=torch.float32)[:, None, None].expand(2, *size)
    wanted = shifted(picture, step)
    assert torch.equal(moved(picture, flow), wanted)
    assert torch.allclose(warp(picture, flow), wanted, atol=1e-4)
    assert torch.allclose(warp(picture, flow, "bicubic"), wanted, atol=1e-4)


def test_between_pixels_bilinear_is_the_mean_and_bicubic_is_nearer_the_truth() -> None:
    fine = texture(129, 129, finest=12)
    picture, truth = fine[:, :, ::2, ::2], fine[:, :, 1::2, ::2]
    flow = torch.stack([torch.full((65, 65), 0.5), torch.zeros(65, 65)])
    linear = warp(picture, flow)
    assert torch.allclose(linear[:, :, :-1], (picture[:, :, :-1] + picture[:, :, 1:]) / 2, atol=1e-5)
    errors = [float((warp(picture, flow, mode)[:, :, 4:60] - truth[:, :, 4:60]).abs().mean()) for mode in MODES]
    assert errors[1] < errors[0]


def test_a_warp_has_gradients() -> None:
    picture = torch.rand(1, 1, 5, 6, requires_grad=True)
    flow = torch.full((2, 5, 6), 0.3, requires_grad=True)
    warp(picture, flow).square().sum().backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
    assert flow.grad is not None
    assert flow.grad.abs().sum() > 0


def test_moved_noise_keeps_its_level_and_warped_noise_loses_it() -> None:
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    flow = torch.full((2, 64, 64), 0.4)
    assert float(moved(noise, flow).std()) > 0.95
    assert float(warp(noise, flow).std()) < 0.7


def test_truth_values_can_be_moved() -> None:
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 1, 2] = True
    seen = moved(mask, torch.ones(2, 4, 4))
    assert seen.dtype == torch.bool
    assert seen.nonzero().tolist() == [[0, 0, 0, 1]]
