"""The published rows are what the papers ran; the presets are sound and cannot be changed by accident."""

import dataclasses
import math

import pytest

from pipcli.errors import UnusableInputError
from pipcli.settings import (
    BEST_PRESETS,
    DISCREPANCY_FACTOR,
    FINISH,
    GUARD_FACTOR,
    HELD_OUT_FRACTION,
    MOST_STRIDE_SHARE,
    PRESETS,
    PUBLISHED,
    PUBLISHED_FITS,
    SIGMA_RANGE,
    STEP_SHARE,
    TASK_PRESETS,
    VARIANCE_PATIENCE,
    AxisWaves,
    CompassWaves,
    Coordinates,
    FinishSettings,
    Grid,
    HourglassSettings,
    Merge,
    NoiseSettings,
    OctaveWaves,
    PriorName,
    Quality,
    Sampling,
    Settings,
    StopName,
    Tiles,
    for_picture,
    geometric,
    preset,
    with_max_frequency,
)

ROWS = [*PRESETS.values(), *BEST_PRESETS.values(), *PUBLISHED.values(), *PUBLISHED_FITS.values()]


def test_the_published_pip_has_eight_frequencies_a_constant_factor_apart() -> None:
    encoding = PUBLISHED["denoise", PriorName.PIP].encoding
    assert isinstance(encoding, AxisWaves)
    assert encoding.frequencies == pytest.approx([1, 2.208, 4.876, 10.767, 23.776, 52.501, 115.933, 256], rel=1e-4)
    ratios = [after / before for before, after in zip(encoding.frequencies, encoding.frequencies[1:], strict=False)]
    assert ratios == pytest.approx([2 ** (8 / 7)] * 7)


def test_the_published_rows_have_the_published_numbers() -> None:
    pip, dip = PUBLISHED["denoise", PriorName.PIP], PUBLISHED["denoise", PriorName.DIP]
    assert (pip.fit.steps, dip.fit.steps) == (1800, 3000)
    assert pip.fit.learning_rate == dip.fit.learning_rate == 0.01
    assert pip.grid is Grid.CORNERS
    assert dip.encoding == NoiseSettings(channels=32, amplitude=0.1, jitter=1 / 30)
    for row, kernel_size in ((pip, 1), (dip, 3)):
        assert isinstance(row.network, HourglassSettings)
        assert row.network.kernel_size == kernel_size
        assert row.network.widths == (128,) * 5
        assert row.network.skip_widths == (4,) * 5
        assert row.network.sampling is Sampling.POINT
        assert row.network.merge is Merge.CONCATENATE
        assert row.network.redundant_biases
        assert row.fit.members == 1
        assert row.fit.held_out_fraction == 0
        assert row.tiles is None


@pytest.mark.parametrize("prior", [PriorName.PIP, PriorName.DIP])
def test_the_published_row_is_returned_as_it_stands(prior: PriorName) -> None:
    assert preset("denoise", prior, Quality.STANDARD, published=True) is PUBLISHED["denoise", prior]
    for quality in (Quality.DRAFT, Quality.BEST):
        with pytest.raises(UnusableInputError, match=f"leave out --quality {quality}"):
            preset("denoise", prior, quality, published=True)


@pytest.mark.parametrize("prior", PriorName)
def test_the_qualities_differ_in_time_and_finish_only(prior: PriorName) -> None:
    draft, standard, best = (preset("denoise", prior, quality, published=False) for quality in Quality)
    assert dataclasses.replace(standard, finish=FinishSettings()) == PRESETS[prior]
    assert 0 < draft.fit.steps <= standard.fit.steps / 4
    assert draft.fit.members == standard.fit.members == best.fit.members == 1
    for row in (draft, best):
        assert dataclasses.replace(row, fit=standard.fit, tiles=standard.tiles, finish=standard.finish) == standard
        assert 0 <= row.fit.average_decay <= standard.fit.average_decay
    assert best.tiles == standard.tiles
    assert best.finish.branch is not None
    assert draft.finish.branch is standard.finish.branch is None
    assert 0 < len(draft.finish.passes) < len(standard.finish.passes) < len(best.finish.passes)
    assert standard.tiles is not None
    assert draft.tiles == Tiles(standard.tiles.side, round(MOST_STRIDE_SHARE * standard.tiles.side))
    assert standard.tiles.stride < draft.tiles.stride < standard.tiles.side  # fewer windows, which still overlap


def test_there_is_a_row_for_every_prior_and_a_share_for_every_quality() -> None:
    assert set(PRESETS) == set(PriorName)
    assert set(STEP_SHARE) == set(FINISH) == set(Quality)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_sound_and_frozen(row: Settings) -> None:
    if isinstance(row.network, HourglassSettings):
        assert len(row.network.widths) == len(row.network.skip_widths)
        assert row.network.kernel_size % 2 == 1
    assert row.fit.steps > 0
    assert 0 < row.fit.learning_rate < 1
    assert 0 <= row.fit.average_decay < 1
    assert 0 < row.fit.patience <= 1
    if row.tiles is not None:
        assert 0 < row.tiles.stride < row.tiles.side  # windows overlap, so that no seam can show
    for record in (row, row.encoding, row.network, row.fit, *([row.tiles] if row.tiles else [])):
        hash(record)
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.anything = None  # type: ignore[union-attr]


def test_the_bounds_are_in_order() -> None:
    assert 0 < SIGMA_RANGE[0] < SIGMA_RANGE[1] == 255
    assert 0 < HELD_OUT_FRACTION < 0.5
    assert 0 < GUARD_FACTOR < DISCREPANCY_FACTOR <= 1
    assert VARIANCE_PATIENCE == 1000


def test_names_are_typed_as_they_are_written() -> None:
    assert [str(name) for name in PriorName] == [
        "pip",
        "dip",
        "dip-unet",
        "dip-resnet",
        "siren",
        "mlp",
        "hash",
        "decoder",
    ]
    assert [str(name) for name in Quality] == ["draft", "standard", "best"]
    assert [str(name) for name in StopName] == ["held-out", "discrepancy", "variance", "none"]


def test_a_geometric_row_has_its_ends_and_one_factor() -> None:
    row = geometric(3.0, 48.0, 5)
    assert row == pytest.approx((3, 6, 12, 24, 48))
    assert math.isclose(row[0], 3.0)
    assert list(row) == sorted(row)


@pytest.mark.parametrize("prior", PriorName)
@pytest.mark.parametrize("task", ["denoise", "sr", "inpaint", "any other"])
def test_a_prior_serves_every_task(task: str, prior: PriorName) -> None:
    row = preset(task, prior, Quality.STANDARD, published=False)
    assert row.network == TASK_PRESETS.get((task, prior), PRESETS[prior]).network


@pytest.mark.parametrize(("task", "prior"), BEST_PRESETS)
def test_rows_of_best_are_of_no_other_quality_and_take_their_time(task: str, prior: PriorName) -> None:
    standard, best = (preset(task, prior, quality, published=False) for quality in (Quality.STANDARD, Quality.BEST))
    assert best.fit == BEST_PRESETS[task, prior].fit
    assert standard.fit == TASK_PRESETS.get((task, prior), PRESETS[prior]).fit
    assert best.fit.steps * best.fit.members > standard.fit.steps * standard.fit.members


def test_what_was_not_published_is_refused_with_what_was() -> None:
    with pytest.raises(UnusableInputError, match=r"name pip, dip, siren, mlp, hash, decoder$"):
        preset("denoise", PriorName.DIP_UNET, Quality.STANDARD, published=True)
    with pytest.raises(UnusableInputError, match=r"name siren, mlp, hash$"):
        preset("dehaze", PriorName.PIP, Quality.STANDARD, published=True)
    for prior in PriorName:
        assert preset("inpaint", prior, Quality.STANDARD, published=True).fit.steps > 1000


def test_the_highest_frequency_is_of_the_whole_picture() -> None:
    pip = for_picture(with_max_frequency(PRESETS[PriorName.PIP], 100), (300, 400))
    assert isinstance(pip.encoding, CompassWaves)
    assert pip.encoding.shortest_period == 4
    published = for_picture(with_max_frequency(PUBLISHED["denoise", PriorName.PIP], 100), (300, 400))
    assert isinstance(published.encoding, AxisWaves)
    assert published.encoding.frequencies[-1] == pytest.approx(2 * math.pi * 100)
    assert len(published.encoding.frequencies) == 8
    mlp = for_picture(with_max_frequency(PRESETS[PriorName.MLP], 1e9), (300, 400))
    assert mlp.encoding == OctaveWaves(shortest_period=2.0)  # pixels show no more
    assert with_max_frequency(PRESETS[PriorName.MLP], 0).encoding == Coordinates()
    for row in ROWS:
        assert for_picture(row, (300, 400)) == row
