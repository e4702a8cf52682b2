"""Giving back a share of the residual: right where theory knows the answer, harmless elsewhere."""

import pytest
import torch

from pipcli.add_back import add_back

SIZE = (160, 144)
NOISE = 0.05


def made(
    generator: torch.Generator, bias: float, leak: float, size: tuple[int, int] = SIZE
) -> tuple[torch.Tensor, ...]:
    """Return clean, observation, held-out pixels, and an estimate that lost some texture and kept some noise."""
    clean = 0.5 + 0.05 * torch.randn(1, 3, *size, generator=generator).clamp(-3, 3)
    noise = NOISE * torch.randn(1, 3, *size, generator=generator).clamp(-4, 4)
    held_out = torch.rand(size, generator=generator) < 0.2
    lost = bias * torch.randn(1, 3, *size, generator=generator)
    estimate = clean + lost + leak * noise * ~held_out
    return clean, clean + noise, held_out, estimate


def error(picture: torch.Tensor, clean: torch.Tensor) -> float:
    return float((picture - clean).square().mean())


@pytest.mark.parametrize("bias", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("leak", [0.0, 0.1])
def test_the_mixture_is_as_good_as_the_best(bias: float, leak: float, generator: torch.Generator) -> None:
    clean, observation, held_out, estimate = made(generator, bias, leak)
    mixed = add_back(estimate, observation, held_out, NOISE, leak=1.0)
    shares = torch.linspace(0, 1, 101)
    best = min(error(estimate + float(w) * (observation - estimate), clean) for w in shares)
    assert error(mixed, clean) < 1.05 * best
    assert error(mixed, clean) <= 1.01 * min(error(estimate, clean), error(observation, clean))


def test_a_good_estimate_is_left_alone(generator: torch.Generator) -> None:
    _, observation, held_out, estimate = made(generator, 0.002, 0.0)
    assert error(add_back(estimate, observation, held_out, NOISE), estimate) < 1e-6


def test_where_nothing_was_held_out_the_estimate_stays() -> None:
    estimate, observation = torch.full((1, 1, 9, 9), 0.4), torch.full((1, 1, 9, 9), 0.6)
    for held_out in (torch.zeros(9, 9, dtype=torch.bool), torch.ones(9, 9, dtype=torch.bool)):
        assert torch.equal(add_back(estimate, observation, held_out, 0.1), estimate)


def test_an_exact_estimate_stays_as_it_is() -> None:
    estimate = torch.full((1, 3, 40, 40), 0.4)
    held_out = torch.zeros(40, 40, dtype=torch.bool)
    held_out[::5, ::5] = True
    assert torch.equal(add_back(estimate, estimate, held_out, 0.0), estimate)


def test_the_share_follows_the_place(generator: torch.Generator) -> None:
    clean, observation, held_out, _ = made(generator, 0.0, 0.0, (130, 400))
    estimate = clean.clone()
    estimate[..., 200:] = 0.5  # all texture lost on the right
    mixed = add_back(estimate, observation, held_out, NOISE)
    share = (mixed - estimate).abs().mean((0, 1, 2)) / (observation - estimate).abs().mean((0, 1, 2))
    assert share[:50].max() < 0.08
    assert share[-50:].mean() == pytest.approx(0.5, abs=0.05)
