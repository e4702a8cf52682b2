"""A task is one file and one row: a toy task works for photos, clips, JSON lines, help and Python."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import imagecodecs
import numpy as np
import pytest
import typer

from pipcli import api
from pipcli.cli import app as application
from pipcli.tasks import TASKS
from pipcli.tasks.base import ClipWay, OnClips, PhotoWay, Task, TaskRow, noise_only
from pipcli.tasks.shared import TaskOptions
from support.builders import png_of, samples
from support.running import Run, lines_of

Command = Callable[..., Run]
Levels = Annotated[int, typer.Option(min=2, max=256, help="How many levels a channel keeps.")]


@dataclass(frozen=True, kw_only=True)
class PosteriseOptions:
    """Keep few levels of each channel."""

    levels: Levels = 4


def task_of(own: PosteriseOptions, said: TaskOptions) -> Task:
    del said

    def few(picture):  # type: ignore[no-untyped-def]
        return (picture * (own.levels - 1)).round() / (own.levels - 1)

    def restoring(context, strip):  # type: ignore[no-untyped-def]
        del strip
        from pipcli.restoration.window import Restored, WindowReport

        class Posterised:
            leaves_warm = False

            def __call__(self, window, seconds, keeper_of):  # type: ignore[no-untyped-def]
                return Restored(few(window.observation), WindowReport("UNASKED"))

        return Posterised()

    return Task(
        name="posterise",
        suffix="_posterised",
        degradation=noise_only,
        noiseless=True,
        combined=lambda networks, picture: few(picture),
        words=lambda: {"--levels": own.levels},
        clips=OnClips(restoring=restoring),
    )


ROW = TaskRow(
    "posterise", PhotoWay(PosteriseOptions, task_of), ClipWay(PosteriseOptions, task_of), meaning="few levels"
)


@pytest.fixture
def with_the_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "app", application.build([*TASKS, ROW]))
    monkeypatch.setattr(api, "TASKS", (*TASKS, ROW))


@pytest.fixture
def expected() -> np.ndarray:
    return (np.round(samples(18, 14, 3, "uint8") / 255) * 255).astype(np.uint8)


@pytest.mark.usefixtures("with_the_toy")
def test_it_works_on_a_photo(command: Command, tmp_path: Path, expected: np.ndarray) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(png_of(samples(18, 14, 3, "uint8")))
    run = command("posterise", source, "--levels", "2", "--steps", "2", "--device", "cpu", "--json")
    assert run.code == 0
    assert [line["type"] for line in lines_of(run) if line["type"] != "progress"] == ["start", "result", "summary"]
    assert lines_of(run)[0]["task"] == "posterise"
    assert np.array_equal(imagecodecs.png_decode((tmp_path / "in_posterised.png").read_bytes()), expected)


@pytest.mark.usefixtures("with_the_toy")
def test_it_works_on_a_clip(command: Command, tmp_path: Path, expected: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        (tmp_path / "in" / f"{number:06}.png").write_bytes(png_of(samples(18, 14, 3, "uint8")))
    run = command("video", tmp_path / "in", "--task", "posterise", "--levels", "2", "--device", "cpu", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out.splitlines()[0])["task"] == "posterise"
    frames = sorted((tmp_path / "in_posterised").iterdir())
    assert len(frames) == 2
    assert np.array_equal(imagecodecs.png_decode(frames[0].read_bytes()), expected)


@pytest.mark.usefixtures("with_the_toy")
def test_its_options_are_in_the_help_and_refused_to_other_tasks(command: Command, tmp_path: Path) -> None:
    assert b"Keep few levels" in command("posterise", "--help").out
    assert b"posterise (few levels)" in b" ".join(command("video", "--help").out.split())
    run = command("video", tmp_path, "--task", "denoise", "--levels", "2")
    assert run.message == "--levels applies to --task posterise, not to denoise: leave it out"


@pytest.mark.usefixtures("with_the_toy")
def test_it_works_in_python(expected: np.ndarray) -> None:
    picture = samples(18, 14, 3, "uint8")
    assert np.array_equal(api.restore(picture, "posterise", levels=2, steps=2, device="cpu").image, expected)
    frames = api.restore(np.stack([picture] * 2), "posterise", levels=2, device="cpu").image
    assert np.array_equal(frames, np.stack([expected] * 2))
