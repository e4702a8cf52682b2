"""The guided filter: means, flat places, edges, and sizes."""

import pytest
import torch

from pipcli.dehazing.guided import box_mean, guided_plane


@pytest.mark.parametrize("radius", [0, 1, 3, 20])
def test_box_means_are_those_of_the_cut_squares(radius: int, generator: torch.Generator) -> None:
    maps = torch.rand(2, 3, 7, 9, generator=generator)
    means = box_mean(maps, radius)
    for y, x in [(0, 0), (4, 2), (6, 8)]:
        square = maps[:, :, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        torch.testing.assert_close(means[:, :, y, x], square.mean((-2, -1)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_linear_function_of_the_guide_comes_through(channels: int, generator: torch.Generator) -> None:
    guide = torch.rand(1, channels, 16, 16, generator=generator)
    plane = 0.2 + 0.5 * guide.mean(1, keepdim=True)
    filtered = guided_plane(guide, plane, radius=3, flatness=1e-8).at(guide)
    torch.testing.assert_close(filtered, plane, atol=1e-3, rtol=0)


def test_a_flat_guide_leaves_the_mean() -> None:
    guide = torch.full((1, 3, 12, 12), 0.5)
    plane = torch.arange(144.0).view(1, 1, 12, 12) / 144
    filtered = guided_plane(guide, plane, radius=2, flatness=1e-3).at(guide)
    torch.testing.assert_close(filtered, box_mean(box_mean(plane, 2), 2))


def test_an_edge_of_the_guide_stays_an_edge() -> None:
    step = (torch.arange(40) >= 20).float().expand(1, 1, 24, 40)
    blurred = box_mean(step, 4)
    filtered = guided_plane(step, blurred, radius=8, flatness=1e-4).at(step)
    jump = (filtered[..., 20] - filtered[..., 19]).mean()
    assert jump > 3 * (blurred[..., 20] - blurred[..., 19]).mean()


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1)])
def test_any_size(size: tuple[int, int]) -> None:
    guide = torch.full((1, 3, *size), 0.5)
    plane = guided_plane(guide, torch.full((1, 1, *size), 0.25), radius=2, flatness=1e-3)
    torch.testing.assert_close(plane.at(guide), torch.full((1, 1, *size), 0.25))
    assert plane.at(torch.full((1, 3, 11, 13), 0.5)).shape == (1, 1, 11, 13)
