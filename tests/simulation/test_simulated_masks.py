"""Masks miss what they say, the same for the same seed, in pictures of any size."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.simulation.masking import masked, scattered, strokes, written

Mask = NDArray[np.bool_]
SIZES = [(1, 1), (1, 9), (9, 1), (37, 50)]
RANDOM: list[Callable[[tuple[int, int], np.random.Generator], Mask]] = [
    lambda size, generator: scattered(size, 0.4, generator),
    lambda size, generator: strokes(size, 3, generator),
]


@pytest.mark.parametrize("share", [0, 0.001, 0.25, 0.5, 0.98, 1])
@pytest.mark.parametrize("size", SIZES)
def test_the_share_of_scattered_pixels_is_exact(size: tuple[int, int], share: float) -> None:
    mask = scattered(size, share, np.random.default_rng(0))
    assert mask.shape == size
    assert mask.sum() == round(share * size[0] * size[1])


def test_scattered_pixels_are_everywhere() -> None:
    mask = scattered((200, 200), 0.5, np.random.default_rng(0))
    for quarter in (mask[:100, :100], mask[:100, 100:], mask[100:, :100], mask[100:, 100:]):
        assert quarter.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("make", RANDOM)
def test_a_seed_repeats_and_another_differs(make: Callable[[tuple[int, int], np.random.Generator], Mask]) -> None:
    first, again, other = (make((37, 50), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", SIZES)
def test_strokes_fit_into_any_picture(size: tuple[int, int]) -> None:
    mask = strokes(size, 5, np.random.default_rng(0))
    assert mask.shape == size
    assert mask.any()


def test_a_stroke_is_no_thinner_than_three_pixels_and_more_hide_more() -> None:
    mask = strokes((300, 300), 1, np.random.default_rng(0))
    longest = max(mask.any(axis=0).sum(), mask.any(axis=1).sum())
    assert mask.sum() > 2.9 * longest
    shares = [strokes((300, 300), count, np.random.default_rng(0)).mean() for count in (1, 5, 20)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 0.6


def test_text_covers_the_picture_to_its_ends_and_leaves_most_of_it() -> None:
    mask = written((200, 300), "unreadable", 20)
    assert mask.shape == (200, 300)
    assert 0.05 < mask.mean() < 0.3
    assert all(part.any() for part in (mask[:30], mask[-30:], mask[:, :30], mask[:, -30:]))
    assert np.array_equal(mask, written((200, 300), "unreadable", 20))
    assert not np.array_equal(mask, written((200, 300), "something else", 20))


@pytest.mark.parametrize("size", SIZES)
def test_text_fits_into_any_picture(size: tuple[int, int]) -> None:
    assert written(size, "a", 40).shape == size


def test_a_masked_picture_is_black_where_the_mask_is_and_else_untouched() -> None:
    picture = np.random.default_rng(0).random((37, 50, 3)) + 0.01
    mask = scattered((37, 50), 0.3, np.random.default_rng(0))
    hidden = masked(picture, mask)
    assert (hidden[mask] == 0).all()
    assert np.array_equal(hidden[~mask], picture[~mask])
