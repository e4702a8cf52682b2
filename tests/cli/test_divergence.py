"""A fit that comes to nothing is begun again once, and said; twice is a failure without a file."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipcli.fit.fit import Fit, Iterate
from pipcli.restoration.loop import RESTART_FACTOR
from support.running import Run, lines_of, names, opened, smooth_picture

Command = Callable[..., Run]
Breaking = Callable[[Callable[[Fit], list[int]]], None]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 20)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    """Give the members of a fit whose places a choice names weights that are no numbers, at the fit's fourth step."""
    advance = Fit.advance

    def install(choose: Callable[[Fit], list[int]]) -> None:
        def broken(fit: Fit, steps: int, must_end: Callable[[], bool]) -> list[Iterate]:
            before = 3 - fit.steps_done
            if not 0 <= before < steps:
                return advance(fit, steps, must_end)
            if before:
                advance(fit, before, must_end)
            with torch.no_grad():
                next(fit.prior.parameters())[choose(fit)] = math.nan
            return advance(fit, steps - before, must_end)

        monkeypatch.setattr(Fit, "advance", broken)

    return install


@pytest.mark.parametrize("steps", ["5", "30"])
def test_a_fit_that_diverges_is_begun_again_and_said(
    steps: str, breaking: Breaking, denoise: Command, source: Path, tmp_path: Path
) -> None:
    rates: list[float] = []

    def first(fit: Fit) -> list[int]:
        rates.append(fit.settings.learning_rate)
        return [0] if len(rates) == 1 else []

    breaking(first)
    run = denoise(source, "--steps", steps, "--json", "--stop", "none")
    assert run.code == 0
    lines = lines_of(run)
    (warning,) = [line for line in lines if line["type"] == "warning"]
    assert warning["rate_factor"] == RESTART_FACTOR
    assert rates[1] == pytest.approx(RESTART_FACTOR * rates[0])
    assert f"diverged at step {warning['step']}: restarted with 0.25 times the learning rate" in warning["message"]
    assert warning["message"] in run.err.decode()
    assert lines[-2]["restarts"] == 1
    assert lines[-2]["steps_done"] == [int(steps)]
    assert opened(tmp_path / "in_denoised.png").size == (20, 20)


@pytest.mark.parametrize("stop", ["held-out", "discrepancy", "variance", "none"])
def test_a_fit_that_diverges_twice_is_a_failure_without_a_file(
    stop: str, breaking: Breaking, denoise: Command, source: Path, tmp_path: Path
) -> None:
    breaking(lambda fit: [0])
    run = denoise(source, "--steps", "30", "--stop", stop, "--sheet", tmp_path / "sheet.png", "-q")
    assert run.code == 1
    assert run.message.startswith("the fit diverged at step 10, and again with a lower learning rate: try another")
    assert names(tmp_path) == {"in.png"}
    run = denoise(source, "--steps", "30", "--stop", stop, "-q", "--json")
    assert json.loads(run.out.splitlines()[-1]) == {"type": "error", "message": run.message, "exit_code": 1}
    assert names(tmp_path) == {"in.png"}


def test_a_later_member_that_diverges_is_begun_again_alone(breaking: Breaking, denoise: Command, source: Path) -> None:
    seen: list[Fit] = []

    def second(fit: Fit) -> list[int]:
        # Told by its seed: several members advance at the same time, in no order.
        places = [place for place, generator in enumerate(fit.generators) if generator.initial_seed() == 4]
        if places:
            seen.append(fit)
        return places if len(seen) == 1 else []

    breaking(second)
    several = ("--uncertainty", source.with_name("map.png"))
    run = denoise(source, "--steps", "10", *several, "--json", "--stop", "none", "--seed", "3")
    assert run.code == 0
    lines = lines_of(run)
    (warning,) = [line for line in lines if line["type"] == "warning"]
    assert warning["member"] == 1
    assert len(seen) == 2
    assert lines[-2]["restarts"] == 1
    assert lines[-2]["steps_done"] == [10] * 4
