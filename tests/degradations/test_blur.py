"""A blur is a convolution, what `degrade` does with cropped edges, and knows which part of the picture it shows."""

import numpy as np
import pytest
import torch

from pipcli.degradations import Blur
from pipcli.noise import Gaussian
from pipcli.simulation.blurring import blurred, kept
from pipcli.simulation.names import Border

NOISE = Gaussian.known(0.1)
SIZES = pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 4), (5, 12), (11, 8)])


def kernel(size: tuple[int, int]) -> torch.Tensor:
    weights = torch.rand(size, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return weights / weights.sum()


@SIZES
def test_it_is_the_blur_of_the_simulation(size: tuple[int, int]) -> None:
    samples, weights = np.random.default_rng(0).random((23, 31, 2)), kernel(size)
    picture = torch.from_numpy(samples).movedim(2, 0)[None]
    degrade = Blur(NOISE, weights)
    ours = degrade(picture)[0].movedim(0, 2).numpy()
    assert np.allclose(ours, blurred(samples, weights.numpy(), Border.CROP), atol=1e-12)
    shown = degrade.visible(picture)[0].movedim(0, 2).numpy()
    assert np.array_equal(shown, samples[kept((23, 31), weights.numpy())])


@SIZES
def test_a_point_becomes_the_kernel_around_it(size: tuple[int, int]) -> None:
    weights = kernel(size)
    picture = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    degrade = Blur(NOISE, weights)
    degrade.visible(picture)[0, 0, 15, 14] = 1
    top, left = 15 - size[0] // 2, 14 - size[1] // 2
    assert torch.allclose(degrade(picture)[0, 0, top : top + size[0], left : left + size[1]], weights, atol=1e-12)


def test_the_kernel_is_a_constant_that_travels_with_it() -> None:
    degrade = Blur(NOISE, kernel((3, 3)))
    assert list(degrade.parameters()) == []
    assert degrade.to(torch.float32)(torch.rand(1, 1, 9, 9)).dtype == torch.float32


@SIZES
def test_the_naive_picture_shows_the_observation(size: tuple[int, int]) -> None:
    degrade = Blur(NOISE, kernel(size))
    observation = torch.rand(1, 1, 20, 17)
    naive = degrade.naive(observation)
    assert naive.shape[-2:] == degrade.target_size((20, 17))
    assert torch.equal(degrade.visible(naive), observation)


def test_it_serves_pictures_with_the_same_kernel() -> None:
    assert Blur(NOISE, kernel((3, 3))).serves(Blur(NOISE, kernel((3, 3))))
    assert not Blur(NOISE, kernel((3, 3))).serves(Blur(NOISE, kernel((3, 4))))


def test_samples_at_the_ends_of_the_range_are_limits() -> None:
    observation = torch.tensor([[[[0.0, 0.3, 1.0]]]])
    assert Blur(NOISE, kernel((1, 3))).limits(observation).tolist() == [[[[-1, 0, 1]]]]  # type: ignore[union-attr]
    assert Blur(NOISE, kernel((1, 3))).limits(observation[..., 1:2]) is None


def test_what_a_lamp_may_have_whitened_is_not_for_a_picture_in_the_range_to_explain() -> None:
    degrade = Blur(NOISE, torch.full((1, 3), 1 / 3))
    observation = torch.full((1, 1, 1, 20), 0.5)
    observation[..., 3:6] = 1  # one pixel reaches all three, and no other pixel reaches these alone
    observation[..., 10:] = 1
    explicable = degrade.explicable(observation)
    assert explicable is not None
    assert (~explicable).nonzero()[:, -1].tolist() == [3, 4, 5, 10, 11]
    assert degrade.explicable(observation.clamp(max=0.9)) is None
