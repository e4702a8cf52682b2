"""Every generator: members know nothing of each other, states go round, one seed is one result, published sizes."""

import dataclasses
import io
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from pipcli.coords import pixel_grid
from pipcli.degradations import Identity
from pipcli.fit.fit import Fit, members_of
from pipcli.noise import Gaussian
from pipcli.priors import build, precision_for
from pipcli.priors.encodings import FourierFeatures, LearnedFeatures, octave_waves
from pipcli.priors.hashgrid import HashFeatures, resolutions
from pipcli.settings import (
    PRESETS,
    PUBLISHED,
    PUBLISHED_FITS,
    HashGrid,
    LearnedWaves,
    OctaveWaves,
    PriorName,
    Settings,
)

ROWS = {f"ours {prior}": row for prior, row in PRESETS.items()}
ROWS |= {f"published {prior} {task}": row for (task, prior), row in PUBLISHED.items() if task == "inpaint"}
ROWS |= {f"published {prior}": row for prior, row in PUBLISHED_FITS.items()}
HASHED = HashGrid(levels=5, features=2, coarsest=4, finest_cell=1.0, table_bits=6, amplitude=1e-4)
ROWS["hashed"] = dataclasses.replace(PRESETS[PriorName.HASH], encoding=HASHED)
SIZE = (21, 16)


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def observations(members: int) -> Tensor:
    return torch.rand(members, 3, *SIZE, generator=torch.Generator().manual_seed(7))


def fit_of(row: Settings, seen: Tensor, *seeds: int) -> Fit:
    generators = seeded(*seeds)
    prior = build(row, SIZE, 3, generators=generators)
    coords = pixel_grid(*SIZE, row.grid)
    held_out = torch.zeros(len(seen), *SIZE, dtype=torch.bool)
    return Fit(prior, Identity(Gaussian.known(0.1)), seen, coords, row.fit, held_out, generators=generators)


@pytest.mark.parametrize("row", ROWS)
def test_members_make_the_steps_that_they_make_alone(row: str) -> None:
    seen = observations(3)
    together = fit_of(ROWS[row], seen, 1, 2, 3)
    alone = [fit_of(ROWS[row], seen[place : place + 1], place + 1) for place in range(3)]
    first = [fit.step()[0] for fit in alone]
    for mine, own in zip(together.step(), first, strict=True):
        torch.testing.assert_close(mine.output, own.output, rtol=0, atol=1e-4)
    for place, fit in enumerate(alone):
        for mine, own in zip(together.prior.parameters(), fit.prior.parameters(), strict=True):
            assert mine.grad is not None
            assert own.grad is not None
            scale = float(own.grad.abs().max())
            # A bias that a normalisation cancels has a gradient of nothing but rounding.
            torch.testing.assert_close(mine.grad[place], own.grad[0], rtol=1e-2, atol=1e-3 * scale + 1e-5)


@pytest.mark.parametrize("row", ROWS)
def test_members_go_on_from_a_state_as_if_nothing_had_happened(row: str) -> None:
    seen = observations(3)
    whole = fit_of(ROWS[row], seen, 1, 2, 3)
    whole.step()
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    resumed = fit_of(ROWS[row], seen, 7, 8, 9)
    resumed.load_state_dict(state)
    kept = fit_of(ROWS[row], seen[[2, 0]], 5, 6)
    kept.load_state_dict(members_of(state, [2, 0]))
    for fit in (whole, resumed, kept):
        fit.step()
    assert torch.equal(resumed.estimates(), whole.estimates())
    torch.testing.assert_close(kept.estimates(), whole.estimates()[[2, 0]], rtol=0, atol=2e-3)


@pytest.mark.parametrize("row", ROWS)
def test_one_seed_gives_the_same_bytes_and_other_layouts_of_memory_the_same_picture(row: str) -> None:
    fits = [fit_of(ROWS[row], observations(2), 1, 2) for _ in range(2)]
    for fit in fits:
        fit.advance(3)
    assert torch.equal(fits[0].estimates(), fits[1].estimates())
    assert fits[0].estimates().dtype == torch.float32


@pytest.mark.parametrize("row", [name for name in ROWS if name.startswith("ours")])
def test_it_learns_a_smooth_picture_in_either_precision(row: str) -> None:
    settings = ROWS[row]
    down, right = (torch.linspace(0, 1, length) for length in SIZE)
    seen = (0.3 + 0.4 * down[:, None] * right).expand(1, 3, *SIZE).contiguous()
    for precision in (torch.float32, torch.bfloat16):
        generators = seeded(1)
        prior = build(settings, SIZE, 3, generators=generators, precision=precision)
        assert prior.precision == precision_for(settings, precision)
        held_out = torch.zeros(1, *SIZE, dtype=torch.bool)
        rate = dataclasses.replace(settings.fit, average_decay=0.9)
        coords = pixel_grid(*SIZE)
        fit = Fit(prior, Identity(Gaussian.known(0.1)), seen, coords, rate, held_out, generators=generators)
        first = fit.step()[0].residual
        fit.advance(60)
        assert float((fit.estimates() - seen).square().mean()) < 0.2 * first


@pytest.mark.parametrize("prior", [PriorName.SIREN])
def test_coordinates_are_never_rounded(prior: PriorName) -> None:
    assert precision_for(PRESETS[prior], torch.bfloat16) == torch.float32
    assert precision_for(PRESETS[PriorName.PIP], torch.bfloat16) == torch.bfloat16


def unet_size(widths: list[int], inputs: int, outputs: int) -> int:
    """Count a U-Net's parameters by its description: two 3x3 convolutions a scale, 4x4 doublings, a 1x1 at the end."""
    scales = [inputs, *widths]
    down = sum(9 * before * after + after + 9 * after**2 + after for before, after in zip(scales, widths, strict=False))
    up = 0
    for width, below in pairwise(widths):
        up += 16 * below * width + width + 9 * 2 * width * width + width + 9 * width**2 + width
    return down + up + widths[0] * outputs + outputs


COUNTS = [
    (PUBLISHED["denoise", PriorName.PIP], 329_575),
    (PUBLISHED["sr", PriorName.PIP], 329_575 + 8),
    (PUBLISHED["inpaint", PriorName.PIP], 397_947 + 8),
    (PUBLISHED["denoise", PriorName.DIP], 2_217_831),
    (PUBLISHED["sr", PriorName.DIP], 2_217_831),
    (PUBLISHED["inpaint", PriorName.DIP], 3_002_627),
    (PUBLISHED["inpaint", PriorName.DIP_UNET], unet_size([8, 16, 32, 64, 128, 128], 1, 3)),
    (PUBLISHED["inpaint", PriorName.DIP_RESNET], 320 + 8 * (2 * 9 * 32**2 + 4 * 32) + 9 * 32**2 + 3 * 32 + 867),
    (PUBLISHED["denoise", PriorName.DECODER], 100_224),
    (PUBLISHED_FITS[PriorName.SIREN], 198_915),
    # At 512 pixels seven octaves along each axis, and the coordinates: 30 features.
    (PUBLISHED_FITS[PriorName.MLP], 30 * 256 + 256 + 3 * (256**2 + 256) + 3 * 256 + 3),
]


@pytest.mark.parametrize(("row", "count"), COUNTS, ids=lambda value: value if isinstance(value, int) else "")
def test_the_published_generators_have_the_published_number_of_parameters(row: Settings, count: int) -> None:
    prior = build(row, (512, 1), 3, generators=seeded(0))
    assert sum(parameter.numel() for parameter in prior.parameters()) == count


def test_learned_frequencies_begin_as_the_fixed_ones_and_serve_both_axes() -> None:
    encoding = LearnedFeatures(LearnedWaves((1.0, 7.0), jitter=0.0), seeded(1, 2))
    coords = pixel_grid(5, 9)
    features = encoding(coords)
    assert features.shape == (2, 8, 5, 9)
    y, x = coords[0, 0], coords[0, 1]
    expected = torch.stack([wave(f * axis) for axis in (x, y) for wave in (torch.cos, torch.sin) for f in (1.0, 7.0)])
    torch.testing.assert_close(features, expected.expand(2, -1, -1, -1))
    features.square().sum().backward()
    assert encoding.frequencies.grad is not None


def test_learned_frequencies_are_jittered_while_fitting_alone() -> None:
    encoding = LearnedFeatures(LearnedWaves((1.0, 7.0), jitter=0.5), seeded(1, 2))
    coords = pixel_grid(5, 9)
    clean = encoding(coords)
    encoding.before_step()
    jittered = encoding(coords)
    assert not torch.equal(jittered, clean)
    assert not torch.equal(jittered[0], jittered[1])
    place = encoding._offsets
    encoding.before_step()
    assert encoding._offsets is place
    assert not torch.equal(encoding(coords), jittered)
    assert torch.equal(encoding.eval()(coords), clean)


def test_octaves_rise_from_one_period_a_side_to_the_shortest() -> None:
    waves = octave_waves(OctaveWaves(shortest_period=8.0), (256, 512))
    assert waves.shape == (14, 2)
    periods = 2 * torch.pi * torch.tensor([256, 512]) / waves
    assert periods[:7, 1].tolist() == pytest.approx([512, 256, 128, 64, 32, 16, 8])
    assert periods[7:, 0].tolist() == pytest.approx([512, 256, 128, 64, 32, 16, 8])
    assert octave_waves(OctaveWaves(shortest_period=8.0), (3, 4)).shape == (0, 2)


def test_coordinates_run_from_minus_one_to_one_along_the_longer_side() -> None:
    features = FourierFeatures(torch.zeros(0, 2), extent=(0.5, 1.0))(pixel_grid(4, 8))
    assert features.shape == (1, 2, 4, 8)
    assert features[0, 1, 0].tolist() == pytest.approx([(2 * place + 1) / 8 - 1 for place in range(8)])
    assert features[0, 0, :, 0].tolist() == pytest.approx([-0.375, -0.125, 0.125, 0.375])


@pytest.mark.parametrize("bits", [3, 20])
@pytest.mark.parametrize("size", [(12, 12), (7, 12), (12, 1)])
def test_a_hash_grid_is_bilinear_between_what_its_corners_look_up(bits: int, size: tuple[int, int]) -> None:
    settings = HashGrid(levels=3, features=2, coarsest=2, finest_cell=2.0, table_bits=bits, amplitude=1.0)
    encoding = HashFeatures(settings, size, seeded(1, 2))
    coords = pixel_grid(*size)
    features = encoding(coords)
    assert features.shape == (2, 6, *size)
    assert resolutions(settings, 12) == [2, 3, 6]
    tables = torch.split(encoding.tables, encoding.entries, dim=1)
    for level, resolution in enumerate(resolutions(settings, 12)):
        columns = encoding.cells[level][1] + 1
        for row in range(size[0]):
            for column in range(size[1]):
                y, x = ((place + 0.5) / 12 * resolution for place in (row, column))
                expected = torch.zeros(2, 2)
                for j, i in ((int(y), int(x)), (int(y) + 1, int(x)), (int(y), int(x) + 1), (int(y) + 1, int(x) + 1)):
                    weight = max(0.0, 1 - abs(y - j)) * max(0.0, 1 - abs(x - i))
                    if weight == 0:
                        continue
                    hashed = (i ^ (j * 2_654_435_761)) % 2**bits
                    dense = tables[level].shape[1] == columns * (encoding.cells[level][0] + 1)
                    expected += weight * tables[level][:, j * columns + i if dense else hashed]
                torch.testing.assert_close(features[:, 2 * level : 2 * level + 2, row, column], expected)
