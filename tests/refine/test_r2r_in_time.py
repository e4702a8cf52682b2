"""The branch of a clip: it sees other frames where they show the same, and its target's noise in none of them."""

import pytest
import torch
from torch import Tensor

from pipcli.refine.r2r import Branch
from pipcli.refine.trajectories import moved
from pipcli.settings import BranchSettings
from pipcli.tiles import Window

SETTINGS = BranchSettings(width=8, scales=2, steps=400, learning_rate=5e-3, crop=32, recorruption=0.5, frames=3)
STD = 0.1


class Panned:
    """All moves down by two pixels and left by one a frame."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)

    def flow(self, source: int, target: int) -> Tensor:
        step = torch.tensor([2.0, -1.0]) * (target - source)
        return step[:, None, None].expand(2, *self.size)

    def found(self, source: int, target: int) -> Tensor:
        return torch.ones((1, *self.size), dtype=torch.bool)


def panned(frames: int, height: int, width: int) -> Tensor:
    rows, columns = torch.arange(height + 2 * frames)[:, None], torch.arange(width + frames)[None]
    whole = (0.5 + 0.2 * torch.sign((0.2 * rows).sin() * (0.25 * columns).cos())).expand(1, 3, -1, -1)
    return torch.cat(
        [Window(2 * (frames - frame), frame, height, width).cut(whole) for frame in range(frames)]
    ).contiguous()


def branch_of(observation: Tensor, settings: BranchSettings = SETTINGS) -> Branch:
    motion = Panned(observation.shape[-2], observation.shape[-1])
    return Branch(observation, torch.full_like(observation, STD), settings, torch.float32, 0, motion)


@pytest.mark.parametrize("frame", range(4))
def test_other_frames_are_seen_where_they_show_the_same(frame: int) -> None:
    clip = panned(4, 40, 44)
    seen = branch_of(clip)._seen(clip, frame, Window(12, 12, 16, 16))
    own = Window(12, 12, 16, 16).cut(clip[frame : frame + 1])
    assert seen.shape[1] == 9
    for other in torch.split(seen, 3, dim=1):
        assert torch.equal(other, own)


def test_what_is_seen_of_a_frame_beyond_its_edge_is_its_edge() -> None:
    clip = torch.rand(2, 1, 10, 12, generator=torch.Generator().manual_seed(0))
    seen = moved(clip, Panned(10, 12), 0, 1, Window(0, 0, 10, 12))
    assert torch.equal(seen[0, :, :8, 1:], clip[1, :, 2:, :-1])
    assert torch.equal(seen[0, :, 9, 1:], clip[1, :, 9, :-1])


def test_noise_goes_although_nothing_clean_was_shown(generator: torch.Generator) -> None:
    clean = panned(3, 64, 64)
    observation = clean + STD * torch.randn(clean.shape, generator=generator)
    branch = branch_of(observation, BranchSettings(8, 2, 2000, 5e-3, 32, 0.5, frames=3))
    assert branch.train()
    assert float((branch.denoise(observation) - clean).square().mean()) < 0.4 * STD**2


def test_a_branch_of_one_frame_is_that_of_a_picture(generator: torch.Generator) -> None:
    observation = torch.rand(1, 3, 33, 40, generator=generator)
    alone = Branch(observation, torch.full_like(observation, STD), SETTINGS, torch.float32, 0)
    results = []
    for branch in (alone, branch_of(observation)):
        branch.train()
        results.append(branch.denoise(observation))
    assert torch.equal(*results)


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("size", [(1, 1), (3, 17)])
def test_any_number_of_frames_of_any_size_is_denoised(frames: int, size: tuple[int, int]) -> None:
    observation = torch.full((frames, 1, *size), 0.5)
    branch = branch_of(observation)
    assert branch.train()
    assert branch.denoise(observation).shape == observation.shape
