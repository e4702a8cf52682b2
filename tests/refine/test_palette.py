"""Pictures of few colours come back through their palette; those of many are left to the filters."""

import pytest
import torch

from pipcli.noise import Gaussian
from pipcli.refine.palette import expected_colours, palette_of, with_palette
from pipcli.refine.spectrum import Filtered
from pipcli.refine.stein import Probed, Seen, joined, probed

COLOURS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.9, 0.2, 0.1], [0.3, 0.5, 0.8]])


def spotted(generator: torch.Generator, side: int = 48) -> torch.Tensor:
    """Return a picture in which each pixel has one of four colours, whatever its neighbours have."""
    return COLOURS[torch.randint(0, 4, (side, side), generator=generator)].movedim(-1, 0)[None]


def graded(side: int = 48) -> torch.Tensor:
    """Return a picture of as many colours as it has pixels."""
    rows, columns = torch.linspace(0.1, 0.9, side)[:, None], torch.linspace(0.2, 0.8, side)[None]
    return torch.stack([rows + 0 * columns, columns + 0 * rows, (rows + columns) / 2])[None]


def seen_of(picture: torch.Tensor, std: float, generator: torch.Generator, clipped: bool = True) -> Seen:
    noisy = picture + std * torch.randn(picture.shape, generator=generator)
    noise = Gaussian.known(std)
    frames = noisy.clamp(0, 1) if clipped else noisy
    variances = noise.whitened(frames, frames).variances
    assert variances is not None
    return Seen(frames, std, clipped, variances if clipped else lambda mean: torch.full_like(mean, std**2))


def smoothed(frames: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(frames, 3, 1, 1, count_include_pad=False)


def error(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).square().mean())


@pytest.mark.parametrize("clipped", [True, False])
def test_the_palette_of_a_noisy_picture_has_its_colours(clipped: bool, generator: torch.Generator) -> None:
    seen = seen_of(spotted(generator), 0.1, generator, clipped)
    palette = palette_of(seen.frames[0].movedim(0, -1).reshape(-1, 3).double(), 0.1, clipped)
    assert len(palette.colours) == 4
    assert float(torch.cdist(COLOURS.double(), palette.colours).min(dim=1).values.max()) < 0.03
    assert float((palette.shares - 0.25).abs().max()) < 0.03


@pytest.mark.parametrize("std", [0.02, 0.1])
def test_pixels_of_few_colours_come_back(std: float, generator: torch.Generator) -> None:
    clean = spotted(generator)
    seen = seen_of(clean, std, generator)
    filtered = Filtered(smoothed(seen.frames), 1 / 9)
    result = with_palette(filtered, smoothed, seen, 0)
    assert result is not None
    whitened = Gaussian.known(std).whitened(seen.frames, seen.frames)
    assert error(whitened.restore(result.picture), clean) < 0.02 * std**2


def test_a_tiny_picture_is_left_to_the_filters(generator: torch.Generator) -> None:
    seen = seen_of(spotted(generator, 16), 0.1, generator)
    assert with_palette(Filtered(smoothed(seen.frames), 1 / 9), smoothed, seen, 0) is None


def test_a_picture_of_many_colours_is_left_to_the_filters(generator: torch.Generator) -> None:
    seen = seen_of(graded(), 0.08, generator)
    assert with_palette(Filtered(smoothed(seen.frames), 1 / 9), smoothed, seen, 0) is None


def test_the_estimated_error_of_both_is_the_true_one(generator: torch.Generator) -> None:
    clean, std = graded(96), 0.1
    seen = seen_of(clean, std, generator, clipped=False)
    palette = palette_of(seen.frames[0].movedim(0, -1).reshape(-1, 3).double(), std, False)
    pictures = (probed(smoothed(seen.frames), smoothed, seen, 0), expected_colours(seen.frames, palette))
    for one in pictures:
        told = one.risk(seen, torch.full_like(clean, std**2))
        assert told == pytest.approx(error(one.picture, clean), abs=0.06 * std**2)


def test_each_place_gets_the_better_of_two_pictures(generator: torch.Generator) -> None:
    clean, std = graded(), 0.1
    seen = seen_of(clean, std, generator, clipped=False)
    left = torch.arange(48) < 24
    nothing = torch.zeros_like(clean)
    first = Probed(torch.where(left, clean, clean + 0.3), nothing)
    second = Probed(torch.where(left, clean + 0.3, clean), nothing)
    result = joined(first, second, seen).picture
    away = (torch.arange(48) - 24).abs() > 8
    assert error(result[..., away], clean[..., away]) < 0.05 * 0.3**2
