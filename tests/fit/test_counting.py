"""Which samples count in a fit, and what is held out."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pipcli.fit.counting import BLOCK, MOST_COVERED, Counting, draw_held_out, draw_held_out_blocks
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


@pytest.mark.parametrize("reach", [2, 4, 8])
def test_what_is_fitted_is_farther_from_a_block_than_the_noise_reaches(reach: int, generator: torch.Generator) -> None:
    held_out, gap = draw_held_out_blocks((120, 150), 0.04, reach, generator)
    assert held_out.sum() >= 4 * BLOCK**2
    assert not (held_out & gap).any()
    assert (held_out | gap).float().mean() <= MOST_COVERED
    near = F.max_pool2d(held_out.float()[None, None], 2 * reach + 1, 1, reach)[0, 0] > 0
    assert not (near & ~held_out & ~gap).any()


def test_blocks_are_at_the_same_place_in_all_frames(generator: torch.Generator) -> None:
    held_out, gap = draw_held_out_blocks((3, 60, 60), 0.04, 3, generator)
    assert held_out.any()
    assert (held_out == held_out[:1]).all()
    assert (gap == gap[:1]).all()


@pytest.mark.parametrize(("size", "share"), [((9, 9), 0.04), ((60, 60), 0.0)])
def test_no_block_is_drawn_where_none_fits_or_none_is_asked(
    size: tuple[int, int], share: float, generator: torch.Generator
) -> None:
    held_out, gap = draw_held_out_blocks(size, share, 3, generator)
    assert not held_out.any()
    assert not gap.any()


def test_what_is_fitted_tells_the_noise_of_single_pixels_and_not_that_of_blocks(generator: torch.Generator) -> None:
    side, reach = 120, 4
    noise = torch.from_numpy(camera_noise((side, side, 1), 1.0, 1.0)[..., 0])
    single, (blocks, gap) = (
        draw_held_out((side, side), 0.04, generator),
        draw_held_out_blocks((side, side), 0.04, reach, generator),
    )
    errors = [
        _error_of_nearest(noise, held_out, fitted)
        for held_out, fitted in ((single, ~single), (blocks, ~(blocks | gap)))
    ]
    assert errors[0] < 0.6
    assert errors[1] > 1.5


def _error_of_nearest(noise: torch.Tensor, held_out: torch.Tensor, fitted: torch.Tensor) -> float:
    """Return the mean squared error if each pixel that is held out is foretold by the nearest one that is fitted."""
    places, known = (torch.stack(mask.nonzero(as_tuple=True), 1).float() for mask in (held_out, fitted))
    nearest = torch.cdist(places, known).argmin(1)
    return float((noise[held_out] - noise[fitted][nearest]).square().mean())


def test_shares_of_the_observed_samples_of_each_member_are_one_in_sum() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).random((2, 8, 9)) < 0.7)
    observed = torch.from_numpy(np.random.default_rng(1).random((2, 3, 8, 9)) < 0.7)
    shares = Counting(observed).shares(pixels, 3)
    assert torch.allclose(shares.sum((1, 2, 3)), torch.ones(2))
    assert torch.equal(shares > 0, observed & pixels[:, None])
    assert torch.allclose(Counting().shares(pixels, 3).sum((1, 2, 3)), torch.full((2,), 1 / 3))
    assert not Counting(observed).shares(pixels & False, 3).any()
