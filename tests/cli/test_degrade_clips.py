"""`degrade` of clips: each frame as a picture would be, noise new in each, written without loss."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.media.clips import open_clip, read_frames
from support.clip_makers import PICTURE, TONE, ffmpeg
from support.running import Run, lines_of, names

Command = Callable[..., Run]

KINDS = {
    "noise": ["--sigma", "25"],
    "downsample": ["--scale", "4"],
    "mask": ["--share", "0.5"],
    "blur": ["--sigma", "1"],
    "haze": ["--beta", "1"],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder with a clip with sound, 3 frames at 24000/1001, and 3 numbered pictures."""
    monkeypatch.chdir(tmp_path)
    ffmpeg(*PICTURE, *TONE, "-r", "24000/1001", "-frames:v", "3", "-pix_fmt", "yuv420p", "clean.mp4")
    (tmp_path / "frames").mkdir()
    for number, samples in enumerate(pictures()):
        Image.fromarray(samples).save(tmp_path / "frames" / f"{number}.png")
    return tmp_path


def pictures() -> list[NDArray[np.uint8]]:
    draws = np.random.default_rng(0)
    return [draws.integers(60, 196, (20, 28, 3), np.uint8) for _ in range(3)]


def frames_of(path: Path) -> list[NDArray[np.uint16]]:
    return list(read_frames(open_clip(path)))


@pytest.fixture
def degrade(command: Command) -> Command:
    """Run `pip-restore degrade`."""
    return lambda *arguments: command("degrade", *arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_files_and_folders(kind: str, degrade: Command, here: Path) -> None:
    for source, output in (("clean.mp4", "made.mkv"), ("frames", "folder")):
        (line,) = lines_of(degrade(kind, source, *KINDS[kind], "-o", output, "--json"))
        assert (line["type"], line["degradation"], line["frames"], line["bit_depth"]) == ("degraded", kind, 3, 8)
        made, clean = open_clip(here / output), open_clip(here / source)
        assert made.frame_count == 3
        assert (line["width"], line["height"]) == (made.width, made.height)
        assert made.width == (clean.width // 4 if kind == "downsample" else clean.width)
        assert not np.array_equal(frames_of(here / output)[0], frames_of(here / source)[0])


def test_noise_is_drawn_frame_after_frame_and_written_without_loss(degrade: Command, here: Path) -> None:
    assert degrade("noise", "clean.mp4", "--sigma", "25", "--seed", "3").out == b"clean_noisy.mkv\n"
    draws = np.random.default_rng(3)
    for clean, noisy in zip(frames_of(here / "clean.mp4"), frames_of(here / "clean_noisy.mkv"), strict=True):
        wanted = clean / 65535 + draws.normal(0, 25 / 255, clean.shape)
        assert np.array_equal(noisy, np.round(wanted.clip(0, 1) * 255).astype(np.uint16) * 257)


def test_a_folder_gives_a_folder_whose_first_picture_is_what_a_picture_gives(degrade: Command, here: Path) -> None:
    assert degrade("noise", "frames", "--sigma", "25").out == b"frames_noisy\n"
    assert degrade("noise", "frames/0.png", "--sigma", "25", "-o", "one.png").code == 0
    made = [np.asarray(Image.open(here / "frames_noisy" / f"{number}.png")) for number in range(3)]
    assert np.array_equal(made[0], np.asarray(Image.open(here / "one.png")))
    residuals = [frame.astype(float) - clean for frame, clean in zip(made, pictures(), strict=True)]
    assert abs(np.corrcoef(residuals[0].ravel(), residuals[1].ravel())[0, 1]) < 0.1
    assert names(here / "frames_noisy") == {"0.png", "1.png", "2.png"}


def test_rate_and_sound_are_carried_along(degrade: Command, here: Path) -> None:
    assert degrade("noise", "clean.mp4", "--sigma", "5", "-o", "noisy.mkv").code == 0
    clip = open_clip(here / "noisy.mkv")
    assert clip.rate == Fraction(24000, 1001)
    assert [stream.type for stream in clip.streams] == ["audio"]


def test_masks_are_the_same_in_all_frames_and_truth_is_cut_alike(degrade: Command, here: Path) -> None:
    assert degrade("mask", "frames", "--share", "0.5", "-o", "holes", "--mask", "mask.png").code == 0
    missing = np.asarray(Image.open(here / "mask.png")) > 0
    for frame, clean in zip(frames_of(here / "holes"), pictures(), strict=True):
        assert not frame[missing].any()
        assert np.array_equal(frame[~missing], clean[~missing].astype(np.uint16) * 257)
    run = degrade("downsample", "frames", "--scale", "3", "-o", "small", "--truth", "cut")
    assert "it shows 27x18" in run.err.decode()
    cut = frames_of(here / "cut")
    assert cut[0].shape == (18, 27, 3)
    assert np.array_equal(cut[2], pictures()[2][:18, :27].astype(np.uint16) * 257)


def test_ten_bits_stay_ten(degrade: Command, here: Path) -> None:
    ffmpeg(*PICTURE, "-frames:v", "2", "-c:v", "ffv1", "-pix_fmt", "gray10le", here / "ten.mkv")
    (line,) = lines_of(degrade("noise", "ten.mkv", "--sigma", "5", "-o", "noisy.mkv", "--json"))
    assert (line["bit_depth"], line["channels"]) == (10, 1)
    assert open_clip(here / "noisy.mkv").bit_depth == 10


REFUSED = {
    "bits": (["noise", "clean.mp4", "--sigma", "5", "--bits", "16"], "a clip keeps its bit depth"),
    "unclipped": (["noise", "clean.mp4", "--sigma", "5", "--no-clip"], "leave out --no-clip"),
    "stdout": (["noise", "clean.mp4", "--sigma", "5", "-o", "-"], "a clip is not written to stdout"),
    "a picture as output": (["noise", "clean.mp4", "--sigma", "5", "-o", "x.png"], "must name a clip"),
    "loss": (["noise", "clean.mp4", "--sigma", "5", "-o", "x.gif"], "gif cannot hold a picture without loss"),
    "itself": (["noise", "clean.mp4", "--sigma", "5", "-o", "clean.mp4", "--overwrite"], "is the input itself"),
    "jpeg": (["jpeg", "clean.mp4", "--quality", "5"], "degrade jpeg works on pictures only"),
    "two into one": (["downsample", "clean.mp4", "-o", "x.mkv", "--truth", "x.mkv"], "must be different files"),
    "no block": (["downsample", "clean.mp4", "--scale", "64"], "less than one block"),
    "no clip": (["noise", "none.mkv", "--sigma", "5"], "none.mkv does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_by_name(case: str, degrade: Command, here: Path) -> None:
    arguments, words = REFUSED[case]
    before = {entry.name: entry.read_bytes() for entry in here.iterdir() if entry.is_file()}
    run = degrade(*arguments)
    assert words in run.message
    assert (run.code, run.out) == (2, b"")
    assert {entry.name: entry.read_bytes() for entry in here.iterdir() if entry.is_file()} == before
