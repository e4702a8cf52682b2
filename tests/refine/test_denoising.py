"""What becomes of the networks' picture: filtered, joined with the branch, and never worse than the observation."""

import dataclasses
import math

import pytest
import torch

from pipcli.fit.device import choose_device
from pipcli.noise import Gaussian, Origin
from pipcli.refine import denoising
from pipcli.refine.denoising import BranchUse, Finished, finish
from pipcli.refine.observation import Observation
from pipcli.refine.palette import with_palette
from pipcli.refine.r2r import Branch
from pipcli.settings import FINISH, BranchSettings, FinishSettings, Quality
from pipcli.watch import UNWATCHED
from support.watches import Ending

STD = 0.1
BRANCH = BranchSettings(width=8, scales=2, steps=2000, learning_rate=5e-3, crop=32, recorruption=0.5)
STANDARD = FINISH[Quality.STANDARD]
JOINED = dataclasses.replace(STANDARD, branch=BRANCH)


@pytest.fixture(autouse=True)
def _no_palette(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what restores pictures of few colours, as these are; it has tests of its own."""
    monkeypatch.setattr(denoising, "with_palette", lambda *_: None)


def clean(height: int = 64, width: int = 64) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    return (0.5 + 0.2 * torch.sign((0.2 * rows).sin() * (0.25 * columns).cos())).expand(1, 3, height, width)


def noisy(picture: torch.Tensor, generator: torch.Generator, std: float = STD) -> torch.Tensor:
    return (picture + std * torch.randn(picture.shape, generator=generator)).clamp(0, 1)


def smoothed(picture: torch.Tensor, side: int = 5) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(picture, side, 1, side // 2, count_include_pad=False)


def error(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).square().mean())


class EndingInBranch(Ending):
    """Asks for an end after so many steps of the branch."""

    def must_end(self) -> bool:
        return bool(self.told) and super().must_end()


def finished(
    image: torch.Tensor,
    observation: torch.Tensor,
    settings: FinishSettings,
    noise: Gaussian | None = None,
    end_at: int | None = None,
) -> Finished:
    device = choose_device("cpu")
    watch = UNWATCHED if end_at is None else EndingInBranch(end_at - 1) if end_at else Ending()
    return finish(image, Observation(observation, noise or Gaussian.known(STD)), settings, device, 0, watch)


def test_a_smooth_pilot_becomes_sharp(generator: torch.Generator) -> None:
    observation = noisy(clean(), generator)
    pilot = smoothed(clean())
    result = finished(pilot, observation, STANDARD)
    assert error(result.image, clean()) < 0.3 * error(pilot, clean())
    assert error(result.image, clean()) < 0.15 * STD**2
    assert result == Finished(result.image)


def test_without_passes_the_picture_is_as_it_was(generator: torch.Generator) -> None:
    pilot = torch.rand(1, 3, 20, 20, generator=generator)
    assert finished(pilot, noisy(pilot, generator), FinishSettings()).image is pilot


def test_the_branch_is_joined_when_it_helps(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    good = clean() + 0.1 * STD * torch.randn(1, 3, 64, 64, generator=generator)
    monkeypatch.setattr(Branch, "denoise", lambda branch, picture: good)
    observation = noisy(clean(), generator)
    pilot = smoothed(clean(), 9)
    few = dataclasses.replace(JOINED, branch=dataclasses.replace(BRANCH, steps=20))
    alone, joined = (finished(pilot, observation, settings) for settings in (STANDARD, few))
    assert alone.branch is alone.branch_weight is None
    assert joined.branch is BranchUse.JOINED
    assert joined.branch_weight is not None
    assert joined.branch_weight > 0
    assert error(joined.image, clean()) < 0.95 * error(alone.image, clean())


@pytest.mark.parametrize("value", [0.0, 5.0, math.nan])
def test_a_branch_that_has_learned_nothing_does_no_harm(
    value: float, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Branch, "denoise", lambda branch, picture: torch.full_like(picture, value))
    observation = noisy(clean(), generator)
    few = dataclasses.replace(JOINED, branch=dataclasses.replace(BRANCH, steps=20))
    result = finished(smoothed(clean()), observation, few)
    assert result.branch is (BranchUse.FAILED if math.isnan(value) else BranchUse.JOINED)
    assert not result.branch_weight
    assert error(result.image, clean()) < 0.15 * STD**2


def test_a_branch_that_is_cut_short_is_done_without(generator: torch.Generator) -> None:
    observation = noisy(clean(), generator)
    pilot = smoothed(clean())
    result = finished(pilot, observation, JOINED, end_at=2)
    assert result.branch is BranchUse.CUT_SHORT
    assert result.branch_weight is None
    assert torch.equal(result.image, finished(pilot, observation, STANDARD).image)


def test_noise_that_is_correlated_gets_no_branch(generator: torch.Generator) -> None:
    observation = (clean() + 2 * smoothed(STD * torch.randn(1, 3, 64, 64, generator=generator), 3)).clamp(0, 1)
    result = finished(smoothed(clean()), observation, JOINED)
    assert result.branch is BranchUse.UNSUITABLE


@pytest.mark.parametrize("channels", [1, 3])
def test_texture_that_looks_like_noise_is_never_lost_for_good(channels: int, generator: torch.Generator) -> None:
    # Nothing but texture, of which the pilot knows nothing, and a little noise.
    texture = (0.5 + 0.15 * torch.randn(1, channels, 64, 64, generator=generator)).clamp(0, 1)
    std = 0.02
    observation = noisy(texture, generator, std)
    result = finished(torch.full_like(texture, 0.5), observation, STANDARD, Gaussian.known(std))
    assert error(result.image, texture) < 1.02 * error(observation, texture)


@pytest.mark.parametrize("channels", [1, 3])
def test_no_more_is_taken_than_the_weak_noise_that_was_measured(channels: int, generator: torch.Generator) -> None:
    texture = (0.5 + 0.03 * torch.randn(1, channels, 64, 64, generator=generator)).clamp(0, 1)
    std = 1.5 / 255
    result = finished(torch.full_like(texture, 0.5), texture, STANDARD, Gaussian(255 * std, Origin.ESTIMATED, std))
    assert result.given_back > 0.5
    assert error(result.image, texture) < 10**-4.5


def test_the_same_seed_gives_the_same_picture(generator: torch.Generator) -> None:
    observation = noisy(clean(40, 40), generator)
    first, second = (finished(smoothed(clean(40, 40)), observation, JOINED) for _ in range(2))
    assert torch.equal(first.image, second.image)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (9, 9)])
def test_any_size_is_finished(size: tuple[int, int], generator: torch.Generator) -> None:
    picture = torch.full((1, 3, *size), 0.5)
    result = finished(picture, noisy(picture, generator), JOINED)
    assert result.image.shape == picture.shape
    assert torch.isfinite(result.image).all()


def test_an_end_between_passes_leaves_what_there_is(generator: torch.Generator) -> None:
    observation = noisy(clean(), generator)
    pilot = smoothed(clean())
    early = finished(pilot, observation, STANDARD, end_at=0)  # asked for from the first pass on
    assert error(early.image, clean()) < 0.5 * error(observation, clean())
    assert not torch.equal(early.image, finished(pilot, observation, STANDARD).image)


@pytest.mark.parametrize("quality", [Quality.DRAFT, Quality.BEST])
def test_a_picture_of_few_colours_needs_no_branch(
    quality: Quality, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denoising, "with_palette", with_palette)
    flat = 2 * clean() - 0.5
    result = finished(smoothed(flat), noisy(flat, generator), FINISH[quality])
    assert result.branch is (BranchUse.UNNEEDED if quality is Quality.BEST else None)
    assert error(result.image, flat) < 0.02 * STD**2
