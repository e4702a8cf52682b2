"""Penalties on the pictures, and a fit with them."""

import dataclasses

import pytest
import torch

from pipcli.fit.regularisers import penalties, tikhonov, total_variation
from support.fits import ROWS, make_fit, three_pictures


def test_of_a_ramp_both_follow_from_its_slope() -> None:
    ramp = (0.03 * torch.arange(10)[:, None] + 0.04 * torch.arange(20)).expand(2, 3, 10, 20)
    inside = 9 * 19 * 0.05 + 9 * 0.03 + 19 * 0.04  # the last row and column have one neighbour
    assert total_variation(ramp).tolist() == pytest.approx([inside / 200] * 2, rel=1e-3)
    squares = 9 * 20 * 0.03**2 + 10 * 19 * 0.04**2
    assert tikhonov(ramp).tolist() == pytest.approx([squares / 200] * 2, rel=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (6, 7)])
@pytest.mark.parametrize("penalty", [total_variation, tikhonov])
def test_flat_and_tiny_pictures_have_finite_gradients(penalty: object, size: tuple[int, int]) -> None:
    pictures = torch.full((2, 3, *size), 0.5, requires_grad=True)
    values = penalty(pictures)  # type: ignore[operator]
    values.sum().backward()
    assert values.abs().max() < 1e-3
    assert pictures.grad is not None
    assert pictures.grad.isfinite().all()


def test_what_is_off_is_not_computed() -> None:
    settings = ROWS["pip"].fit
    assert penalties(torch.rand(1, 1, 4, 4), settings) == []
    (only,) = penalties(torch.ones(1, 1, 4, 4), dataclasses.replace(settings, tv=2.0))
    assert only.shape == (1,)


@pytest.mark.parametrize("name", ["tv", "tikhonov"])
def test_a_penalty_smooths_the_result_and_members_stay_apart(name: str) -> None:
    row = dataclasses.replace(ROWS["pip"], fit=dataclasses.replace(ROWS["pip"].fit, **{name: 0.5}))
    noisy = (three_pictures() + 0.2 * torch.randn(3, 3, 20, 24, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    plain, smooth = make_fit(ROWS["pip"], noisy), make_fit(row, noisy)
    alone = make_fit(row, noisy[:1])
    for fit in (plain, smooth, alone):
        iterates = fit.advance(40)
    assert (total_variation(smooth.estimates()) < total_variation(plain.estimates())).all()
    torch.testing.assert_close(smooth.estimates()[:1], alone.estimates(), rtol=0, atol=2e-2)
    # The residual that is told is the data term alone.
    assert iterates[0].residual < 1
