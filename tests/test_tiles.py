"""Windows cover a picture, and what was made in them joins without a seam."""

import itertools

import pytest
import torch

from pipcli.tiles import Window, blend, spread, windows

SIZES = [(1, 1), (1, 300), (300, 1), (7, 9), (128, 128), (129, 128), (128, 129), (150, 200), (255, 513), (321, 481)]
TILES = [(128, 64), (128, 112), (128, 128), (16, 5), (3, 1)]


@pytest.mark.parametrize(("side", "stride"), TILES)
@pytest.mark.parametrize("size", SIZES)
def test_windows_cover_every_pixel_and_reach_no_farther(size: tuple[int, int], side: int, stride: int) -> None:
    seen = torch.zeros(size)
    for window in windows(size, side, stride):
        part = window.cut(seen)
        assert part.shape == (window.height, window.width)  # none hangs over an edge, where cutting would shorten it
        part += 1
    assert (seen >= 1).all()


@pytest.mark.parametrize(("side", "stride"), TILES)
@pytest.mark.parametrize("size", SIZES)
def test_windows_are_of_one_size_and_the_outer_ones_touch_the_edges(
    size: tuple[int, int], side: int, stride: int
) -> None:
    height, width = size
    cover = windows(size, side, stride)
    assert {(window.height, window.width) for window in cover} == {(min(side, height), min(side, width))}
    assert len(set(cover)) == len(cover)
    assert min(window.top for window in cover) == min(window.left for window in cover) == 0
    assert max(window.top + window.height for window in cover) == height
    assert max(window.left + window.width for window in cover) == width


@pytest.mark.parametrize(("side", "stride"), [(16, 5), (16, 16), (8, 1), (7, 3), (5, 4), (16, 8)])
def test_neighbours_are_spread_evenly_and_overlap(side: int, stride: int) -> None:
    farthest = max(stride, round(7 / 8 * side))
    for length in range(1, 120):
        for size in ((length, 3), (3, length)):
            cover = windows(size, side, stride)
            starts = [window.top + window.left for window in cover]  # one of them is 0 in all
            gaps = [after - before for before, after in itertools.pairwise(starts)]
            assert all(0 < gap <= farthest for gap in gaps)
            assert not gaps or max(gaps) - min(gaps) <= 1


def test_the_number_of_windows_goes_with_the_pixels() -> None:
    assert [window.left for window in windows((128, 256), 128, 64)] == [0, 43, 85, 128]
    assert [window.left for window in windows((128, 192), 128, 64)] == [0, 32, 64]
    assert [window.left for window in windows((128, 256), 128, 112)] == [0, 64, 128]
    assert len(windows((256, 256), 128, 128)) == 4
    for height, width in ((256, 256), (512, 512), (512, 768), (1000, 1000), (3000, 4000)):
        assert len(windows((height, width), 128, 64)) == pytest.approx(4 * height * width / 128**2, rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 128), (128, 1), (100, 127), (128, 128)])
def test_a_small_picture_is_one_window(size: tuple[int, int]) -> None:
    assert windows(size, 128, 64) == [Window(0, 0, *size)]


def test_a_single_row_is_cut_along_its_length_alone() -> None:
    assert windows((1, 20), 8, 4) == [Window(0, left, 1, 8) for left in (0, 3, 6, 9, 12)]
    assert windows((20, 1), 8, 4) == [Window(top, 0, 8, 1) for top in (0, 3, 6, 9, 12)]


@pytest.mark.parametrize("window", [Window(0, 0, *size) for size in [(1, 1), (1, 9), (2, 3), (128, 128), (500, 800)]])
def test_weights_are_positive_symmetric_and_highest_in_the_middle(window: Window) -> None:
    weights = window.weights()
    assert weights.shape == (window.height, window.width)
    assert (weights > 0).all()
    assert torch.isfinite(weights).all()
    assert torch.allclose(weights, weights.flip(0, 1), atol=1e-6)
    assert weights[window.height // 2, window.width // 2] == pytest.approx(float(weights.max()), rel=1e-6)
    rows, columns = weights.diff(dim=0), weights.diff(dim=1)
    assert (rows[: (window.height - 1) // 2] >= 0).all()
    assert (columns[:, : (window.width - 1) // 2] >= 0).all()


@pytest.mark.parametrize(("side", "stride"), [(128, 64), (128, 112), (128, 128), (16, 5)])
@pytest.mark.parametrize("size", SIZES)
def test_a_picture_that_is_cut_and_blended_is_the_same(
    size: tuple[int, int], side: int, stride: int, generator: torch.Generator
) -> None:
    picture = torch.rand(1, 3, *size, generator=generator)
    joined = blend(size, [(window, window.cut(picture)) for window in windows(size, side, stride)])
    assert joined.shape == picture.shape
    assert joined.dtype == torch.float32
    assert torch.allclose(joined, picture, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_stays_constant(value: float) -> None:
    size = (150, 200)
    parts = [(window, torch.full((1, 1, 128, 128), value)) for window in windows(size, 128, 64)]
    assert torch.allclose(blend(size, parts), torch.full((1, 1, *size), value), rtol=0, atol=1e-6)


def test_several_parts_of_one_window_are_averaged() -> None:
    window = Window(0, 0, 5, 7)
    joined = blend((5, 7), [(window, torch.full((1, 3, 5, 7), value)) for value in (0.1, 0.2, 0.9)])
    assert torch.allclose(joined, torch.full((1, 3, 5, 7), 0.4))


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("overlap", [64, 16])
def test_two_constants_pass_into_each_other_without_a_seam(down: bool, overlap: int) -> None:
    length = 256 - overlap
    first, second = Window(0, 0, 3, 128), Window(0, 128 - overlap, 3, 128)
    size = (3, length)
    if down:
        first, second, size = Window(0, 0, 128, 3), Window(128 - overlap, 0, 128, 3), (length, 3)
    joined = blend(
        size, [(part, torch.full((1, 1, part.height, part.width), float(part is second))) for part in (first, second)]
    )
    lines = (joined[0, 0].T if down else joined[0, 0]).clone()
    assert torch.allclose(lines, lines[0].expand_as(lines), atol=1e-6)  # the same across
    profile = lines[0]
    assert torch.allclose(profile[: 128 - overlap], torch.tensor(0.0))
    assert torch.allclose(profile[128:], torch.tensor(1.0))
    slopes = profile.diff()
    assert (slopes >= -1e-6).all()
    assert slopes.max() < 2 / overlap  # spread over the whole overlap
    assert torch.allclose(profile, 1 - profile.flip(0), atol=1e-5)


def test_blending_leaves_the_parts_alone() -> None:
    part = torch.rand(1, 1, 4, 4)
    before = part.clone()
    blend((4, 6), [(Window(0, 0, 4, 4), part), (Window(0, 2, 4, 4), part)])
    assert torch.equal(part, before)


def test_spread_is_the_standard_deviation_of_independent_parts(generator: torch.Generator) -> None:
    size, std = (150, 170), 0.05
    places = windows(size, 64, 32) * 3
    parts = [(place, 0.5 + std * torch.randn(1, 3, 64, 64, generator=generator)) for place in places]
    found = spread(size, parts)
    assert found.shape == (1, 1, *size)
    assert float(found.square().mean().sqrt()) == pytest.approx(std, rel=0.03)


def test_parts_that_agree_or_are_alone_have_no_spread(generator: torch.Generator) -> None:
    picture = torch.rand(1, 3, 90, 100, generator=generator)
    parts = [(window, window.cut(picture)) for window in windows((90, 100), 64, 40)]
    assert spread((90, 100), parts).max() < 1e-5
    assert spread((90, 100), [(Window(0, 0, 90, 100), picture)]).max() == 0


@pytest.mark.parametrize("unit", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [40, 41, 43, 64])
def test_windows_can_begin_at_multiples_and_still_cover_the_picture(unit: int, length: int) -> None:
    placed = windows((length, 2 * length), 16, 12, unit=unit)
    assert len({(window.height, window.width) for window in placed}) == 1
    assert all(window.top % unit == window.left % unit == 0 for window in placed)
    assert all(16 <= side < 16 + unit for side in (placed[0].height, placed[0].width))
    covered = torch.zeros(length, 2 * length)
    for window in placed:
        window.cut(covered).add_(1)
    assert covered.min() >= 1
