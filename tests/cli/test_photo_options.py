"""Every task has every option that tasks share, from one declaration."""

import dataclasses
from fractions import Fraction

import pytest
from typer.main import get_command

from pipcli.cli.app import app
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import scaled

TASKS = ("denoise", "sr", "inpaint", "enhance", "flash", "dehaze", "deblur")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_all_shared_options_and_their_defaults(task: str) -> None:
    command = get_command(app).commands[task]  # type: ignore[attr-defined]
    parameters = {parameter.name: parameter for parameter in command.params}
    for field in dataclasses.fields(PhotoOptions):
        assert parameters[field.name].default == field.default
        assert parameters[field.name].help.endswith((".", "]"))


def test_the_command_gets_them_as_one_record() -> None:
    seen: list[tuple[int, PhotoOptions]] = []

    @with_photo_options
    def command(number: int, photo: PhotoOptions) -> int:
        seen.append((number, photo))
        return 0

    assert command(3, sigma=5.0, json=True) == 0
    assert seen == [(3, PhotoOptions(sigma=5.0, json=True))]


@pytest.mark.parametrize(
    ("length", "scale", "expected"),
    [(1, Fraction(1), 1), (3, Fraction(3, 2), 5), (1, Fraction(3, 2), 2), (10, Fraction(13, 10), 13)],
)
def test_lengths_are_scaled_to_the_nearest_whole_halves_upwards(length: int, scale: Fraction, expected: int) -> None:
    assert scaled(length, scale) == expected
