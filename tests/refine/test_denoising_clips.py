"""What becomes of the networks' frames: filtered, joined and brought to the observation through time."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.fit.device import choose_device
from pipcli.noise import Evidence, Gaussian, Laplace, Noise, Poisson
from pipcli.refine.denoising import BranchUse, Finished, finish
from pipcli.refine.observation import Degraded, Observation
from pipcli.refine.r2r import Branch
from pipcli.refine.trajectories import MotionOf
from pipcli.settings import (
    CLIP_FINISH,
    CLIP_TASK_FINISH,
    FINISH,
    TASK_FINISH,
    BranchSettings,
    FinishSettings,
    Patches,
    Quality,
    Splitting,
    falling,
)

STD = 0.1
STANDARD = CLIP_FINISH[Quality.STANDARD]
BRANCH = BranchSettings(width=8, scales=2, steps=60, learning_rate=5e-3, crop=32, recorruption=0.5, frames=3)
ROUNDS = Splitting(falling(20.0, 4.0, 6, Patches(4, 3, 6, 20, 1.0, frames=3)), momentum=0.75, weights=(0.0, 0.5, 1.0))
SIZE = (48, 56)


class Still:
    """Nothing moves."""

    def flow(self, source: int, target: int) -> Tensor:
        return torch.zeros(2, *SIZE)

    def found(self, source: int, target: int) -> Tensor:
        return torch.ones((1, *SIZE), dtype=torch.bool)


def still(frames: Tensor) -> Still:
    assert frames.shape[-2:] == SIZE
    return Still()


def clean(frames: int = 4) -> Tensor:
    draws = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    picture = F.avg_pool2d(draws, 3, 1, 1, count_include_pad=False).clamp(0.05, 0.95)
    return picture.expand(frames, -1, -1, -1).contiguous()


def noisy(picture: Tensor, std: float = STD) -> Tensor:
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    return (picture + std * noise).clamp(0, 1)


def smoothed(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)


def error(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def finished(
    image: Tensor,
    observation: Tensor,
    motion_of: MotionOf | None,
    *,
    noise: Noise | None = None,
    settings: FinishSettings = STANDARD,
    degraded: Degraded | None = None,
) -> Finished:
    device = choose_device("cpu")
    known = noise or Gaussian.known(STD)
    return finish(image, Observation(observation, known, degraded, motion_of), settings, device, 0)


def test_a_clip_is_better_and_steadier_than_its_frames_alone() -> None:
    observation = noisy(clean())
    alone, together = (finished(smoothed(observation), observation, motion_of).image for motion_of in (None, still))
    assert error(together, clean()) < 0.7 * error(alone, clean())
    assert error(together.diff(dim=0), clean().diff(dim=0)) < 0.1 * error(alone.diff(dim=0), clean().diff(dim=0))


@pytest.mark.parametrize("kind", [Poisson, Laplace])
def test_noise_of_other_kinds_is_filtered_through_time(kind: type[Noise]) -> None:
    observation = noisy(clean())
    known = kind.of(Evidence(observation[:1]), None)
    alone, together = (
        finished(smoothed(observation), observation, motion_of, noise=known).image for motion_of in (None, still)
    )
    assert error(together, clean()) < error(alone, clean()) < error(observation, clean())


@pytest.mark.parametrize("quality", [Quality.DRAFT, Quality.STANDARD])
def test_one_frame_is_finished_as_a_picture(quality: Quality) -> None:
    observation = noisy(clean(1))
    results = [
        finished(smoothed(observation), observation, motion_of, settings=FINISH[quality]).image
        for motion_of in (None, still)
    ]
    assert torch.equal(*results)


def test_texture_that_looks_like_noise_is_never_lost_for_good() -> None:
    texture = torch.rand(3, 3, *SIZE, generator=torch.Generator().manual_seed(2))
    observation = noisy(texture, 0.02)
    result = finished(torch.full_like(texture, 0.5), observation, still, noise=Gaussian.known(0.02))
    assert error(result.image, texture) < 1.02 * error(observation, texture)


@pytest.mark.parametrize(("off", "weight"), [(0.05, 0.5), (0.5, 0.0)])
def test_the_branch_is_joined_unless_it_is_clearly_worse(
    off: float, weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Branch, "denoise", lambda branch, frames: clean() + off * (2 * noisy(clean(), 0.5).round() - 1))
    observation = noisy(clean())
    joined = dataclasses.replace(STANDARD, branch=BRANCH)
    result = finished(smoothed(observation), observation, still, settings=joined)
    assert result.branch is BranchUse.JOINED
    assert result.branch_weight == weight


def halved(frames: Tensor) -> Tensor:
    return F.avg_pool2d(frames, 2)


def unchanged(frames: Tensor) -> Tensor:
    return frames


def doubled(frames: Tensor) -> Tensor:
    return F.interpolate(frames, scale_factor=2, mode="bilinear")


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_small_frames_become_larger_and_meet_what_was_observed(share: float) -> None:
    observation = (255 * halved(clean())).round() / 255
    held_out = torch.rand(4, *observation.shape[-2:], generator=torch.Generator().manual_seed(3)) < share
    degraded = Degraded(halved, doubled, held_out=held_out)
    rows = FinishSettings(splitting=ROUNDS)
    noise = Gaussian.of_rounding(8)
    result = finished(doubled(observation), observation, still, noise=noise, settings=rows, degraded=degraded)
    assert error(result.image, clean()) < error(doubled(observation), clean())
    assert (halved(result.image) - observation).abs().max() < 0.6 / 255


def test_what_one_frame_hides_is_taken_from_another_and_what_is_known_is_kept() -> None:
    observed = torch.ones(4, 1, *SIZE, dtype=torch.bool)
    observed[1, :, 20:30, 20:30] = False
    degraded = Degraded(unchanged, unchanged, observed)
    start = torch.where(observed, clean(), clean().mean())
    rows = FinishSettings(splitting=dataclasses.replace(ROUNDS, weights=()))
    alone, together = (
        finished(start, start, motion_of, noise=Gaussian.of_rounding(16), settings=rows, degraded=degraded).image
        for motion_of in (None, still)
    )
    hole = ~observed.expand_as(start)
    assert error(together[hole], clean()[hole]) < 0.7 * error(alone[hole], clean()[hole])
    assert torch.equal(together[~hole], clean()[~hole])


def _rows() -> list[tuple[dict[Quality, FinishSettings], dict[Quality, FinishSettings]]]:
    return [(CLIP_FINISH, FINISH), *((CLIP_TASK_FINISH[task], TASK_FINISH[task]) for task in TASK_FINISH)]


@pytest.mark.parametrize("rows", _rows())
def test_what_follows_for_a_clip_follows_for_a_picture(
    rows: tuple[dict[Quality, FinishSettings], dict[Quality, FinishSettings]],
) -> None:
    kind: Callable[[FinishSettings], tuple[bool, ...]] = lambda row: (  # noqa: E731
        bool(row.passes), row.branch is None, row.splitting is None
    )  # fmt: skip
    for quality in Quality:
        clip, picture = (row[quality] for row in rows)
        assert kind(clip) == kind(picture)
        if clip.splitting is not None:
            assert all(step.patches.frames > 1 for step in clip.splitting.rounds)
