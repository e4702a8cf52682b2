"""What a fit is given, and what happens when it does not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipcli.fit.fit import Fit, Iterate
from pipcli.restoration import within_memory
from support.running import Run, in_process_of_its_own, names, opened, smooth_picture

Command = Callable[..., Run]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 20)


def test_each_of_several_members_starts_from_another_seed(
    seeds_of_fits: list[int], denoise: Command, source: Path, tmp_path: Path
) -> None:
    assert denoise(source, "--uncertainty", tmp_path / "map.png", "--steps", "2", "--seed", "5").code == 0
    assert sorted(seeds_of_fits) == [5, 6, 7, 8]  # they are built at the same time, in no order


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_a_picture_that_does_not_fit_into_memory_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, denoise: Command, source: Path, tmp_path: Path
) -> None:
    def advance(fit: Fit, *arguments: Any) -> list[Iterate]:
        raise error

    monkeypatch.setattr(Fit, "advance", advance)
    run = denoise(source, "-q")
    assert run.code == 1
    assert "20x20 pixels do not fit into the memory of cpu" in run.message
    assert names(tmp_path) == {"in.png"}


def test_other_errors_of_torch_are_not_called_memory(
    monkeypatch: pytest.MonkeyPatch, denoise: Command, source: Path
) -> None:
    def advance(fit: Fit, *arguments: Any) -> list[Iterate]:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Fit, "advance", advance)
    with pytest.raises(RuntimeError, match="shapes differ"):
        denoise(source)


def test_a_reader_of_stderr_that_leaves_does_not_end_the_work(source: Path, tmp_path: Path) -> None:
    script = (
        "import os; reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 2);"
        "from pipcli.cli.app import main; main()"
    )
    run = in_process_of_its_own("denoise", source, "--steps", "30", "--device", "cpu", script=script)
    assert run.code == 0
    assert run.out.decode().rstrip() == str(tmp_path / "in_denoised.png")
    assert names(tmp_path) == {"in.png", "in_denoised.png"}


def failing_until(condition: Callable[[Fit], bool], monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let fits run out of memory until a condition holds; return a list of what was tried: members and side."""
    advance, tried = Fit.advance, []

    def limited(fit: Fit, *arguments: Any) -> list[Iterate]:
        size = (len(fit.observations), fit.observations.shape[-1])
        if size not in tried:
            tried.append(size)
        if condition(fit):
            return advance(fit, *arguments)
        raise MemoryError

    monkeypatch.setattr(Fit, "advance", limited)
    return tried


def test_out_of_memory_halves_the_networks_at_a_time_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, denoise: Command, source: Path, tmp_path: Path
) -> None:
    tried = failing_until(lambda fit: len(fit.observations) < 2, monkeypatch)
    run = denoise(source, "--uncertainty", tmp_path / "map.png", "--steps", "2")
    assert run.code == 0
    assert "out of memory: restarted with 1 networks at a time" in run.err.decode()
    assert tried[-1] == (1, 20)
    assert names(tmp_path) == {"in.png", "in_denoised.png", "map.png"}


@pytest.mark.parametrize("options", [[], ["--paper"]])
def test_out_of_memory_halves_the_tile_and_goes_on(
    options: list[str], monkeypatch: pytest.MonkeyPatch, denoise: Command, tmp_path: Path
) -> None:
    large = smooth_picture(tmp_path / "large.png", 150)
    tried = failing_until(lambda fit: fit.observations.shape[-1] < 128, monkeypatch)
    run = denoise(large, "--steps", "1", *options)
    assert run.code == 0
    side = tried[-1][1]
    assert 64 <= side < 128
    assert f"restarted in tiles of {side} pixels" in run.err.decode()
    assert opened(tmp_path / "large_denoised.png").size == (150, 150)


def test_what_will_not_fit_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, denoise: Command, source: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(within_memory, "available_bytes", lambda device: 1000)
    monkeypatch.setattr(Fit, "advance", None)
    run = denoise(source, "-q")
    assert run.code == 1
    assert "20x20 pixels do not fit into the memory of cpu" in run.message
    assert names(tmp_path) == {"in.png"}


def test_the_memory_to_expect_is_said(denoise: Command, source: Path) -> None:
    assert "GB of memory at the peak" in denoise(source, "-v").err.decode()
    assert "GB of memory at the peak" not in denoise(source, "--overwrite").err.decode()
