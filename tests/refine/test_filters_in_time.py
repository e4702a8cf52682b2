"""Filters of clips: what the frames have in common counts for each of them, and what they have not does not."""

import pytest
import torch
from torch import Tensor

from pipcli.refine.execution import Execution
from pipcli.refine.nonlocal_bayes import nonlocal_bayes
from pipcli.refine.passes import refine
from pipcli.refine.spectrum import NoiseBounds
from pipcli.refine.trajectories import FARTHEST, Place, follow, frames_around
from pipcli.settings import CLIP_PATCHES, Patches
from pipcli.tiles import Window

STD = 0.1
WHITE = NoiseBounds(STD**2, STD**2)
PATCHES = Patches(side=4, stride=4, radius=6, similar=30, noise_factor=1.0, frames=5)
SIZE = (48, 60)


class Moving:
    """All moves alike, so many rows and columns a frame; frames of another scene are not found."""

    def __init__(
        self, down: float = 0, across: float = 0, size: tuple[int, int] = SIZE, cut: int | None = None
    ) -> None:
        self.step = torch.tensor([down, across])
        self.size = size
        self.cut = cut

    def flow(self, source: int, target: int) -> Tensor:
        return (self.step * (target - source))[:, None, None].expand(2, *self.size)

    def found(self, source: int, target: int) -> Tensor:
        apart = self.cut is not None and (source < self.cut) != (target < self.cut)
        return torch.full((1, *self.size), not apart)


def picture(rows: int, columns: int, channels: int = 3, seed: int = 0) -> Tensor:
    """Texture with nothing in it that resembles anything else much, on a scale of a few pixels."""
    draws = torch.rand(1, channels, rows, columns, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool2d(draws, 3, 1, 1, count_include_pad=False)
    return (0.5 + 1.5 * (smooth - 0.5)).clamp(0.05, 0.95)


def panned(frames: int, down: int, across: int, channels: int = 3) -> Tensor:
    """A picture that moves down and across, so many pixels a frame."""
    (height, width), last = SIZE, frames - 1
    whole = picture(height + last * down, width + last * across, channels)[0]
    windows = [Window((last - t) * down, (last - t) * across, height, width) for t in range(frames)]
    return torch.stack([window.cut(whole) for window in windows])


def noisy(clean: Tensor, seed: int = 1) -> Tensor:
    return clean + STD * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def error(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("down", "across"), [(0, 0), (2, 3)])
def test_more_frames_of_the_same_give_a_better_picture_of_each(channels: int, down: int, across: int) -> None:
    clean = panned(5, down, across, channels)
    observation = noisy(clean)
    alone, together = (
        nonlocal_bayes(clean, observation, WHITE, PATCHES, motion=motion).picture
        for motion in (None, Moving(down, across))
    )
    assert error(together, clean) < 0.6 * error(alone, clean)
    # Steadier, too.
    assert error(together.diff(dim=0), clean.diff(dim=0)) < 0.6 * error(alone.diff(dim=0), clean.diff(dim=0))


def test_of_a_flat_clip_that_stands_still_little_noise_is_left() -> None:
    flat = torch.full((5, 1, *SIZE), 0.4)
    observation = noisy(flat)
    pilot = torch.nn.functional.avg_pool2d(observation, 3, 1, 1, count_include_pad=False)
    alone, together = (
        error(refine(pilot, observation, WHITE, (PATCHES,) * 2, Execution(motion_of=motion_of)).picture, flat)
        for motion_of in (None, lambda frames: Moving())
    )
    assert together < 0.5 * alone


def test_one_frame_is_a_picture(generator: torch.Generator) -> None:
    pilot, observation = torch.rand(2, 1, 3, *SIZE, generator=generator)
    filtered = [nonlocal_bayes(pilot, observation, WHITE, PATCHES, motion=motion) for motion in (None, Moving())]
    assert torch.equal(filtered[0].picture, filtered[1].picture)
    assert filtered[0].influence == filtered[1].influence


def test_without_motion_each_frame_is_filtered_by_itself() -> None:
    clean = torch.cat([picture(*SIZE, seed=seed) for seed in range(3)])
    observation = noisy(clean)
    together = nonlocal_bayes(clean, observation, WHITE, PATCHES).picture
    pairs = zip(torch.split(clean, 1), torch.split(observation, 1), strict=True)
    alone = [nonlocal_bayes(pilot, seen, WHITE, PATCHES).picture for pilot, seen in pairs]
    assert (together - torch.cat(alone)).abs().max() < 1e-6


def test_what_is_not_found_has_no_say() -> None:
    clean = torch.cat([panned(3, 0, 0), 1 - panned(2, 0, 0)])
    observation = noisy(clean)
    motion = Moving(cut=3)
    whole = nonlocal_bayes(clean, observation, WHITE, PATCHES, motion=motion).picture
    other = observation.clone()
    other[3:] = 0
    changed = nonlocal_bayes(clean, other, WHITE, PATCHES, motion=motion).picture
    assert torch.equal(whole[:3], changed[:3])
    assert not torch.equal(whole[3:], changed[3:])


def test_where_the_motion_is_wrong_little_is_lost() -> None:
    clean = panned(5, 2, 3)
    observation = noisy(clean)
    alone, lost = (
        error(nonlocal_bayes(clean, observation, WHITE, PATCHES, motion=motion).picture, clean)
        for motion in (None, Moving(-3, 1))
    )
    assert lost < 1.2 * alone


def test_workers_leave_no_trace() -> None:
    clean = panned(3, 1, 2)
    one, three = (
        nonlocal_bayes(clean, noisy(clean), WHITE, PATCHES, workers, Moving(1, 2)).picture for workers in (1, 3)
    )
    assert torch.equal(one, three)


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (9, 40)])
def test_any_number_of_frames_of_any_size_is_filtered(frames: int, size: tuple[int, int]) -> None:
    clean = torch.full((frames, 3, *size), 0.5)
    motion = Moving(9, -20, size)
    filtered = refine(clean, noisy(clean), WHITE, (CLIP_PATCHES,), Execution(motion_of=lambda frames: motion))
    assert filtered.picture.shape == clean.shape
    assert torch.isfinite(filtered.picture).all()


def test_the_influence_is_the_divergence(generator: torch.Generator) -> None:
    pilot = 0.3 + 0.4 * panned(3, 1, 2)
    probe = torch.randn(pilot.shape, generator=generator)
    before, after = (
        nonlocal_bayes(pilot, pilot + step * probe, WHITE, PATCHES, motion=Moving(1, 2)) for step in (0, 0.02)
    )
    divergence = float((probe * (after.picture - before.picture)).mean()) / 0.02
    assert before.influence == pytest.approx(divergence, abs=0.02)


def test_motion_is_asked_for_before_each_pass() -> None:
    clean, asked = panned(3, 0, 0), []

    def motion_of(frames: Tensor) -> Moving:
        asked.append(error(frames, clean))
        return Moving()

    refine(torch.full_like(clean, 0.5), noisy(clean), WHITE, (PATCHES,) * 3, Execution(motion_of=motion_of))
    assert len(asked) == 3
    assert asked == sorted(asked, reverse=True)


def test_the_frames_around_are_the_nearest_there_are() -> None:
    assert [list(frames_around(frame, 4, 3)) for frame in range(4)] == [[0, 1, 2], [0, 1, 2], [1, 2, 3], [1, 2, 3]]
    assert list(frames_around(1, 2, 5)) == [0, 1]
    assert list(frames_around(3, 6, 1)) == [3]


def test_paths_lead_where_the_motion_leads() -> None:
    start = Place(1, Window(10, 12, 8, 9), 0)
    places, paths = follow(Moving(2.4, -3.3), start, range(3), SIZE, 4)
    assert [place.frame for place in places] == [0, 1, 2]
    table: dict[int, tuple[int, int, int]] = {}
    for place in places:
        columns = place.window.width - 3
        for index in range(place.positions(4).stop - place.first):
            corner = place.window.top + index // columns, place.window.left + index % columns
            table[place.first + index] = (place.frame, *corner)
    assert [table[int(position)] for position in paths[:, 0]] == [(0, 8, 15), (1, 10, 12), (2, 12, 9)]


def test_a_path_stays_within_the_frame_and_near_the_others() -> None:
    motion = Moving(-100, 1000)
    wild = motion.flow(0, 1).clone()
    wild[:, 20:23, 20:23] = 500.0
    motion.flow = lambda source, target: wild  # type: ignore[method-assign]
    start = Place(0, Window(0, 0, *SIZE), 0)
    places, paths = follow(motion, start, range(2), SIZE, 4)
    assert places[1].window.top >= 0
    assert places[1].window.left + places[1].window.width <= SIZE[1]
    assert places[1].window.height <= 4 + FARTHEST + SIZE[0]
    assert int(paths[1].max()) < places[1].positions(4).stop
