"""The Wiener filter: what its pilot knows comes back from the observation, and the noise does not."""

import pytest
import torch
from torch.nn import functional as F

from pipcli.refine import wiener as module
from pipcli.refine.spectrum import NoiseBounds
from pipcli.refine.wiener import wiener
from pipcli.tiles import Window

STD = 0.1
WHITE = NoiseBounds(STD**2, STD**2)


def picture(height: int, width: int, channels: int = 3) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    waves = 0.5 + 0.15 * (0.9 * rows).sin() * (0.7 * columns).cos() + 0.1 * (rows + columns > 40)
    return waves.expand(1, channels, height, width) * torch.linspace(0.8, 1, channels).view(1, -1, 1, 1)


def noise(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return STD * torch.randn(like.shape, generator=generator)


def filtered_by(pilot: torch.Tensor, observation: torch.Tensor, noise: NoiseBounds) -> torch.Tensor:
    return wiener(pilot, observation, noise).picture


def error(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).square().mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_good_pilot_takes_nearly_all_noise_out(channels: int, generator: torch.Generator) -> None:
    clean = picture(70, 90, channels)
    observation = clean + noise(clean, generator)
    assert error(filtered_by(clean, observation, WHITE), clean) < 0.1 * STD**2


def test_texture_that_the_pilot_shows_faintly_comes_back(generator: torch.Generator) -> None:
    clean = picture(70, 90)
    pilot = clean.mean() + 0.6 * (clean - clean.mean())
    observation = clean + noise(clean, generator)
    filtered = filtered_by(pilot, observation, WHITE)
    assert error(filtered, clean) < 0.5 * error(pilot, clean)
    assert error(filtered, clean) < 0.5 * error(observation, clean)


def test_an_observation_without_noise_comes_back(generator: torch.Generator) -> None:
    clean = picture(40, 50)
    assert (filtered_by(clean, clean, NoiseBounds(0.0)) - clean).abs().max() < 1e-4
    flat = torch.full((1, 3, 20, 20), 0.4)
    assert (filtered_by(flat, flat, NoiseBounds(0.0)) - flat).abs().max() < 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (8, 8), (9, 300), (300, 9)])
def test_any_size_keeps_its_size(size: tuple[int, int], generator: torch.Generator) -> None:
    clean = torch.full((1, 3, *size), 0.5)
    filtered = filtered_by(clean, clean + noise(clean, generator), WHITE)
    assert filtered.shape == clean.shape
    assert torch.isfinite(filtered).all()
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_parts_join_without_a_seam(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = picture(60, 150)
    observation = (clean + noise(clean, generator)).clamp(0, 1)
    whole = filtered_by(clean, observation, WHITE)
    monkeypatch.setattr(module, "SIDE", 64)
    monkeypatch.setattr(module, "STRIDE", 48)
    assert (filtered_by(clean, observation, WHITE) - whole).abs().max() < 0.03
    assert error(filtered_by(clean, observation, WHITE), whole) < 1e-6


def test_noise_that_is_not_white_is_noticed(generator: torch.Generator) -> None:
    clean = torch.full((1, 1, 96, 96), 0.5)
    coarse = F.interpolate(STD * torch.randn(1, 1, 32, 32, generator=generator), scale_factor=3, mode="bilinear")
    pilot = clean + 0.02 * torch.randn(clean.shape, generator=generator)
    filtered = filtered_by(pilot, clean + coarse, NoiseBounds(1e-6))
    assert error(filtered, clean) < 0.5 * error(clean + coarse, clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_influence_is_the_divergence(channels: int, generator: torch.Generator) -> None:
    pilot = 0.3 + 0.4 * picture(64, 70, channels)
    quiet = NoiseBounds(0.02**2, 0.02**2)
    # The first pass is the second one's pilot: held, as the definition has it, where both are of the same observation.
    first = module._filter(pilot, pilot, quiet, Window(0, 0, 64, 70))
    probe = torch.randn(pilot.shape, generator=generator)
    second = module._filter(pilot, pilot + 0.01 * probe, quiet, Window(0, 0, 64, 70))
    divergence = float((probe * (second - first)[:, :-1]).mean()) / 0.01
    assert float(first[:, -1].mean()) == pytest.approx(divergence, abs=0.02)
    assert 0 < wiener(pilot, pilot, quiet).influence < 1
