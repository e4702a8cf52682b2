"""Noise has the mean and the spread that it says, and anybody can draw the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.simulation.names import NoiseName
from pipcli.simulation.noise import NOISES

GREY = 0.5
# Strength, and the standard deviation that it gives a grey of one half.
SPREADS = {
    NoiseName.GAUSSIAN: (0.1, 0.1),
    NoiseName.LAPLACE: (0.1, 0.1),
    NoiseName.POISSON: (50.0, np.sqrt(GREY / 50)),
    NoiseName.IMPULSE: (0.2, np.sqrt(0.2) * 0.5),
    NoiseName.SPECKLE: (0.2, 0.2 * GREY),
}


def noisy(kind: NoiseName, strength: float, picture: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    return NOISES[kind](picture, strength, np.random.default_rng(seed))


@pytest.fixture
def flat() -> NDArray[np.float64]:
    """An even grey, large enough for the moments to settle within a percent."""
    return np.full((200, 300, 3), GREY)


def test_every_name_has_its_noise() -> None:
    assert NOISES.keys() == set(NoiseName)


@pytest.mark.parametrize("kind", NoiseName)
def test_it_is_as_strong_as_it_says_and_shifts_no_brightness(kind: NoiseName, flat: NDArray[np.float64]) -> None:
    strength, spread = SPREADS[kind]
    difference = noisy(kind, strength, flat) - flat
    assert difference.mean() == pytest.approx(0, abs=5 * spread / np.sqrt(flat.size))
    assert difference.std() == pytest.approx(spread, rel=0.01)


@pytest.mark.parametrize("kind", NoiseName)
def test_samples_are_independent(kind: NoiseName, flat: NDArray[np.float64]) -> None:
    difference = noisy(kind, SPREADS[kind][0], flat) - flat
    for axis in range(3):
        first, second = np.delete(difference, -1, axis), np.delete(difference, 0, axis)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("kind", NoiseName)
def test_a_seed_repeats_and_another_differs(kind: NoiseName, flat: NDArray[np.float64]) -> None:
    strength = SPREADS[kind][0]
    assert np.array_equal(noisy(kind, strength, flat), noisy(kind, strength, flat))
    assert not np.array_equal(noisy(kind, strength, flat), noisy(kind, strength, flat, seed=1))


def test_gaussian_noise_is_drawn_as_documented(flat: NDArray[np.float64]) -> None:
    drawn = np.random.default_rng(0).normal(0, 25 / 255, flat.shape)
    assert np.array_equal(noisy(NoiseName.GAUSSIAN, 25 / 255, flat), flat + drawn)


def test_laplace_noise_has_longer_tails_than_gaussian(flat: NDArray[np.float64]) -> None:
    heavy, normal = (noisy(kind, 0.1, flat) - flat for kind in (NoiseName.LAPLACE, NoiseName.GAUSSIAN))
    assert (heavy**4).mean() / 0.1**4 == pytest.approx(6, rel=0.1)
    assert (normal**4).mean() / 0.1**4 == pytest.approx(3, rel=0.1)


def test_counts_are_whole_photons_and_black_stays_black(flat: NDArray[np.float64]) -> None:
    counts = noisy(NoiseName.POISSON, 30, flat) * 30
    assert np.allclose(counts, counts.round())
    assert (noisy(NoiseName.POISSON, 30, np.zeros((9, 9, 1))) == 0).all()


def test_impulses_are_as_much_salt_as_pepper_and_leave_the_rest(flat: NDArray[np.float64]) -> None:
    hit = noisy(NoiseName.IMPULSE, 0.3, flat)
    assert (hit == 0).mean() == pytest.approx(0.15, abs=0.005)
    assert (hit == 1).mean() == pytest.approx(0.15, abs=0.005)
    assert set(np.unique(hit)) == {0.0, GREY, 1.0}
    assert np.array_equal(noisy(NoiseName.IMPULSE, 0, flat), flat)
    assert np.isin(noisy(NoiseName.IMPULSE, 1, flat), (0, 1)).all()


def test_speckle_grows_with_brightness() -> None:
    dark, bright = (noisy(NoiseName.SPECKLE, 0.1, np.full((50, 50, 1), grey)) - grey for grey in (0.2, 0.8))
    assert bright.std() == pytest.approx(4 * dark.std())
