"""The branch learns to denoise from noisy pairs alone."""

import dataclasses
import itertools

import pytest
import torch

from pipcli.refine.r2r import Branch, rate_share
from pipcli.settings import BranchSettings
from support.watches import Ending

SETTINGS = BranchSettings(width=8, scales=2, steps=400, learning_rate=5e-3, crop=32, recorruption=0.5)
STD = 0.1


def clean(height: int, width: int) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    return (0.5 + 0.2 * torch.sign((0.2 * rows).sin() * (0.25 * columns).cos())).expand(1, 3, height, width)


def branch_of(observation: torch.Tensor, steps: int = 400, seed: int = 0) -> Branch:
    settings = dataclasses.replace(SETTINGS, steps=steps)
    return Branch(observation, torch.full_like(observation, STD), settings, torch.float32, seed)


def test_noise_goes_although_nothing_clean_was_shown(generator: torch.Generator) -> None:
    picture = clean(64, 64)
    observation = picture + STD * torch.randn(picture.shape, generator=generator)
    branch = branch_of(observation, steps=6400)  # of which a small picture gets a sixteenth
    assert branch.train()
    assert float((branch.denoise(observation) - picture).square().mean()) < 0.4 * STD**2


def test_the_same_seed_gives_the_same_network(generator: torch.Generator) -> None:
    observation = torch.rand(1, 3, 33, 40, generator=generator)
    results = []
    for seed in (3, 3, 4):
        branch = branch_of(observation, steps=2000, seed=seed)
        branch.train()
        results.append(branch.denoise(observation))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 31)])
def test_any_size_keeps_its_size(size: tuple[int, int]) -> None:
    observation = torch.full((1, 1, *size), 0.5)
    branch = branch_of(observation, steps=100)
    assert branch.train()
    assert branch.denoise(observation).shape == observation.shape


def test_it_ends_when_it_is_told_to() -> None:
    branch, watch = branch_of(torch.full((1, 3, 64, 64), 0.5)), Ending(after=2)
    assert not branch.train(watch)
    assert watch.asked == 3
    assert [(progress.step, progress.steps) for progress in watch.told] == [(1, 25)]


def test_larger_pictures_get_more_steps_within_bounds() -> None:
    steps = [branch_of(torch.zeros(1, 1, side, side)).steps for side in (64, 256, 512, 4096)]
    assert steps == [25, 400, 1600, 3200]


def test_the_rate_rises_and_falls_to_nothing() -> None:
    shares = [rate_share(step / 100) for step in range(1, 101)]
    assert shares[0] < shares[4]
    assert max(shares) <= 1
    assert shares[-1] == pytest.approx(0)
    assert all(a >= b for a, b in itertools.pairwise(shares[5:]))
