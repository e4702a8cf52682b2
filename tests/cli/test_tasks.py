"""What every task on photos keeps: through the real command, with few steps, for each task in turn."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support.builders import png_of, samples
from support.running import PATIENCE, Run, begun, lines_of, names, opened

Command = Callable[..., Run]


@dataclass(frozen=True)
class Tried:
    """A task as the tests run it.

    Attributes:
        suffix: of the output's name.
        scale: how many times as long the output's sides are.
        words: options that the task wants; the words MASK, GUIDE and KERNEL become files.
        channels: the numbers of channels without alpha that it takes.
    """

    suffix: str
    scale: float = 1
    words: tuple[str, ...] = ()
    channels: tuple[int, ...] = (1, 3)


TASKS = {
    "denoise": Tried("_denoised"),
    "sr": Tried("_x2", 2, ("--scale", "2")),
    "inpaint": Tried("_inpainted", words=("--mask", "MASK")),
    "enhance": Tried("_enhanced"),
    "deblur": Tried("_deblurred", words=("--kernel-file", "KERNEL")),
    "deblur blind": Tried("_deblurred", words=("--kernel-size", "3")),
    "dehaze": Tried("_dehazed"),
    "flash": Tried("_flash", words=("--guide", "GUIDE")),
}
HEIGHT, WIDTH = 21, 17


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def words(task: str, tmp_path: Path) -> list[str]:
    """Return the task's command line without its input, with what it needs made."""
    folder = tmp_path / "needs"
    folder.mkdir()
    hole = np.zeros((HEIGHT, WIDTH), np.uint8)
    hole[5:9, 4:12] = 255
    Image.fromarray(hole).save(folder / "mask.png")
    (folder / "guide.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8", seed=9)))
    (folder / "kernel.png").write_bytes(png_of(samples(3, 4, 1, "uint8")))
    made = {"KERNEL": str(folder / "kernel.png"), "MASK": str(folder / "mask.png"), "GUIDE": str(folder / "guide.png")}
    replaced = [made.get(word, word) for word in TASKS[task].words]
    return [task.split()[0], *replaced, "--device", "cpu", "--steps", "2"]


def written(path: Path) -> NDArray[np.generic]:
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_size_depth_channels_and_alpha_are_kept(
    task: str, words: list[str], channels: int, dtype: str, command: Command, tmp_path: Path
) -> None:
    array = samples(HEIGHT, WIDTH, channels, dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    run = command(*words, tmp_path / "in.png", "-q")
    assert (run.code, run.err) == (0, b"")
    tried = TASKS[task]
    restored = written(tmp_path / f"in{tried.suffix}.png")
    height, width = round(HEIGHT * tried.scale), round(WIDTH * tried.scale)
    assert restored.shape == ((height, width) if channels == 1 else (height, width, channels))
    assert restored.dtype == array.dtype
    if channels in (2, 4) and tried.scale == 1:
        assert np.array_equal(restored[:, :, -1], array[:, :, -1])


def test_a_file_that_the_task_reads_is_never_written(words: list[str], command: Command, tmp_path: Path) -> None:
    read = sorted((tmp_path / "needs").iterdir())
    before = [path.read_bytes() for path in read]
    (tmp_path / "in.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8")))
    for path in read:
        if str(path) in words:
            run = command(*words, tmp_path / "in.png", "-o", path, "--overwrite", "-q")
            assert (run.code, "they must be different files" in run.message) == (2, True)
    assert [path.read_bytes() for path in read] == before


def test_the_same_seed_gives_the_same_bytes(words: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8")))
    for name in ("a.png", "b.png"):
        assert command(*words, tmp_path / "in.png", "-o", tmp_path / name, "--seed", "3").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_json_lines_a_sheet_and_figures_against_a_reference(
    task: str, words: list[str], command: Command, tmp_path: Path
) -> None:
    tried = TASKS[task]
    (tmp_path / "in.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8")))
    height, width = round(HEIGHT * tried.scale), round(WIDTH * tried.scale)
    (tmp_path / "truth.png").write_bytes(png_of(samples(height, width, 3, "uint8", seed=5)))
    more = ("--reference", tmp_path / "truth.png", "--sheet", tmp_path / "sheet.png", "--json")
    run = command(*words, tmp_path / "in.png", *more)
    assert run.code == 0
    lines = {line["type"]: line for line in lines_of(run)}
    assert lines["start"]["task"] == task.split()[0]
    restored = written(tmp_path / f"in{tried.suffix}.png").astype(float)
    truth = written(tmp_path / "truth.png").astype(float)
    psnr = 10 * np.log10(255**2 / np.square(restored - truth).mean())
    assert lines["result"]["metrics"]["psnr"] == pytest.approx(psnr, abs=1e-3)
    assert opened(tmp_path / "sheet.png").width > 3 * width


def test_a_reference_of_another_size_is_refused(words: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8")))
    (tmp_path / "truth.png").write_bytes(png_of(samples(HEIGHT + 1, WIDTH, 3, "uint8")))
    run = command(*words, tmp_path / "in.png", "--reference", tmp_path / "truth.png")
    assert run.code == 2
    assert "they must match" in run.message


def test_a_file_that_is_no_picture_is_refused(words: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_text("no picture")
    run = command(*words, tmp_path / "in.png")
    assert run.code == 2
    assert "in.png" in run.message
    assert names(tmp_path) == {"in.png", "needs"}


def test_ctrl_c_keeps_the_estimate_so_far(task: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(HEIGHT, WIDTH, 3, "uint8")))
    endless = [word if word != "2" or words[at - 1] != "--steps" else "100000000" for at, word in enumerate(words)]
    unending = [] if task == "dehaze" else ["--stop", "none"]
    process = begun(*endless, *unending, tmp_path / "in.png", "--json")
    try:
        assert process.stdout is not None
        while json.loads(line := process.stdout.readline())["type"] != "progress":
            assert line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 128 + signal.SIGINT, err.decode()
    assert json.loads(out.splitlines()[-2])["outcome"] == "interrupted"
    assert opened(tmp_path / f"in{TASKS[task].suffix}.png").mode == "RGB"
