"""Several pictures in one call: each is as it would be alone, and one that fails does not stop the others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipcli.jobs.photos import batch as photo_batch
from support.running import Run, lines_of, names, opened, smooth_picture

Command = Callable[..., Run]


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [smooth_picture(tmp_path / f"{name}.png", 20, seed=seed) for seed, name in enumerate("abc")]


def test_each_gets_its_own_output_as_it_would_be_alone_up_to_rounding(
    denoise: Command, three: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "alone").mkdir()
    assert denoise(*three, "-o", tmp_path / "out").code == 0
    assert names(tmp_path / "out") == {f"{name}_denoised.png" for name in "abc"}
    for source in three:
        alone = tmp_path / "alone" / f"{source.stem}_denoised.png"
        assert denoise(source, "-o", alone).code == 0
        mine, together = (np.asarray(opened(path), dtype=int) for path in (alone, tmp_path / "out" / alone.name))
        assert np.abs(mine - together).mean() < 1  # Adam makes much of a rounding where a gradient is nearly zero


def test_without_a_folder_they_go_beside_their_inputs(denoise: Command, three: list[Path], tmp_path: Path) -> None:
    run = denoise(*three)
    assert run.code == 0
    assert run.out.decode().split() == [str(tmp_path / f"{name}_denoised.png") for name in "abc"]


def test_small_pictures_are_fitted_together(denoise: Command, three: list[Path]) -> None:
    lines = lines_of(denoise(*three, "--json"))
    assert [line["type"] for line in lines[:3]] == ["start"] * 3
    assert {line["members"] for line in lines if line["type"] == "progress"} == {3}
    assert [line["type"] for line in lines[-4:]] == ["result"] * 3 + ["summary"]
    assert lines[-1]["done"] == 3


def test_pictures_of_other_sizes_come_in_their_turn(denoise: Command, three: list[Path], tmp_path: Path) -> None:
    other = smooth_picture(tmp_path / "other.png", 24)
    lines = lines_of(denoise(three[0], other, three[1], "--json"))
    assert [line["members"] for line in lines if line["type"] == "progress"] == [1] * 6
    assert lines[-1]["done"] == 3


def test_no_more_are_taken_together_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, denoise: Command, three: list[Path]
) -> None:
    monkeypatch.setattr(photo_batch, "room_for_members", lambda device: 2)
    lines = lines_of(denoise(*three, "--json"))
    assert {line["members"] for line in lines if line["type"] == "progress"} == {2, 1}


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_one_that_cannot_be_read_is_said_and_the_others_are_done(
    quiet: list[str], denoise: Command, three: list[Path], tmp_path: Path
) -> None:
    three[1].write_bytes(b"no picture")
    run = denoise(*three, "--json", *quiet)
    assert run.code == 3
    lines = lines_of(run)
    (error,) = [line for line in lines if line["type"] == "error"]
    assert "b.png" in error["message"]
    assert f"pip-restore: {error['message']}" in run.err.decode()
    assert (lines[-1]["done"], lines[-1]["failed"], lines[-1]["exit_code"]) == (2, 1, 3)
    assert names(tmp_path) == {"a.png", "b.png", "c.png", "a_denoised.png", "c_denoised.png"}


def test_one_that_cannot_be_written_is_said_and_the_others_are_done(
    denoise: Command, three: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "a_denoised.png").write_bytes(b"somebody's")
    run = denoise(*three)
    assert run.code == 3
    assert (tmp_path / "a_denoised.png").read_bytes() == b"somebody's"
    assert (tmp_path / "c_denoised.png").exists()


def test_when_all_fail_the_code_is_that_of_the_first(denoise: Command, tmp_path: Path) -> None:
    run = denoise(tmp_path / "x.png", tmp_path / "y.png")
    assert run.code == 2
    assert run.err.count(b"does not exist") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "a.png"], "--reference is for one picture"),
        (["--sheet", "s.png"], "--sheet is for one picture"),
        (["-o", "-"], "stdout takes one picture"),
        (["-o", "nowhere"], "--output is a folder that exists, not nowhere"),
    ],
)
def test_what_is_for_one_picture_is_refused(
    options: list[str], message: str, denoise: Command, three: list[Path], tmp_path: Path
) -> None:
    run = denoise(*three, *options)
    assert run.code == 2
    assert message in run.message
    assert names(tmp_path) == {"a.png", "b.png", "c.png"}


def test_inputs_that_would_share_an_output_are_refused(denoise: Command, three: list[Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = smooth_picture(tmp_path / "other" / "a.png", 20)
    run = denoise(three[0], twin, "-o", tmp_path)
    assert run.code == 2
    assert "2 of the inputs would be written to" in run.message
