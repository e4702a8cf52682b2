"""Coordinates of pixels."""

import pytest
import torch

from pipcli.coords import pixel_grid
from pipcli.settings import Grid


def test_pixel_centres_lie_half_a_pixel_inside_the_edges() -> None:
    grid = pixel_grid(2, 4)
    assert grid.shape == (1, 2, 2, 4)
    assert torch.equal(grid[0, 0, :, 0], torch.tensor([0.25, 0.75]))
    assert torch.equal(grid[0, 1, 0], torch.tensor([0.125, 0.375, 0.625, 0.875]))


def test_the_published_grid_puts_zero_and_one_on_the_corner_pixels() -> None:
    grid = pixel_grid(3, 5, Grid.CORNERS)
    assert grid.amin() == 0
    assert grid.amax() == 1
    assert torch.equal(grid[0, 0, :, 0], torch.tensor([0.0, 0.5, 1.0]))


@pytest.mark.parametrize("kind", list(Grid))
def test_one_pixel_has_finite_coordinates_in_range(kind: Grid) -> None:
    grid = pixel_grid(1, 1, kind)
    assert ((grid >= 0) & (grid <= 1)).all()


def test_a_coordinate_means_the_same_place_at_every_resolution() -> None:
    fine, coarse = pixel_grid(8, 8), pixel_grid(4, 4)
    means = torch.nn.functional.avg_pool2d(fine, 2)
    torch.testing.assert_close(means, coarse)
