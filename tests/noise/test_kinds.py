"""What every kind of noise promises, on noise that was simulated."""

import math
from functools import cache

import pytest
import torch
from torch import Tensor

from pipcli.noise import NOISES, Evidence, Noise, Origin, detect
from pipcli.settings import NoiseName
from support.noise_pictures import noisy, photo, ramp

LEVELS = [
    (NoiseName.GAUSSIAN, 25.0),
    (NoiseName.POISSON, 30.0),
    (NoiseName.POISSON, 255.0),
    (NoiseName.LAPLACE, 25.0),
    (NoiseName.SPECKLE, 0.2),
    (NoiseName.IMPULSE, 0.1),
    (NoiseName.IMPULSE, 0.3),
]
FILTERED = [row for row in LEVELS if row[0] is not NoiseName.IMPULSE]
MIDDLE = 0.4


@cache
def flat(kind: NoiseName, level: float, value: float = MIDDLE) -> tuple[Noise, Tensor]:
    """Return the noise, of known level, of a flat picture, and the noisy picture."""
    observation = noisy(torch.full((1, 1, 256, 256), value), kind, level, rounded=False)
    return NOISES[kind].of(Evidence(observation), level), observation


def test_the_table_has_every_kind_but_auto() -> None:
    assert set(NOISES) == set(NoiseName) - {NoiseName.AUTO}
    assert all(kind.name is name for name, kind in NOISES.items())


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_the_misfit_is_least_at_the_truth(kind: NoiseName, level: float) -> None:
    noise, observation = flat(kind, level)
    observed = noise.observed(observation)
    weights = torch.ones_like(observation) if observed is None else observed.float()
    levels = [MIDDLE + step / 100 for step in range(-10, 11)]
    misfits = [float((noise.misfit(torch.full_like(observation, x), observation) * weights).mean()) for x in levels]
    assert abs(levels[misfits.index(min(misfits))] - MIDDLE) <= 0.0101


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_gradients_are_finite_at_both_ends(kind: NoiseName, level: float) -> None:
    noise, _ = flat(kind, level)
    prediction = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5]).reshape(1, 1, 1, -1).requires_grad_()
    observation = torch.tensor([0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.5]).reshape(1, 1, 1, -1)
    noise.misfit(prediction, observation).sum().backward()
    assert prediction.grad is not None
    assert bool(prediction.grad.isfinite().all())
    assert float(prediction.grad.abs().max()) < 100


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_the_expected_misfit_is_that_of_the_clean_picture(kind: NoiseName, level: float) -> None:
    for clean in (ramp(), torch.full((1, 1, 128, 128), 0.04)):
        observation = noisy(clean, kind, level, rounded=False)
        noise = NOISES[kind].of(Evidence(observation), level)
        observed = noise.observed(observation)
        misfit = noise.misfit(clean, observation)
        found = float(misfit.mean() if observed is None else misfit[observed].mean())
        assert noise.expected_misfit(observation) == pytest.approx(found, rel=0.12, abs=1e-3)


@pytest.mark.parametrize(("kind", "level"), FILTERED)
def test_whitened_noise_has_the_variance_that_is_said_and_the_mean_of_the_pilot(kind: NoiseName, level: float) -> None:
    noise, observation = flat(kind, level)
    whitened = noise.whitened(observation, torch.full_like(observation, MIDDLE))
    residual = whitened.observation - whitened.pilot
    assert float(residual.var()) == pytest.approx(whitened.variance, rel=0.08)
    assert abs(float(residual.mean())) < 0.05 * math.sqrt(whitened.variance)


@pytest.mark.parametrize("value", [0.03, 0.2, 0.5, 0.95])
@pytest.mark.parametrize(("kind", "level"), FILTERED)
def test_restoring_the_mean_of_whitened_samples_gives_the_level(kind: NoiseName, level: float, value: float) -> None:
    noise, observation = flat(kind, level, value)
    whitened = noise.whitened(observation, torch.full_like(observation, value))
    restored = whitened.restore(whitened.observation.mean().expand_as(observation))
    assert restored.dtype == torch.float32
    assert float(restored.mean()) == pytest.approx(value, abs=0.012)


@pytest.mark.parametrize(("kind", "level"), [(NoiseName.POISSON, 30.0), (NoiseName.SPECKLE, 0.2)])
def test_the_spread_is_the_same_at_all_levels_that_matter(kind: NoiseName, level: float) -> None:
    spreads = []
    for value in (0.2, 0.4, 0.6):
        noise, observation = flat(kind, level, value)
        spreads.append(float(noise.whitened(observation, observation).observation.std()))
    assert max(spreads) < 1.35 * min(spreads)


@pytest.mark.parametrize(
    ("kind", "level", "tolerance"),
    [
        (NoiseName.POISSON, 30.0, 0.15),
        (NoiseName.POISSON, 255.0, 0.25),
        (NoiseName.LAPLACE, 25.0, 0.15),
        (NoiseName.SPECKLE, 0.2, 0.15),
        (NoiseName.IMPULSE, 0.1, 0.1),
        (NoiseName.IMPULSE, 0.3, 0.1),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_level_is_estimated(kind: NoiseName, level: float, tolerance: float, channels: int) -> None:
    for clean in (photo(channels=channels), ramp(channels=channels)):
        noise = NOISES[kind].of(Evidence(noisy(clean, kind, level)), None)
        assert noise.origin is (Origin.COUNTED if kind is NoiseName.POISSON and level < 50 else Origin.ESTIMATED)
        assert noise.level == pytest.approx(level, rel=tolerance)


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_the_equivalent_standard_deviation_is_that_of_the_noise(kind: NoiseName, level: float) -> None:
    clean = ramp() * 0.6 + 0.1
    observation = noisy(clean, kind, level)
    noise = NOISES[kind].of(Evidence(observation), level)
    assert noise.std == pytest.approx(float((observation - clean).square().mean().sqrt()), rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (20, 9)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [kind for kind in NOISES if kind is not NoiseName.JPEG])
def test_any_size_and_any_constant_is_dealt_with(kind: NoiseName, channels: int, size: tuple[int, int]) -> None:
    for value in (0.0, 0.3, 1.0):
        observation = torch.full((1, channels, *size), value)
        noise = NOISES[kind].of(Evidence(observation), None)
        assert math.isfinite(noise.level)
        assert math.isfinite(noise.std)
        assert math.isfinite(noise.expected_misfit(observation))
        whitened = noise.whitened(observation, observation)
        assert bool(whitened.restore(whitened.observation).isfinite().all())


@pytest.mark.parametrize("kind", [NoiseName.POISSON, NoiseName.SPECKLE])
def test_pictures_are_fitted_together_only_with_one_transform(kind: NoiseName) -> None:
    evidence = Evidence(torch.full((1, 1, 8, 8), 0.5))
    first, second, other = (NOISES[kind].of(evidence, level) for level in (1.5, 1.5, 1.7))
    assert first.shares_misfit(second)
    assert not first.shares_misfit(other)
    assert not first.shares_misfit(NOISES[NoiseName.GAUSSIAN].of(evidence, 25.0))


@pytest.mark.parametrize(("kind", "level"), [row for row in LEVELS if row[0] is not NoiseName.IMPULSE])
def test_pixels_that_were_not_observed_are_no_evidence(kind: NoiseName, level: float) -> None:
    observation = noisy(photo(), kind, level)
    valid = torch.ones(1, 1, 128, 128, dtype=torch.bool)
    valid[..., :50, :] = False
    hidden = torch.where(valid, observation, 0.5)
    of_the_rest = NOISES[kind].of(Evidence(observation[..., 50:, :]), None)
    assert NOISES[kind].of(Evidence(hidden, valid=valid), None).level == pytest.approx(of_the_rest.level, rel=0.02)
    assert detect(Evidence(hidden, valid=valid)) is detect(Evidence(observation[..., 50:, :]))


@pytest.mark.parametrize(("kind", "level"), FILTERED)
def test_twice_the_strength_is_twice_the_standard_deviation(kind: NoiseName, level: float) -> None:
    noise, observation = flat(kind, level)
    twice = noise.scaled(2.0)
    assert twice.std == pytest.approx(2 * noise.std)
    assert "strength 2" in twice.words
    again = NOISES[kind].of(Evidence(observation), twice.level)
    assert again.std == pytest.approx(twice.std, rel=0.08)


def test_half_the_strength_takes_half_of_each_impulse() -> None:
    observation = noisy(torch.full((1, 1, 64, 64), MIDDLE), NoiseName.IMPULSE, 0.1)
    noise = NOISES[NoiseName.IMPULSE].of(Evidence(observation), None)
    pilot = torch.full_like(observation, MIDDLE)
    whole, half = (one.whitened(observation, pilot) for one in (noise, noise.scaled(0.5)))
    expected = (observation + whole.restore(whole.observation)) / 2
    assert torch.allclose(half.restore(half.observation), expected, atol=1e-6)


def test_a_picture_without_one_whole_patch_is_measured_all_the_same() -> None:
    observation = noisy(photo(64), NoiseName.GAUSSIAN, 25.0)
    valid = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    valid[..., ::2, :] = True
    assert NOISES[NoiseName.GAUSSIAN].of(Evidence(observation, valid=valid), None).level > 10
