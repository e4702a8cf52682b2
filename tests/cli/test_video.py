"""`pip-restore video`: every task on a small clip, by the real command, with few steps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.clip_making import clip, ffmpeg, pictures, read, times
from support.running import Run, lines_of, names, opened

Command = Callable[..., Run]
WIDTH, HEIGHT = 48, 32


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return clip(tmp_path / "in.mkv")


@pytest.fixture
def video(command: Command) -> Command:
    """Run `pip-restore video` for three steps, or for as many as the arguments say."""

    def run(*arguments: str | Path) -> Run:
        steps = () if "--steps" in arguments else ("--steps", "3")
        return command("video", "--device", "cpu", *steps, *arguments)

    return run


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    hole = np.zeros((HEIGHT, WIDTH), np.uint8)
    hole[5:12, 8:20] = 255
    Image.fromarray(hole).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    Image.fromarray(np.full((1, 3), 255, np.uint8)).save(tmp_path / "kernel.png")
    return tmp_path / "kernel.png"


TASKS = {
    "denoise": ("_denoised", 1, 1, ("--sigma", "20")),
    "sr": ("_x2", 2, 1, ("--scale", "2", "--quality", "draft")),
    "inpaint": ("_inpainted", 1, 1, ("--mask", "MASK", "--quality", "draft")),
    "dehaze": ("_dehazed", 1, 1, ()),
    "deblur": ("_deblurred", 1, 1, ("--kernel-file", "KERNEL", "--quality", "draft")),
    "deblur blind": ("_deblurred", 1, 1, ("--kernel-size", "3", "--quality", "draft")),
    "interpolate": ("_interpolated", 1, 2, ()),
}
PER_FRAME = [name for name in TASKS if name not in ("interpolate", "dehaze")]


def words_of(task: str, mask: Path, kernel: Path) -> list[str]:
    made = {"MASK": str(mask), "KERNEL": str(kernel)}
    return ["--task", task.split()[0], *(made.get(word, word) for word in TASKS[task][3])]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_writes_every_frame(
    task: str, source: Path, mask: Path, kernel: Path, video: Command, tmp_path: Path
) -> None:
    suffix, scale, factor, _ = TASKS[task]
    run = video(source, *words_of(task, mask, kernel), "--window", "4", "--json")
    assert run.code == 0, run.err.decode()
    lines = {line["type"]: line for line in lines_of(run)}
    assert lines["start"]["clip"]["windows"] == 2
    assert lines["result"]["output"] == str(tmp_path / f"in{suffix}.mkv")
    frames = read(tmp_path / f"in{suffix}.mkv")
    assert [frame.shape for frame in frames] == [(scale * HEIGHT, scale * WIDTH, 3)] * (5 * factor)
    assert times(tmp_path / f"in{suffix}.mkv")[::factor] == times(source)
    assert names(tmp_path) == {"in.mkv", "mask.png", "kernel.png", f"in{suffix}.mkv"}


@pytest.mark.parametrize("task", PER_FRAME)
def test_frames_can_be_restored_by_themselves(
    task: str, source: Path, mask: Path, kernel: Path, video: Command, tmp_path: Path
) -> None:
    suffix = TASKS[task][0]
    run = video(source, *words_of(task, mask, kernel), "--per-frame", "--window", "4", "-q", "--prior", "siren")
    assert run.code == 0, run.err.decode()
    assert len(read(tmp_path / f"in{suffix}.mkv")) == 5


def test_a_frame_by_itself_is_what_the_command_for_photos_makes_of_it(
    video: Command, command: Command, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "frames", 3)
    words = ("--sigma", "25", "--steps", "20")
    assert video(folder, "--per-frame", *words).code == 0
    for file in sorted(folder.iterdir()):
        assert (
            command("denoise", file, *words, "--device", "cpu", "-o", tmp_path / "photo.png", "--overwrite").code == 0
        )
        apart = np.asarray(opened(tmp_path / "photo.png")).astype(int)
        together = np.asarray(opened(tmp_path / "frames_denoised" / file.name)).astype(int)
        assert np.abs(apart - together).max() <= 1


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("more", [(), ("--per-frame",)])
def test_clips_of_any_length_are_restored(frames: int, more: tuple[str, ...], video: Command, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", frames)
    assert video(source, "--sigma", "20", *more).code == 0
    assert len(read(tmp_path / "in_denoised.mkv")) == frames


@pytest.mark.parametrize("more", [(), ("--per-frame",), ("--window", "3")])
def test_the_same_seed_gives_the_same_bytes(
    more: tuple[str, ...], source: Path, video: Command, tmp_path: Path
) -> None:
    for name in ("a.mkv", "b.mkv"):
        assert video(source, "-o", tmp_path / name, "--seed", "3", *more).code == 0
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_a_clip_without_noise_comes_back_as_it_was(video: Command, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=c=0x406080:s=64x64:r=10", "-frames:v", "3", "-c:v", "ffv1", "-pix_fmt", "bgr0",
           tmp_path / "in.mkv")  # fmt: skip
    run = video(tmp_path / "in.mkv")
    assert run.code == 0
    assert b"hardly any noise was found" in run.err
    assert all(map(np.array_equal, read(tmp_path / "in.mkv"), read(tmp_path / "in_denoised.mkv")))


def test_pixels_outside_of_the_mask_stay_as_they_were(source: Path, mask: Path, video: Command, tmp_path: Path) -> None:
    assert video(source, "--task", "inpaint", "--mask", mask, "--quality", "draft").code == 0
    hole = np.asarray(Image.open(mask)) > 0
    for before, after in zip(read(source), read(tmp_path / "in_inpainted.mkv"), strict=True):
        assert np.array_equal(before[~hole], after[~hole])
        assert not np.array_equal(before[hole], after[hole])


def test_a_mask_can_be_a_clip_with_a_picture_for_each_frame(source: Path, video: Command, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    holes = []
    for number in range(5):
        hole = np.zeros((HEIGHT, WIDTH), np.uint8)
        hole[4:8, 6 * number : 6 * number + 6] = 255 * (number != 2)
        Image.fromarray(hole).save(folder / f"m{number}.png")
        holes.append(hole > 0)
    assert video(source, "--task", "inpaint", "--mask", folder, "--quality", "draft").code == 0
    for before, after, hole in zip(read(source), read(tmp_path / "in_inpainted.mkv"), holes, strict=True):
        assert np.array_equal(before[~hole], after[~hole])
    (folder / "m4.png").unlink()
    run = video(source, "--task", "inpaint", "--mask", folder, "-o", tmp_path / "other.mkv")
    assert run.code == 2
    assert "has 4 frames, the clip has 5" in run.message


def test_shown_frames_are_not_touched_when_others_are_put_between(source: Path, video: Command, tmp_path: Path) -> None:
    assert video(source, "--task", "interpolate", "--factor", "3", "-o", tmp_path / "out.mkv").code == 0
    assert all(map(np.array_equal, read(source), read(tmp_path / "out.mkv")[::3]))
    assert video(source, "--task", "interpolate", "--fps", "25", "-o", tmp_path / "fps.mkv").code == 0
    assert len(read(tmp_path / "fps.mkv")) == 12 or len(read(tmp_path / "fps.mkv")) == 13


def test_what_there_is_to_look_at(source: Path, video: Command, tmp_path: Path) -> None:
    drawn = ("--sheet", tmp_path / "sheet.png", "--slice", tmp_path / "slice.png")
    side = ("--side-by-side", tmp_path / "side.mkv")
    reference = clip(tmp_path / "truth.mkv", options=("-c:v", "ffv1", "-pix_fmt", "bgr0"), rate=10)
    run = video(source, "--sigma", "20", *drawn, *side, "--reference", reference, "--json")
    assert run.code == 0, run.err.decode()
    result = next(line for line in lines_of(run) if line["type"] == "result")
    after, truth = (np.stack(read(path)).astype(float) for path in (tmp_path / "in_denoised.mkv", reference))
    assert result["metrics"]["psnr"] == pytest.approx(10 * np.log10(255**2 / np.square(after - truth).mean()), abs=0.01)
    assert opened(tmp_path / "sheet.png").width > 4 * WIDTH
    assert opened(tmp_path / "slice.png").height > 100
    sides = read(tmp_path / "side.mkv")
    assert [frame.shape for frame in sides] == [(HEIGHT, 2 * WIDTH, 3)] * 5
    assert np.abs(sides[0][:, :WIDTH].astype(int) - read(source)[0]).max() <= 1


REFUSED = [
    (("--scale", "2"), "--scale applies to --task sr, not to denoise: leave it out"),
    (("--task", "sr", "--mask", "x"), "--mask applies to --task inpaint, not to sr"),
    (("--task", "inpaint"), "--task inpaint needs --mask"),
    (("--task", "dehaze", "--sigma", "5"), "--sigma does not apply to dehaze"),
    (("--task", "dehaze", "--airlight", "2"), "--airlight is R,G,B or one number"),
    (("--task", "deblur", "--kernel-size", "4"), "--kernel-size is odd"),
    (("--task", "interpolate", "--factor", "2", "--fps", "60"), "exclude each other"),
    (("--task", "interpolate", "--fps", "0/0"), "--fps is frames a second"),
    (("--task", "interpolate", "--per-frame"), "leave out --per-frame"),
    (("--fps", "25"), "has its own rate"),
    (("-e", "tune"), "-e is KEY=VALUE"),
    (("-o", "-"), "not -"),
    (("--sheet", "sheet.jpg"), "only PNG is written there"),
    (("--time-limit", "-1"), "--time-limit is in seconds"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_options_that_mean_nothing_are_refused(
    words: tuple[str, ...], message: str, source: Path, video: Command, tmp_path: Path
) -> None:
    run = video(source, *words)
    assert run.code == 2
    assert message in run.message
    assert names(tmp_path) == {"in.mkv"}


def test_several_clips_are_refused(source: Path, video: Command) -> None:
    run = video(source, source)
    assert run.code == 2
    assert "unexpected extra argument" in run.message


def test_inputs_that_do_not_match_are_refused(source: Path, video: Command, tmp_path: Path) -> None:
    other = clip(tmp_path / "other.mkv", 4)
    run = video(source, "--reference", other)
    assert run.code == 2
    assert "48x32 with 3 channel(s) and 4 frames, the result is 48x32 with 3 channel(s) and 5 frames" in run.message
    small = clip(tmp_path / "small.mkv", 5, (32, 32))
    run = video(source, "--task", "inpaint", "--mask", small)
    assert run.code == 2
    assert "is 32x32, the clip is 48x32: they must match" in run.message


def test_two_roles_for_one_file_are_refused(source: Path, video: Command, tmp_path: Path) -> None:
    run = video(source, "-o", tmp_path / "a.mkv", "--side-by-side", tmp_path / "a.mkv")
    assert run.code == 2
    assert "they must be different files" in run.message
    mask = clip(tmp_path / "mask.mkv", 5, (48, 32))
    run = video(source, "--task", "inpaint", "--mask", mask, "-o", mask, "--overwrite")
    assert run.code == 2
    assert "they must be different files" in run.message


def test_an_output_that_exists_is_replaced_only_when_asked(source: Path, video: Command, tmp_path: Path) -> None:
    (tmp_path / "in_denoised.mkv").write_bytes(b"mine")
    run = video(source)
    assert run.code == 2
    assert "exists already: add --overwrite" in run.message
    assert (tmp_path / "in_denoised.mkv").read_bytes() == b"mine"
    assert video(source, "--overwrite").code == 0
    assert len(read(tmp_path / "in_denoised.mkv")) == 5


def test_progress_is_told_by_windows(source: Path, video: Command) -> None:
    run = video(source, "--sigma", "20", "--window", "3", "--per-frame", "--json")
    told = [line for line in lines_of(run) if line["type"] == "progress"]
    assert {(line["window"], line["windows"], line["windows_done"]) for line in told} == {(1, 2, 0), (2, 2, 1)}
    assert b"frames 4 to 5 of 5, about " in run.err


def test_a_time_limit_ends_every_window(source: Path, video: Command) -> None:
    run = video(source, "--sigma", "20", "--steps", "100000", "--stop", "none", "--time-limit", "1", "--json")
    assert run.code == 0
    result = next(line for line in lines_of(run) if line["type"] == "result")
    assert result["outcome"] == "time_limit"
    assert result["seconds"] < 30
