"""The networks of a window of frames."""

import dataclasses
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from pipcli.coords import space_time_grid
from pipcli.degradations import Blur, Degradation, Downsample, Identity
from pipcli.errors import UnusableInputError
from pipcli.fit.device import Device
from pipcli.fit.stopping import Discrepancy, HeldOut
from pipcli.noise import Gaussian, Noise
from pipcli.noise.base import Evidence
from pipcli.noise.impulse import Impulse
from pipcli.restoration.frame_networks import ClipNetworks
from pipcli.restoration.loop import restore
from pipcli.restoration.members import Concurrency, Limits
from pipcli.restoration.problem import Problem
from pipcli.restoration.solution import Solution
from pipcli.settings import (
    CLIP_PRESETS,
    PRESETS,
    HashGrid,
    KernelName,
    PriorName,
    Quality,
    Settings,
    StopName,
    Tiles,
    clip_preset,
)
from pipcli.watch import UNWATCHED

CPU = Device(torch.device("cpu"), torch.float32, "")
NOISE = Gaussian.known(0.1)
FRAMES = 3


class Panned:
    """The motion of a clip that moves by whole pixels a frame, down and to the right."""

    def __init__(self, size: tuple[int, int], down: int, right: int) -> None:
        self.size = size
        self.step = torch.tensor([down, right]).float()

    def flow(self, source: int, target: int) -> Tensor:
        """Return the same displacement everywhere."""
        return ((target - source) * self.step)[:, None, None].expand(2, *self.size)


def row_of(prior: PriorName, steps: int = 4, side: int = 16) -> Settings:
    row = CLIP_PRESETS[prior]
    fit = dataclasses.replace(row.fit, steps=steps, held_out_fraction=0.05)
    return dataclasses.replace(row, fit=fit, tiles=Tiles(side, side - 4))


def networks_of(
    row: Settings,
    observation: Tensor,
    degradation: Degradation | None = None,
    noise: Noise = NOISE,
    motion: Panned | None = None,
    known: Tensor | None = None,
) -> ClipNetworks:
    degradation = Identity(noise) if degradation is None else degradation
    motion_of = None if motion is None else lambda frames: motion
    problem = Problem(observation, degradation, noise, known, motion_of=motion_of)
    return ClipNetworks(row, problem, CPU, StopName.HELD_OUT, 0)


def solved(networks: ClipNetworks) -> Solution:
    limits = Limits(networks.settings.fit.steps, None)
    (solution,) = restore(
        [networks.picture()], networks.build_fit, limits=limits, watch=UNWATCHED, concurrency=Concurrency(1, 4)
    )
    return solution


def clip(*size: int, channels: int = 3) -> Tensor:
    return torch.rand(FRAMES, channels, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("prior", CLIP_PRESETS)
def test_every_generator_of_clips_makes_all_frames(prior: PriorName) -> None:
    networks = networks_of(row_of(prior, steps=2), clip(20, 26, channels=1), motion=Panned((20, 26), 1, 0))
    solution = solved(networks)
    assert len(networks.windows) > 1
    assert solution.image.shape == (1, 1, FRAMES, 20, 26)
    assert solution.spread.shape == (1, 1, FRAMES, 20, 26)
    assert solution.last_output.shape == solution.image.shape
    assert networks.shape == (1, FRAMES, networks.windows[0].height, networks.windows[0].width)
    assert networks.peak_bytes(2, Concurrency()) > networks.picture_bytes == 4 * FRAMES * 20 * 26


@pytest.mark.parametrize("motion", [None, Panned((12, 14), 0, 1)])
def test_frames_are_made_larger_than_they_were_observed(motion: Panned | None) -> None:
    doubling = Downsample(NOISE, Fraction(2), KernelName.LANCZOS)
    solution = solved(networks_of(row_of(PriorName.PIP), clip(12, 14), doubling, motion=motion))
    assert solution.image.shape == (1, 3, FRAMES, 24, 28)
    blur = Blur(NOISE, torch.ones(4, 3) / 12)
    solution = solved(networks_of(row_of(PriorName.PIP), clip(12, 14), blur, motion=motion))
    assert solution.image.shape == (1, 3, FRAMES, 15, 16)
    assert blur.visible(solution.image).shape == (1, 3, FRAMES, 12, 14)


def test_what_moves_stands_still_where_the_generators_are_asked() -> None:
    size = (16, 20)
    networks = networks_of(row_of(PriorName.PIP, side=20), clip(*size), motion=Panned(size, 2, -1))
    coords = networks.coords([0], size)
    pixels = torch.tensor([1.0, *size]).view(1, 3, 1, 1, 1)
    places = coords * pixels
    torch.testing.assert_close(places[:, 1:, 0, 2:6, 5:9], places[:, 1:, 1, 4:8, 4:8])
    assert torch.equal(coords[:, :, FRAMES // 2], space_time_grid(FRAMES, *size)[:, :, FRAMES // 2])


def test_a_window_of_the_picture_is_asked_at_its_own_places() -> None:
    size = (16, 40)
    networks = networks_of(row_of(PriorName.PIP), clip(*size), motion=Panned(size, 0, 4))
    coords = networks.coords([0, 1], (16, networks.windows[0].width))
    assert coords.shape == (2, 3, FRAMES, 16, networks.windows[0].width)
    torch.testing.assert_close(coords[0], coords[1])  # it moves in the same way everywhere


def test_a_grid_is_as_fine_in_time_as_the_motion_is_quick() -> None:
    paces = []
    for right in (0, 2, 4, 50):
        networks = networks_of(row_of(PriorName.HASH), clip(16, 16), motion=Panned((16, 16), 0, right))
        assert isinstance(networks.settings.encoding, HashGrid)
        paces.append(networks.settings.encoding.pace)
        assert torch.equal(networks.coords([0], (16, 16)), space_time_grid(FRAMES, 16, 16))
    assert paces == [0.5, 1.5, 3.0, 4.0]


@pytest.mark.parametrize("scale", [Fraction(2), Fraction(3, 2)])
def test_motion_is_as_many_times_larger_as_the_frames(scale: Fraction) -> None:
    reduction = Downsample(NOISE, scale, KernelName.LANCZOS)
    networks = networks_of(row_of(PriorName.PIP, side=24), clip(16, 16), reduction, motion=Panned((16, 16), 1, 2))
    size = reduction.target_size((16, 16))
    coords = networks.coords([0], size) * torch.tensor([1.0, *size]).view(1, 3, 1, 1, 1)
    moved = (coords[0, 1:, 0] - coords[0, 1:, 1]).mean((1, 2))
    torch.testing.assert_close(moved, float(scale) * torch.tensor([1.0, 2.0]))


def test_frames_that_nobody_saw_have_no_say() -> None:
    known = torch.ones(FRAMES, 1, 16, 16, dtype=torch.bool)
    known[1] = False
    shown = clip(16, 16)
    other = shown.clone()
    other[1] = 0
    images = [solved(networks_of(row_of(PriorName.PIP), seen, known=known)).image for seen in (shown, other)]
    assert torch.equal(*images)


def test_samples_that_impulses_hit_have_no_say_in_their_frame_alone() -> None:
    observation = 0.4 + 0.2 * clip(16, 16)
    observation[1, 0, 8, 8] = 1
    noise = Impulse.of(Evidence(observation), None)
    networks = networks_of(row_of(PriorName.PIP), observation, noise=noise)
    assert networks.observed is not None
    assert (~networks.observed).nonzero().tolist() == [[0, 0, 1, 8, 8]]


def test_networks_begin_with_what_those_of_the_window_before_have_learned() -> None:
    first = networks_of(row_of(PriorName.PIP, steps=10), clip(16, 26))
    solved(first)
    state = first.state()
    assert all(len(tensor) == len(first.windows) for tensor in state.values())
    warm = ClipNetworks(first.settings, first.problem, CPU, StopName.NONE, 0, warm=state)
    fit = warm.build_fit([1], 1.0)
    for name, tensor in fit.prior.state_dict().items():
        assert torch.equal(tensor[0], state[name][1])


def test_smaller_tiles_keep_what_is_known() -> None:
    known = torch.rand(FRAMES, 1, 40, 40, generator=torch.Generator().manual_seed(0)) > 0.5
    networks = networks_of(row_of(PriorName.PIP, side=32), clip(40, 40), known=known, motion=Panned((40, 40), 0, 1))
    smaller = networks.with_smaller_tiles()
    assert smaller.tiles.side == 16
    assert len(smaller.windows) > len(networks.windows)
    assert smaller.observed is not None and networks.observed is not None
    assert torch.equal(smaller.observed, networks.observed)
    assert smaller.problem is networks.problem


def test_rules_hold_a_window_of_all_frames_to_the_noise() -> None:
    networks = networks_of(row_of(PriorName.PIP), clip(16, 16))
    rules = networks.build_rules(networks.windows[0])
    assert [type(rule) for rule in rules] == [HeldOut, Discrepancy]
    assert networks.held_out.shape == (FRAMES, 16, 16)


def test_generators_of_pictures_alone_are_refused() -> None:
    with pytest.raises(UnusableInputError, match="--per-frame"):
        networks_of(PRESETS[PriorName.DECODER], clip(16, 16))
    with pytest.raises(UnusableInputError, match="--per-frame"):
        clip_preset("denoise", PriorName.DIP_UNET, Quality.STANDARD, published=False)


def test_clips_have_rows_of_their_own_and_published_ones_of_two_tasks() -> None:
    assert clip_preset("denoise", PriorName.PIP, Quality.STANDARD, published=True).fit.steps == 5000
    assert clip_preset("sr", PriorName.DIP, Quality.STANDARD, published=True).fit.steps == 10_000
    draft = clip_preset("denoise", PriorName.PIP, Quality.DRAFT, published=False)
    assert draft.fit.steps < CLIP_PRESETS[PriorName.PIP].fit.steps
    with pytest.raises(UnusableInputError, match="--quality draft"):
        clip_preset("denoise", PriorName.PIP, Quality.DRAFT, published=True)
    with pytest.raises(UnusableInputError, match="pip for denoise"):
        clip_preset("inpaint", PriorName.PIP, Quality.STANDARD, published=True)
