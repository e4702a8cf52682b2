"""Every task has every option that tasks share, from one declaration."""

import dataclasses
from fractions import Fraction

import pytest
from typer.main import get_command

from pipcli.cli.app import app
from pipcli.tasks import TASKS as ROWS
from pipcli.tasks.base import scaled
from pipcli.tasks.shared import PhotoOptions

TASKS = [row.name for row in ROWS if row.photos is not None]


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_all_shared_options_and_their_defaults(task: str) -> None:
    command = get_command(app).commands[task]  # type: ignore[attr-defined]
    parameters = {parameter.name: parameter for parameter in command.params}
    for field in dataclasses.fields(PhotoOptions):
        assert parameters[field.name].default == field.default
        assert parameters[field.name].help.endswith((".", "]"))


@pytest.mark.parametrize(
    ("length", "scale", "expected"),
    [(1, Fraction(1), 1), (3, Fraction(3, 2), 5), (1, Fraction(3, 2), 2), (10, Fraction(13, 10), 13)],
)
def test_lengths_are_scaled_to_the_nearest_whole_halves_upwards(length: int, scale: Fraction, expected: int) -> None:
    assert scaled(length, scale) == expected
