"""Haze follows its formula, and the made-up depth is smooth and fills its range."""

import numpy as np
import pytest

from pipcli.simulation.haze import hazy, smooth_depth, transmission

AIRLIGHT = np.array([0.9, 0.8, 0.7])


def test_the_formula() -> None:
    picture, depth = np.random.default_rng(0).random((5, 7, 3)), np.random.default_rng(1).random((5, 7))
    light = transmission(depth, 1.3)
    result = hazy(picture, light, AIRLIGHT)
    t = np.exp(-1.3 * depth[3, 4])
    assert light[3, 4] == pytest.approx(t)
    assert result[3, 4] == pytest.approx(picture[3, 4] * t + AIRLIGHT * (1 - t))


def test_without_haze_nothing_changes_and_behind_all_of_it_is_only_airlight() -> None:
    picture = np.random.default_rng(0).random((5, 7, 3))
    depth = np.ones((5, 7))
    assert np.array_equal(hazy(picture, transmission(depth, 0), AIRLIGHT), picture)
    assert np.allclose(hazy(picture, transmission(depth, 50), AIRLIGHT), AIRLIGHT)


def test_a_picture_of_the_airlight_stays() -> None:
    light = transmission(smooth_depth((5, 7), np.random.default_rng(0)), 1.0)
    assert np.allclose(hazy(np.tile(AIRLIGHT, (5, 7, 1)), light, AIRLIGHT), AIRLIGHT)


def test_one_airlight_serves_all_channels() -> None:
    assert hazy(np.zeros((2, 2, 3)), np.zeros((2, 2)), np.array([0.4])).tolist() == np.full((2, 2, 3), 0.4).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_depth_is_smooth_far_at_the_top_and_over_the_whole_range(seed: int) -> None:
    depth = smooth_depth((120, 160), np.random.default_rng(seed))
    assert (depth.min(), depth.max()) == (0, 1)
    assert depth[:20].mean() > depth[-20:].mean()
    assert max(np.abs(np.diff(depth, axis=axis)).max() for axis in (0, 1)) < 0.05
    assert np.array_equal(depth, smooth_depth((120, 160), np.random.default_rng(seed)))


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (8, 1)])
def test_small_pictures_have_a_depth(size: tuple[int, int]) -> None:
    depth = smooth_depth(size, np.random.default_rng(0))
    assert depth.shape == size
    assert np.isfinite(depth).all()
