"""The networks' picture and an observation through a linear map: who is believed, by samples that neither has seen."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from pipcli.degradations import Downsample, Identity
from pipcli.fit.device import choose_device
from pipcli.metrics import psnr
from pipcli.noise import Gaussian
from pipcli.refine.inverse import join
from pipcli.refine.observation import Degraded, Observation
from pipcli.settings import KernelName, Patches, Round, Splitting, falling

ROUNDING = 1 / (12 * 255**2)
SPLITTING = Splitting(
    falling(20.0, 4.0, 12, Patches(side=4, stride=3, radius=6, similar=20, noise_factor=1.0)),
    momentum=0.75,
    weights=(0.0, 0.5, 1.0),
)


def waves(side: int) -> Tensor:
    down, right = torch.meshgrid(torch.arange(side) / 5.0, torch.arange(side) / 7.0, indexing="ij")
    return (0.5 + 0.3 * torch.sin(down) * torch.cos(right))[None, None]


def held_out(side: int) -> Tensor:
    return torch.rand(side, side, generator=torch.Generator().manual_seed(1)) < 0.1


def joined(
    image: Tensor, observation: Tensor, degraded: Degraded, splitting: Splitting = SPLITTING
) -> tuple[Tensor, float | None]:
    known = Observation(observation, Gaussian.of_rounding(16), degraded)
    result = join(image, known, splitting, choose_device("cpu"))
    return result.image, result.networks_weight


@pytest.fixture
def masked() -> tuple[Tensor, Degraded]:
    identity = Identity(Gaussian.known(0.0))
    observed = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0)) < 0.5
    return waves(48), Degraded(identity, identity.naive, observed, held_out(48))


def test_a_true_picture_of_the_networks_is_believed(masked: tuple[Tensor, Degraded]) -> None:
    clean, degraded = masked
    image, weight = joined(clean, torch.where(degraded.observed, clean, 0.0), degraded)
    assert weight == 1.0
    assert psnr(image, clean) > 40


def test_thin_lines_come_nearer_by_filling_in() -> None:
    down, right = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    clean = (0.2 + 0.6 * ((down + 2 * right) % 14 < 2))[None, None]
    identity = Identity(Gaussian.known(0.0))
    observed = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.5
    degraded = Degraded(identity, identity.naive, observed, held_out(64))
    patches = Patches(side=5, stride=2, radius=8, similar=40, noise_factor=1.0)
    filling = replace(SPLITTING, filling=(Round(1.5 / 255, patches),) * 3)
    start = torch.full_like(clean, 0.3)
    before, after = (joined(start, clean * observed, degraded, row)[0] for row in (SPLITTING, filling))
    assert psnr(after, clean) > psnr(before, clean) + 1


def test_what_the_networks_know_alone_is_not_filled_in_again(masked: tuple[Tensor, Degraded]) -> None:
    clean, degraded = masked
    grain = torch.rand(clean.shape, generator=torch.Generator().manual_seed(2))  # which no neighbour tells
    seen = torch.where(degraded.observed, grain, 0.0)
    patches = Patches(side=5, stride=2, radius=8, similar=40, noise_factor=1.0)
    without, filling = (replace(SPLITTING, filling=(Round(1.5 / 255, patches),) * count) for count in (0, 3))
    pictures = [joined(grain, seen, degraded, row)[0] for row in (without, filling)]
    assert torch.equal(*pictures)


def test_a_wrong_one_is_not(masked: tuple[Tensor, Degraded]) -> None:
    clean, degraded = masked
    dark = torch.full_like(clean, 0.2)
    image, weight = joined(dark, torch.where(degraded.observed, clean, 0.0), degraded)
    assert weight == 0.0
    assert psnr(image, clean) > psnr(dark, clean) + 5


def test_known_samples_are_met_exactly_those_held_out_too(masked: tuple[Tensor, Degraded]) -> None:
    clean, degraded = masked
    image, _ = joined(clean.roll(1, 3), clean, degraded)
    assert degraded.observed is not None
    assert torch.equal(image[degraded.observed], clean[degraded.observed])


def test_a_small_picture_is_met_to_less_than_half_a_level() -> None:
    degrade = Downsample(Gaussian.known(0.0), Fraction(3), KernelName.LANCZOS)
    clean = waves(48)
    observation = degrade(clean)
    degraded = Degraded(degrade, degrade.naive, None, held_out(16))
    image, weight = joined(torch.full_like(clean, 0.5), observation, degraded)
    assert weight is not None
    assert float((degrade(image) - observation).abs().max()) < 0.5 / 255


def test_without_samples_to_decide_by_nothing_is_weighed(masked: tuple[Tensor, Degraded]) -> None:
    clean, degraded = masked
    for way in (replace(degraded, held_out=None), replace(degraded, held_out=torch.zeros(48, 48, dtype=torch.bool))):
        assert joined(clean, clean, way)[1] is None
    assert joined(clean, clean, degraded, replace(SPLITTING, weights=()))[1] is None
