"""The non-local filter: noise goes, what the pilot shows comes back, and the divergence that it tells is its own."""

import pytest
import torch

from pipcli.refine import nonlocal_bayes as module
from pipcli.refine.nonlocal_bayes import nonlocal_bayes
from pipcli.refine.spectrum import NoiseBounds
from pipcli.settings import LARGE_PATCHES, SMALL_PATCHES, Patches

STD = 0.1
WHITE = NoiseBounds(STD**2, STD**2)
BOTH = pytest.mark.parametrize("patches", [SMALL_PATCHES, LARGE_PATCHES], ids=["small", "large"])


def picture(height: int, width: int, channels: int = 3) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    waves = 0.5 + 0.15 * (0.9 * rows).sin() * (0.7 * columns).cos() + 0.1 * (rows + columns > 40)
    return waves.expand(1, channels, height, width) * torch.linspace(0.8, 1, channels).view(1, -1, 1, 1)


def noisy(clean: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return clean + STD * torch.randn(clean.shape, generator=generator)


def error(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).square().mean())


@BOTH
@pytest.mark.parametrize("channels", [1, 3])
def test_a_good_pilot_takes_nearly_all_noise_out(patches: Patches, channels: int, generator: torch.Generator) -> None:
    clean = picture(70, 90, channels)
    assert error(nonlocal_bayes(clean, noisy(clean, generator), WHITE, patches).picture, clean) < 0.1 * STD**2


@BOTH
def test_texture_that_the_pilot_shows_faintly_comes_back(patches: Patches, generator: torch.Generator) -> None:
    clean = picture(70, 90)
    pilot = clean.mean() + 0.6 * (clean - clean.mean())
    observation, quiet = clean + STD / 4 * torch.randn(clean.shape, generator=generator), STD**2 / 16
    filtered = nonlocal_bayes(pilot, observation, NoiseBounds(quiet, quiet), patches).picture
    assert error(filtered, clean) < 0.75 * error(pilot, clean)


@BOTH
def test_it_is_linear_in_the_observation(patches: Patches, generator: torch.Generator) -> None:
    pilot = 0.3 + 0.4 * picture(40, 50)
    first, second = (pilot + 0.01 * torch.randn(pilot.shape, generator=generator) for _ in range(2))
    results = [nonlocal_bayes(pilot, seen, WHITE, patches).picture for seen in (first, second, (first + second) / 2)]
    assert (results[2] - (results[0] + results[1]) / 2).abs().max() < 1e-5


@BOTH
def test_the_influence_is_the_divergence(patches: Patches, generator: torch.Generator) -> None:
    pilot = 0.3 + 0.4 * picture(64, 70)
    probe = torch.randn(pilot.shape, generator=generator)
    before, after = (nonlocal_bayes(pilot, pilot + step * probe, WHITE, patches) for step in (0, 0.02))
    divergence = float((probe * (after.picture - before.picture)).mean()) / 0.02
    assert before.influence == pytest.approx(divergence, abs=0.02)
    assert 0 < before.influence < 1


@pytest.mark.parametrize("size", [(8, 8), (12, 12), (9, 300), (300, 9), (61, 130)])
def test_any_size_keeps_its_size(size: tuple[int, int], generator: torch.Generator) -> None:
    clean = torch.full((1, 3, *size), 0.5)
    filtered = nonlocal_bayes(clean, noisy(clean, generator), WHITE, SMALL_PATCHES).picture
    assert filtered.shape == clean.shape
    assert torch.isfinite(filtered).all()
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_where_all_patches_are_alike_every_pixel_has_an_estimate() -> None:
    flat = torch.full((1, 3, 64, 64), 0.4)
    assert (nonlocal_bayes(flat, flat, WHITE, LARGE_PATCHES).picture - flat).abs().max() < 1e-4


def test_workers_and_regions_leave_no_trace(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = picture(80, 150)
    seen = noisy(clean, generator)
    whole = nonlocal_bayes(clean, seen, WHITE, SMALL_PATCHES)
    assert torch.equal(nonlocal_bayes(clean, seen, WHITE, SMALL_PATCHES, workers=3).picture, whole.picture)
    monkeypatch.setattr(module, "REGION", 48)
    assert (nonlocal_bayes(clean, seen, WHITE, SMALL_PATCHES).picture - whole.picture).abs().max() < 1e-4


def test_noise_that_is_not_white_is_noticed(generator: torch.Generator) -> None:
    clean = torch.full((1, 1, 96, 96), 0.5)
    coarse = torch.nn.functional.interpolate(
        STD * torch.randn(1, 1, 48, 48, generator=generator), scale_factor=2, mode="bilinear"
    )
    pilot = clean + 0.02 * torch.randn(clean.shape, generator=generator)
    filtered = nonlocal_bayes(pilot, clean + coarse, NoiseBounds(1e-5), SMALL_PATCHES).picture
    assert error(filtered, clean) < 0.3 * error(clean + coarse, clean)


def test_black_and_white_with_next_to_no_noise_is_kept() -> None:
    stripes = ((torch.arange(64) // 8) % 2).float().expand(1, 3, 64, 64)
    for patches in (SMALL_PATCHES, LARGE_PATCHES):
        kept = nonlocal_bayes(stripes, stripes, NoiseBounds(1e-12, 1e-12), patches).picture
        assert (kept - stripes).abs().max() < 1e-3
