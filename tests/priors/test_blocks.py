"""Generators of blocks of frames."""

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.coords import space_time_grid
from pipcli.degradations import FrameByFrame, Identity
from pipcli.fit.counting import draw_held_out
from pipcli.fit.fit import Fit
from pipcli.noise import Gaussian
from pipcli.priors import Prior, build
from pipcli.priors.batched import EPSILON, channels_last, convolve, frames_of, from_frames, normalise
from pipcli.priors.hashgrid import HashFeatures
from pipcli.priors.layers import Normalisation, doubled, temporal_basis
from pipcli.settings import CLIP_PRESETS, CLIP_PUBLISHED, HashGrid, PriorName, Settings, Upsampling

FRAMES, HEIGHT, WIDTH = 3, 19, 16
SIZE = (FRAMES, HEIGHT, WIDTH)
ROWS: dict[str, Settings] = {f"ours {prior}": row for prior, row in CLIP_PRESETS.items()}
ROWS |= {f"published {prior}": row for (task, prior), row in CLIP_PUBLISHED.items() if task == "denoise"}
HASHED = HashGrid(levels=4, features=2, coarsest=3, finest_cell=2.0, table_bits=6, amplitude=0.1, pace=2.0)
ROWS["hashed"] = dataclasses.replace(CLIP_PRESETS[PriorName.HASH], encoding=HASHED)
PARAMETERS = {PriorName.PIP: 1_565_043, PriorName.DIP: 4_395_563}


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def fit_of(row: Settings, seen: Tensor, *seeds: int) -> Fit:
    generators = seeded(*seeds)
    size = (seen.shape[2], seen.shape[3], seen.shape[4])
    prior = build(row, size, seen.shape[1], generators=generators)
    held_out = torch.stack([draw_held_out(size, 0.1, generator) for generator in generators])
    degradation = FrameByFrame(Identity(Gaussian.known(0.1)))
    coords = space_time_grid(*size, row.grid)
    return Fit(prior, degradation, seen, coords, row.fit, held_out, generators=generators)


def observations(members: int, size: tuple[int, ...] = SIZE) -> Tensor:
    return torch.rand(members, 3, *size, generator=torch.Generator().manual_seed(7))


def rows_and_planes(maps: Tensor) -> list[Tensor]:
    return [maps.contiguous(memory_format=channels_last(maps)), maps.contiguous()]


@pytest.mark.parametrize("row", ROWS)
def test_members_of_blocks_make_the_step_that_they_make_alone(row: str) -> None:
    seen = observations(2)
    together = fit_of(ROWS[row], seen, 1, 2).step()
    for place, mine in enumerate(together):
        (own,) = fit_of(ROWS[row], seen[place : place + 1], place + 1).step()
        torch.testing.assert_close(mine.output, own.output, rtol=0, atol=1e-4)
        assert mine.output.shape == (1, 3, *SIZE)
        assert mine.held_out_error is not None and own.held_out_error is not None
        assert mine.held_out_error() == pytest.approx(own.held_out_error(), rel=1e-3)


@pytest.mark.parametrize("row", ROWS)
def test_a_block_goes_on_from_its_state_as_if_there_had_been_no_break(row: str) -> None:
    seen = observations(1)
    first = fit_of(ROWS[row], seen, 1)
    first.advance(2)
    state = first.state_dict()
    second = fit_of(ROWS[row], seen, 5)
    second.load_state_dict(state)
    assert torch.equal(second.step()[0].estimate, first.step()[0].estimate)


@pytest.mark.parametrize("row", [name for name in ROWS if "published" not in name])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 3, 5), (1, 9, 8), (4, 8, 1)])
def test_blocks_of_all_sizes_are_finite_and_in_range(row: str, size: tuple[int, int, int]) -> None:
    fit = fit_of(ROWS[row], observations(1, size), 1)
    for iterate in fit.advance(2):
        assert ((iterate.estimate >= 0) & (iterate.estimate <= 1)).all()
        assert iterate.estimate.shape == (1, 3, *size)


@pytest.mark.parametrize("prior", PARAMETERS)
def test_published_networks_of_clips_have_the_published_number_of_parameters(prior: PriorName) -> None:
    row = CLIP_PUBLISHED["denoise", prior]
    network = build(row, (6, 32, 32), 3, generators=seeded(0)).network
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[prior]


def test_published_features_are_32_of_the_place_and_16_of_the_time() -> None:
    row = CLIP_PUBLISHED["denoise", PriorName.PIP]
    encoding = build(row, (6, 8, 8), 3, generators=seeded(0)).encoding
    features = encoding(space_time_grid(6, 8, 8, row.grid))
    assert features.shape == (1, 48, 6, 8, 8)
    moves = features.std(dim=2).flatten(2).amax(2)[0] > 1e-4
    varies = features.flatten(3).std(dim=3).amax(2)[0] > 1e-4
    assert (int(moves.sum()), int(varies.sum())) == (16, 32)
    assert not (moves & varies).any()


def a_frame_of(prior: Prior, frame: int) -> Prior:
    """Let a generator of blocks make one of its frames alone."""
    for module in prior.modules():
        if isinstance(module, Normalisation) and module.temporal_basis is not None:
            module.temporal_basis = module.temporal_basis[:, frame : frame + 1]
    return prior


def test_a_frame_of_pip_is_the_same_whichever_others_there_are() -> None:
    prior = build(CLIP_PRESETS[PriorName.PIP], SIZE, 3, generators=seeded(3))
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    coords = space_time_grid(*SIZE)
    block = prior(coords)
    assert float((block[:, :, 0] - block[:, :, 2]).detach().abs().max()) > 1e-3
    torch.testing.assert_close(a_frame_of(prior, 2)(coords[:, :, 2:]), block[:, :, 2:])


def test_frames_of_dip_see_their_neighbours_in_time_alone() -> None:
    row = CLIP_PRESETS[PriorName.DIP]
    prior = build(row, (9, 16, 16), 3, generators=seeded(3))
    prior.eval()
    coords = space_time_grid(9, 16, 16)
    maps = prior.encoding(coords).clone().requires_grad_()
    noise = prior.encoding(coords)
    assert float((noise[:, :, 0] - noise[:, :, 1]).abs().mean()) > 0.01
    prior.network(maps)[:, :, 0].sum().backward()
    assert maps.grad is not None
    assert float(maps.grad[:, :, 1].abs().sum()) > 0


def test_layouts_of_blocks_agree() -> None:
    maps = torch.randn(2, 4, *SIZE, generator=torch.Generator().manual_seed(0))
    for made in rows_and_planes(maps):
        assert torch.equal(from_frames(frames_of(made), made), maps)
        assert frames_of(made).data_ptr() == made.data_ptr()
    for upsampling in (Upsampling.BILINEAR, Upsampling.NEAREST):
        results = [doubled(made, (2 * HEIGHT - 1, 2 * WIDTH), upsampling) for made in rows_and_planes(maps)]
        torch.testing.assert_close(*results)
        alone = doubled(maps[:, :, 1], (2 * HEIGHT - 1, 2 * WIDTH), upsampling)
        torch.testing.assert_close(results[0][:, :, 1], alone)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("of_frames", [True, False])
def test_normalisation_of_frames_and_of_blocks(layout: int, of_frames: bool, generator: torch.Generator) -> None:
    maps = (2 + 3 * torch.randn(2, 4, *SIZE, generator=generator)).requires_grad_()
    weight, bias = (torch.randn(2, 4, *[FRAMES] * of_frames, generator=generator).requires_grad_() for _ in range(2))
    axes = (3, 4) if of_frames else (2, 3, 4)
    variance, mean = torch.var_mean(maps, axes, correction=0, keepdim=True)
    scale, shift = (vector.view(2, 4, -1, 1, 1) for vector in (weight, bias))
    expected = F.leaky_relu((maps - mean) / (variance + EPSILON).sqrt() * scale + shift, 0.2)
    direction = torch.randn(expected.shape, generator=generator)
    theirs = torch.autograd.grad(expected, [maps, weight, bias], direction)
    own = rows_and_planes(maps.detach())[layout].requires_grad_()
    result = normalise(own, weight, bias, slope=0.2)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)
    for mine, other in zip(torch.autograd.grad(result, [own, weight, bias], direction), theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)


def test_convolution_in_space_and_time(generator: torch.Generator) -> None:
    maps = torch.randn(2, 3, 5, 7, 8, generator=generator)
    weight, bias = torch.randn(2, 4, 3, 3, 3, 3, generator=generator), torch.randn(2, 4, generator=generator)
    expected = torch.stack([F.conv3d(*each, stride=(1, 2, 2)) for each in zip(maps, weight, bias, strict=True)])
    for made in rows_and_planes(maps):
        torch.testing.assert_close(convolve(made, weight, bias, 2), expected, rtol=1e-4, atol=1e-4)


def test_courses_are_cosines_of_no_shorter_period_with_unit_mean_square() -> None:
    functions = temporal_basis(9, 6.0)
    assert functions.shape == (3, 9)
    torch.testing.assert_close(functions @ functions.T / 9, torch.eye(3), rtol=0, atol=1e-6)
    assert temporal_basis(5, 2.0).shape == (4, 5)
    assert temporal_basis(1, 2.0).shape == (0, 1)


def trilinear(features: HashFeatures, level: int, at: tuple[float, ...]) -> Tensor:
    """Return the features of a level at a place in cells, corner by corner."""
    table = torch.split(features.tables[0], features.entries)[level]
    cells = features.cells[level]
    total = torch.zeros(table.shape[1])
    for t in range(cells[0] + 1):
        for y in range(cells[1] + 1):
            for x in range(cells[2] + 1):
                weight = math.prod(max(0.0, 1 - abs(a - b)) for a, b in zip(at, (t, y, x), strict=True))
                number = (t * (cells[1] + 1) + y) * (cells[2] + 1) + x
                if len(table) < math.prod(cell + 1 for cell in cells):
                    number = (x ^ (y * 2_654_435_761) ^ (t * 805_459_861)) % len(table)
                total = total + weight * table[number]
    return total


def test_a_hash_grid_of_space_and_time_interpolates_between_eight_corners() -> None:
    features = HashFeatures(HASHED, SIZE, seeded(4))
    assert any(len(table) == 64 for table in torch.split(features.tables[0], features.entries))
    maps = features(space_time_grid(*SIZE))
    frame, row, column = 1, 7, 12
    shares = ((frame + 0.5) / FRAMES, (row + 0.5) / HEIGHT, (column + 0.5) / WIDTH)
    for level, spans in enumerate(features.spans):
        at = tuple(share * span for share, span in zip(shares, spans, strict=True))
        expected = trilinear(features, level, at)
        torch.testing.assert_close(maps[0, 2 * level : 2 * level + 2, frame, row, column], expected)


def test_time_is_counted_in_frames_whatever_the_length_of_a_block() -> None:
    short, long = space_time_grid(2, 4, 6), space_time_grid(5, 4, 6)
    assert torch.equal(long[:, :, :2], short)
    assert torch.equal(long[0, 0, :, 0, 0], torch.arange(5.0))


def test_what_frames_share_is_learned_from_all_of_them() -> None:
    """A still clip comes out nearer to the truth than any of its frames alone."""
    down, across = (torch.arange(24.0)[:, None] / 24).sin(), (torch.arange(24.0) / 3).sin() / 4 + 0.5
    truth = (down * across)[None, None].expand(1, 3, 24, 24)
    generator = torch.Generator().manual_seed(0)
    noisy = (truth[:, :, None] + 0.1 * torch.randn(1, 3, 6, 24, 24, generator=generator)).clamp(0, 1)
    row: Any = CLIP_PRESETS[PriorName.PIP]
    errors = []
    for seen in (noisy, noisy[:, :, :1]):
        estimate = fit_of(row, seen, 0).advance(100)[0].estimate
        errors.append(float((estimate[:, :, 0] - truth).square().mean()))
    assert errors[0] < 0.7 * errors[1]
