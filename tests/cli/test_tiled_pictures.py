"""A picture larger than a tile is fitted in windows and is one picture again."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipcli.fit.fit import Fit
from pipcli.settings import PRESETS, PriorName
from pipcli.tiles import windows
from support.running import Run, lines_of, names, opened, picture

Command = Callable[..., Run]
WIDTH, HEIGHT = 200, 150


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return picture(tmp_path / "in.png", HEIGHT, WIDTH)


@pytest.fixture
def one_then_two_threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def standard_windows() -> int:
    tiles = PRESETS[PriorName.PIP].tiles
    assert tiles is not None
    return len(windows((HEIGHT, WIDTH), tiles.side, tiles.stride))


def test_a_large_picture_keeps_its_size_and_takes_several_networks(
    denoise: Command, source: Path, tmp_path: Path
) -> None:
    run = denoise(source, "--steps", "2", "--json")
    assert run.code == 0
    assert names(tmp_path) == {"in.png", "in_denoised.png"}
    restored = opened(tmp_path / "in_denoised.png")
    assert (restored.size, restored.mode) == ((WIDTH, HEIGHT), "RGB")
    start, *progress, result, summary = lines_of(run)
    count = standard_windows()
    assert count > 1
    assert start["settings"]["tile"] == 128
    assert start["settings"]["members"] == 1
    assert [(line["members"], line["fitting"], line["step"]) for line in progress] == [(count, count, 1), (count, 0, 2)]
    assert result["steps"] == result["steps_done"] == [2] * count
    assert summary["exit_code"] == 0
    assert f"step 1 of at most 2, {count} of {count} networks, " in run.err.decode()
    assert "; estimate of step 2 in " in run.err.decode()


@pytest.mark.slow
def test_the_qualities_and_the_published_method_take_their_own_numbers_of_networks(
    denoise: Command, source: Path
) -> None:
    counts = []
    compared = ["--uncertainty", source.with_name("map.png")]
    for options in (["--paper"], ["--quality", "draft"], ["--quality", "standard"], ["--quality", "best"], compared):
        lines = lines_of(denoise(source, "--steps", "1", "--json", "--overwrite", *options))
        counts.append(len(lines[-2]["steps"]))
    published, draft, standard, best, several = counts
    assert published == 1 < draft <= standard
    assert best == standard
    assert several == 4 * standard


def test_each_network_of_a_large_picture_starts_from_a_seed_of_its_own(
    seeds_of_fits: list[int], denoise: Command, source: Path
) -> None:
    assert denoise(source, "--steps", "1", "--seed", "5").code == 0
    assert sorted(seeds_of_fits) == list(range(5, 5 + standard_windows()))


def test_networks_that_stop_apart_are_told_by_their_first_and_last_step(
    monkeypatch: pytest.MonkeyPatch, denoise: Command, source: Path
) -> None:
    advance = Fit.advance

    def explained(fit: Fit, *arguments: Any) -> Any:
        return [
            dataclasses.replace(iterate, residuals=lambda: [0.0]) if generator.initial_seed() == 5 else iterate
            for iterate, generator in zip(advance(fit, *arguments), fit.generators, strict=True)
        ]

    monkeypatch.setattr(Fit, "advance", explained)
    options = ("--sigma", "25", "--stop", "discrepancy", "--seed", "5", "--steps", "3")
    run = denoise(source, *options, "--json")
    result = lines_of(run)[-2]
    assert result["steps_done"] == [1] + [3] * (standard_windows() - 1)
    assert result["outcome"] == "step_limit"
    assert "the step limit was reached; estimate of steps 1 to 3 in " in run.err.decode()


@pytest.mark.slow
def test_one_seed_gives_the_same_bytes_on_any_number_of_threads(
    one_then_two_threads: Callable[[int], None], denoise: Command, source: Path, tmp_path: Path
) -> None:
    results = []
    for index, (threads, seed) in enumerate([(1, "7"), (1, "7"), (2, "7"), (2, "7"), (2, "8")]):
        one_then_two_threads(threads)
        output = tmp_path / f"{index}.png"
        assert denoise(source, "-o", output, "--seed", seed, "--steps", "2").code == 0
        results.append(output.read_bytes())
    assert len(set(results[:4])) == 1
    assert results[4] != results[0]
