"""What every known degradation has in common: sizes that belong together, linearity, and an adjoint from autograd."""

import pytest
import torch

from pipcli.degradations import Blur, Degradation, Downsample, Identity
from pipcli.noise import Gaussian
from pipcli.settings import KernelName

NOISE = Gaussian.known(0.1)
SIZES = [(1, 1), (7, 5), (9, 24)]


def kernel(*size: int) -> torch.Tensor:
    weights = torch.rand(size, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return weights / weights.sum()


DEGRADATIONS = {
    "identity": Identity(NOISE),
    **{
        f"{name} {scale}": Downsample(NOISE, scale, name)
        for name in KernelName
        for scale in (1.0, 1.5, 2.0, 3.7, 4.0, 16.0)
    },
    **{f"blur {size}": Blur(NOISE, kernel(*size)) for size in ((1, 1), (3, 3), (4, 2), (5, 12))},
}
ALL = pytest.mark.parametrize("degrade", DEGRADATIONS.values(), ids=DEGRADATIONS.keys())


def pictures(degrade: Degradation, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    return torch.rand(2, 3, *degrade.target_size(size), generator=generator, dtype=torch.float64)


@ALL
@pytest.mark.parametrize("size", SIZES)
def test_a_picture_of_the_target_size_gives_the_observations(
    degrade: Degradation, size: tuple[int, int], generator: torch.Generator
) -> None:
    picture = pictures(degrade, size, generator)
    assert degrade(picture).shape == (2, 3, *size)
    shown = degrade.visible(picture).shape[-2:]
    assert shown == (size if isinstance(degrade, Blur) else picture.shape[-2:])


@ALL
def test_it_is_linear(degrade: Degradation, generator: torch.Generator) -> None:
    first, second = pictures(degrade, (9, 24), generator).unsqueeze(1)
    both = degrade(2 * first - second)
    assert torch.allclose(both, 2 * degrade(first) - degrade(second), atol=1e-12)


@ALL
def test_an_even_picture_stays_even(degrade: Degradation) -> None:
    even = torch.full((1, 1, *degrade.target_size((9, 24))), 0.3, dtype=torch.float64)
    assert (degrade(even) - 0.3).abs().max() < 1e-12


@ALL
def test_autograd_gives_the_adjoint(degrade: Degradation, generator: torch.Generator) -> None:
    picture = pictures(degrade, (7, 5), generator)
    seen, adjoint = torch.func.vjp(degrade, picture)
    other = torch.rand(seen.shape, generator=generator, dtype=torch.float64)
    (back,) = adjoint(other)
    assert float((seen * other).sum()) == pytest.approx(float((picture * back).sum()))


@ALL
def test_channels_and_pictures_are_treated_alike(degrade: Degradation, generator: torch.Generator) -> None:
    picture = pictures(degrade, (7, 5), generator)
    assert torch.allclose(degrade(picture)[1:, 2:], degrade(picture[1:, 2:]), atol=1e-12)
