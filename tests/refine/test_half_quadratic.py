"""The splitting: the observation is met, what is even stays so, and a picture comes nearer to what it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.execution import Execution
from pipcli.refine.half_quadratic import ROUNDING, LinearProblem, refine_under
from pipcli.settings import TASK_FINISH, Patches, Quality, Splitting, falling
from support.watches import Ending

SETTINGS = Splitting(falling(30.0, 5.0, 4, Patches(4, 3, 6, 20, 1.0)), momentum=0.5)


def picture(height: int, width: int, channels: int) -> Tensor:
    """Disks and stripes with sharp edges."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    disks = (((rows % 32) - 16).square() + ((columns % 32) - 16).square() < 100).float()
    stripes = ((rows + 2 * columns) % 24 < 12).float()
    return (0.2 + 0.4 * disks + 0.3 * stripes).expand(1, channels, height, width) * torch.linspace(
        0.8, 1, channels
    ).view(1, -1, 1, 1)


def halved(seen: Tensor) -> Tensor:
    return F.avg_pool2d(seen, 2)


def smeared(seen: Tensor) -> Tensor:
    return F.avg_pool2d(seen, (1, 5), stride=1)


def unchanged(seen: Tensor) -> Tensor:
    return seen


def rounded(seen: Tensor) -> Tensor:
    return (255 * seen).round() / 255


def error(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def refined(
    start: Tensor,
    observation: Tensor,
    degrade: Callable[[Tensor], Tensor],
    variance: float = ROUNDING,
    execution: Execution | None = None,
    **known: Tensor | None,
) -> Tensor:
    problem = LinearProblem(observation, degrade, variance, **known)
    return refine_under(start, problem, SETTINGS, execution or Execution())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_picture_becomes_larger_and_sharper(channels: int) -> None:
    clean = picture(64, 80, channels)
    observation = rounded(halved(clean))
    start = F.interpolate(observation, scale_factor=2, mode="bilinear")
    result = refined(start, observation, halved)
    assert error(result, clean) < 0.7 * error(start, clean)
    assert (halved(result) - observation).abs().max() < 0.5 / 255
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_missing_is_filled_and_what_is_known_is_kept(channels: int, generator: torch.Generator) -> None:
    clean = rounded(picture(64, 80, channels))
    observed = torch.rand(1, 1, 64, 80, generator=generator) > 0.4
    around = [F.avg_pool2d(F.pad(samples, (2,) * 4), 5, 1) for samples in (clean * observed, observed.float())]
    start = torch.where(observed, clean, around[0] / around[1])
    result = refined(start, torch.where(observed, clean, 0.7), unchanged, observed=observed)
    assert error(result, clean) < 0.7 * error(start, clean)
    known = observed.expand_as(clean)
    assert torch.equal(result[known], clean[known])


def test_a_blur_is_taken_back_as_far_as_its_noise_allows(generator: torch.Generator) -> None:
    clean = picture(64, 84, 1)
    errors = []
    for std in (0.001, 0.02):
        observation = smeared(clean)
        observation = observation + std * torch.randn(observation.shape, generator=generator)
        start = F.pad(observation, (2, 2, 0, 0), mode="replicate")
        result = refined(start, observation, smeared, variance=std**2)
        errors.append(error(result, clean) / error(start, clean))
        assert float((smeared(result) - observation).square().mean()) < 1.5 * std**2
    assert errors[0] < errors[1] < 0.8


@pytest.mark.parametrize("degrade", [halved, smeared, unchanged])
@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_an_even_picture_stays_even(degrade: Callable[[Tensor], Tensor], level: float) -> None:
    even = torch.full((1, 3, 40, 48), level)
    assert (refined(even, degrade(even), degrade) - even).abs().max() < 1e-4


def test_black_and_white_are_met_though_nothing_leaves_the_range() -> None:
    clean = ((torch.arange(64) // 6) % 2).float().expand(1, 1, 48, 64)
    observation = rounded(halved(clean))
    result = refined(F.interpolate(observation, scale_factor=2, mode="bilinear"), observation, halved)
    assert (halved(result) - observation).abs().max() < 0.5 / 255


def test_workers_leave_no_trace() -> None:
    clean = picture(64, 80, 1)
    start = F.interpolate(halved(clean), scale_factor=2)
    one, three = (refined(start, halved(clean), halved, execution=Execution(workers)) for workers in (1, 3))
    assert torch.equal(one, three)


def test_an_early_end_still_meets_the_observation() -> None:
    clean = picture(64, 80, 1)
    result = refined(torch.full_like(clean, 0.5), halved(clean), halved, execution=Execution(watch=Ending()))
    assert (halved(result) - halved(clean)).abs().max() < 0.5 / 255


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (2, 40)])
def test_a_picture_without_room_for_patches_meets_the_observation(size: tuple[int, int]) -> None:
    clean = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    result = refined(torch.full_like(clean, 0.5), halved(clean), halved)
    assert (halved(result) - halved(clean)).abs().max() < 0.5 / 255


def test_nothing_learns_by_it() -> None:
    gain = torch.ones((), requires_grad=True)
    assert not refined(picture(32, 32, 1), picture(32, 32, 1), lambda seen: gain * seen).requires_grad


@pytest.mark.parametrize("task", [task for task in TASK_FINISH if task != "flash"])
def test_the_rows_are_sound(task: str) -> None:
    assert set(TASK_FINISH[task]) == set(Quality)
    rows = [TASK_FINISH[task][quality].splitting for quality in Quality]
    for row in rows:
        assert row is not None
        levels = [step.std for step in row.rounds]
        assert levels == sorted(levels, reverse=True)
        assert 0 < levels[-1] < levels[0] < 1
        assert 0 <= row.momentum < 1
    lengths = [len(row.rounds) for row in rows if row is not None]
    assert lengths == sorted(lengths)


def test_only_masks_are_filled_in() -> None:
    filled = {
        task for task in TASK_FINISH for row in TASK_FINISH[task].values() if row.splitting and row.splitting.filling
    }
    assert filled == {"inpaint"}


def test_a_sample_at_its_limit_says_at_least_this_and_no_more() -> None:
    clean = picture(48, 60, 1) / 2
    clean[..., 20:22, 30:32] = 6.0
    observation = smeared(clean).clamp(max=1)
    limits = (observation >= 1).to(torch.int8)
    start = F.pad(observation, (2, 2, 0, 0), mode="replicate")
    as_limits, as_values = (refined(start, observation, smeared, limits=given) for given in (limits, None))
    assert (
        error(as_limits, clean.clamp(max=1))
        < 0.6 * error(start, clean.clamp(max=1))
        < 0.6 * error(as_values, clean.clamp(max=1))
    )
