"""Filling in: thin lines come back, what is known stays, and noise goes."""

import pytest
import torch
from torch import Tensor

from pipcli.refine.execution import Execution
from pipcli.refine.half_quadratic import ROUNDING, LinearProblem
from pipcli.refine.patch_inpainting import _Filling, fill_in
from pipcli.settings import Patches, Round
from support.watches import Ending

PATCHES = Patches(side=5, stride=2, radius=8, similar=40, noise_factor=1.0)
ROUNDS = (Round(1.5 / 255, PATCHES),) * 3


def lines(height: int, width: int, channels: int = 1) -> Tensor:
    """Thin slanted lines on an even ground."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    drawn = ((rows + 2 * columns) % 14 < 2).float()
    return (0.2 + 0.6 * drawn).expand(1, channels, height, width) * torch.linspace(0.7, 1, channels).view(1, -1, 1, 1)


def half(height: int, width: int) -> Tensor:
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)) < 0.5


def started(clean: Tensor, observed: Tensor) -> Tensor:
    return torch.where(observed, clean, clean.mean())


def unchanged(frames: Tensor) -> Tensor:
    return frames


def error(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def filled(
    start: Tensor, observation: Tensor, observed: Tensor, variance: float = ROUNDING, workers: int = 1
) -> Tensor:
    return fill_in(start, LinearProblem(observation, unchanged, variance, observed), ROUNDS, Execution(workers))


@pytest.mark.parametrize("channels", [1, 3])
def test_thin_lines_come_back(channels: int) -> None:
    clean, observed = lines(61, 50, channels), half(61, 50)
    start = started(clean, observed)
    result = filled(start, clean * observed, observed)
    assert result.shape == clean.shape
    assert error(result, clean) < 0.5 * error(start, clean)
    assert result.min() >= 0
    assert result.max() <= 1


def test_what_is_known_stays_as_it_is() -> None:
    clean, observed = lines(40, 48, 3), half(40, 48).expand(1, 3, 40, 48).clone()
    observed[:, 0, 7] = False
    result = filled(started(clean, observed), clean * observed, observed)
    assert torch.equal(result[observed], clean[observed])


def test_what_lies_under_the_mask_has_no_say() -> None:
    clean, observed = lines(40, 48), half(40, 48)
    start = started(clean, observed)
    assert torch.equal(
        filled(start, torch.where(observed, clean, 0.0), observed),
        filled(start, torch.where(observed, clean, 1.0), observed),
    )


def test_an_even_picture_stays_even() -> None:
    grey = torch.full((1, 3, 32, 32), 0.4)
    assert torch.allclose(filled(grey, grey, half(32, 32)), grey, atol=1e-4)


def test_noise_of_known_samples_goes(generator: torch.Generator) -> None:
    clean, observed, std = lines(60, 60), half(60, 60), 0.08
    noisy = (clean + std * torch.randn(clean.shape, generator=generator)).clamp(0, 1)
    result = filled(clean, noisy * observed, observed, std**2)
    assert error(result, clean) < 0.25 * std**2


def test_workers_share_the_same_work() -> None:
    clean, observed = lines(150, 140), half(150, 140)
    start = started(clean, observed)
    alone, together = (filled(start, clean * observed, observed, workers=workers) for workers in (1, 2))
    assert torch.allclose(alone, together, atol=1e-6)


def test_a_picture_smaller_than_two_patches_is_left_as_it_is() -> None:
    clean, observed = lines(9, 30), half(9, 30)
    start = started(clean, observed)
    assert torch.equal(filled(start, clean * observed, observed), start)


def test_no_round_begins_after_the_end_was_asked_for() -> None:
    clean, observed = lines(32, 32), half(32, 32)
    start = started(clean, observed)
    problem = LinearProblem(clean * observed, unchanged, ROUNDING, observed)
    assert torch.equal(fill_in(start, problem, ROUNDS, Execution(watch=Ending())), start)


def test_it_stays_where_the_picture_is() -> None:
    picture = torch.empty(1, 3, 45, 45, device="meta")
    filling = _Filling(picture, picture, picture[:, :1] > 0, ROUNDING, ROUNDS[0])
    _, _, sums, counts = filling.run(filling.grid.regions()[0])
    assert sums.is_meta
    assert counts.is_meta


def test_frames_are_filled_each_by_itself() -> None:
    cleans = torch.cat([lines(32, 32), lines(32, 32).mT])
    observed = torch.cat([half(32, 32), half(32, 32).mT])
    start = torch.cat([started(*pair) for pair in zip(cleans.split(1), observed.split(1), strict=True)])
    apart = [
        filled(*parts) for parts in zip(start.split(1), (cleans * observed).split(1), observed.split(1), strict=True)
    ]
    assert torch.equal(filled(start, cleans * observed, observed), torch.cat(apart))
