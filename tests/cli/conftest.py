"""The command as a fixture, and the seeds of the networks that it builds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipcli.cli import app
from pipcli.fit.fit import Fit
from pipcli.jobs.photos import batch as photo_batch
from support.running import Run

LOADED = photo_batch  # before any test steps down from root, who may be the only one to read our sources


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the terminal of whoever runs the tests out of the account."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Run]:
    """Run a command line in this process; the capture sees what C libraries print, too."""

    def run(*arguments: str | Path) -> Run:
        capfdbinary.readouterr()
        code = app.run([str(argument) for argument in arguments])
        return Run(code, *capfdbinary.readouterr())

    return run


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute in this process as in those of `running`, which have one thread: the sums are then the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def denoise(command: Callable[..., Run]) -> Callable[..., Run]:
    """Run `pip-restore denoise` for three steps, or for as long as the arguments say."""

    def run(*arguments: str | Path) -> Run:
        steps = () if {"--steps", "--time-limit"} & set(arguments) else ("--steps", "3")
        return command("denoise", *steps, "--device", "cpu", *arguments)

    return run


@pytest.fixture
def seeds_of_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every network that is built adds its seed."""
    seeds: list[int] = []
    prepare = Fit.__init__

    def noted(fit: Fit, *arguments: Any, generators: list[torch.Generator], **options: Any) -> None:
        seeds.extend(generator.initial_seed() for generator in generators)
        prepare(fit, *arguments, generators=generators, **options)

    monkeypatch.setattr(Fit, "__init__", noted)
    return seeds
