"""Haze: the model, its bound on the transmission, and the priors in its data term."""

import pytest
import torch
from torch import Tensor

from pipcli.degradations import Haze
from pipcli.degradations.dark_channel import dark_channel, least_transmission
from pipcli.degradations.haze import split, steepness
from pipcli.noise import Gaussian
from pipcli.settings import DEHAZE
from pipcli.simulation import haze as simulation

SIZES = [(1, 1), (1, 7), (9, 1), (12, 17)]


def unknowns(size: tuple[int, int], channels: int, generator: torch.Generator, members: int = 1) -> Tensor:
    scene = torch.rand(members, channels, *size, generator=generator)
    transmission = 0.2 + 0.7 * torch.rand(members, 1, *size, generator=generator)
    airlight = (0.6 + 0.3 * torch.rand(members, channels, 1, 1, generator=generator)).expand_as(scene)
    return torch.cat([scene, transmission, airlight], dim=1)


def haze_of(maps: Tensor) -> Haze:
    return Haze(Gaussian.known(0.01), split(maps)[2][:, :, :1, :1].clone(), 1, DEHAZE.priors)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_haze_that_degrade_makes(size: tuple[int, int], channels: int, generator: torch.Generator) -> None:
    maps = unknowns(size, channels, generator)
    scene, transmission, airlight = split(maps)
    hazy, same_transmission, same_airlight = split(haze_of(maps)(maps))
    expected = simulation.hazy(
        scene[0].permute(1, 2, 0).double().numpy(),
        transmission[0, 0].double().numpy(),
        airlight[0, :, 0, 0].double().numpy(),
    )
    torch.testing.assert_close(hazy[0].permute(1, 2, 0).double(), torch.from_numpy(expected), atol=1e-6, rtol=0)
    assert torch.equal(same_transmission, transmission)
    assert torch.equal(same_airlight, airlight)
    assert haze_of(maps).target_size(size) == size


@pytest.mark.parametrize("radius", [0, 1, 4])
def test_the_dark_channel_is_the_minimum_of_each_square(radius: int, generator: torch.Generator) -> None:
    picture = torch.rand(1, 3, 8, 11, generator=generator)
    dark = dark_channel(picture, radius)
    for y, x in [(0, 0), (3, 5), (7, 10)]:
        square = picture[0, :, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        assert dark[0, 0, y, x] == square.min()


@pytest.mark.parametrize("size", SIZES)
def test_no_transmission_is_below_its_bound(size: tuple[int, int], generator: torch.Generator) -> None:
    maps = unknowns(size, 3, generator)
    _, transmission, airlight = split(maps)
    hazy, _, _ = split(haze_of(maps)(maps))
    # A square of one pixel: the transmission of these maps is not the same all over a larger one.
    assert (least_transmission(hazy, airlight, 0) <= transmission + 1e-6).all()


def test_a_black_scene_reaches_the_bound() -> None:
    maps = torch.cat([torch.zeros(1, 3, 4, 4), torch.full((1, 1, 4, 4), 0.3), torch.full((1, 3, 4, 4), 0.8)], dim=1)
    hazy, transmission, airlight = split(haze_of(maps)(maps))
    torch.testing.assert_close(least_transmission(hazy, airlight, 2), transmission)


@pytest.mark.parametrize("size", SIZES)
def test_its_gradients_are_finite(size: tuple[int, int], generator: torch.Generator) -> None:
    maps = unknowns(size, 3, generator, members=2).requires_grad_()
    haze = haze_of(maps.detach())
    observation = torch.rand(2, 3, *size, generator=generator)
    misfits = haze.data_term(haze(maps), observation)
    assert misfits.shape == observation.shape
    assert (misfits >= 0).all()
    misfits.sum().backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()


def test_the_price_is_least_at_the_high_quantile_of_the_bounds() -> None:
    """A transmission that is the same everywhere lies above the given share of the bounds."""
    bounds = torch.linspace(0, 0.8, 81)
    observation = (0.8 * (1 - bounds)).view(1, 1, 9, 9)
    haze = Haze(Gaussian.known(0.01), torch.full((1, 1, 1, 1), 0.8), 0, DEHAZE.priors)

    def price(transmission: float) -> float:
        plane = torch.full((1, 1, 9, 9), transmission)
        return float(
            haze.data_term(torch.cat([observation, plane, torch.full_like(plane, 0.8)], 1), observation).mean()
        )

    prices = {share: price(share / 100) for share in range(0, 100)}
    best = min(prices, key=lambda share: prices[share])
    assert best / 80 == pytest.approx(DEHAZE.priors.quantile, abs=0.02)


def test_a_ramp_is_as_steep_in_every_resolution() -> None:
    coarse, fine = (steepness(torch.linspace(0, 1, length + 1)[None, None, None, :-1]) for length in (20, 200))
    assert float(coarse[..., 0]) == pytest.approx(1, rel=1e-4)
    assert float(fine[..., 0]) == pytest.approx(1, rel=1e-4)
