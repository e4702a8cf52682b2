"""Which samples count in a fit, and what is held out."""

import numpy as np
import pytest
import torch

from pipcli.fit.counting import Counting, draw_held_out, of_pair, pair
from support.noise_pictures import camera_noise


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_at_least_one_pixel_is_held_out_unless_none_shall_be(generator: torch.Generator) -> None:
    assert draw_held_out((20, 24), 1e-9, generator).sum() == 1
    assert not draw_held_out((20, 24), 0.0, generator).any()
    assert not draw_held_out((3, 3), 0.5, generator).any()
    share = draw_held_out((200, 240), 0.04, generator).float().mean()
    assert 0.03 < share < 0.05


def test_a_pair_has_independent_noises_and_gives_the_observation_back() -> None:
    noise, fresh = (torch.from_numpy(camera_noise((200, 200, 1), 1.0, 1.0, seed)[..., 0]) for seed in (0, 1))
    seen, witness = pair(noise, fresh)
    assert abs(float((seen * witness).mean())) < 0.1 * float(seen.std() * witness.std())
    assert torch.allclose(of_pair(seen, witness), noise)


def test_shares_of_the_observed_samples_of_each_member_are_one_in_sum() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).random((2, 8, 9)) < 0.7)
    observed = torch.from_numpy(np.random.default_rng(1).random((2, 3, 8, 9)) < 0.7)
    shares = Counting(observed).shares(pixels, 3)
    assert torch.allclose(shares.sum((1, 2, 3)), torch.ones(2))
    assert torch.equal(shares > 0, observed & pixels[:, None])
    assert torch.allclose(Counting().shares(pixels, 3).sum((1, 2, 3)), torch.full((2,), 1 / 3))
    assert not Counting(observed).shares(pixels & False, 3).any()
