"""What becomes of files: inputs are never written over, folders are folders, permissions are kept, leftovers go."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipcli.jobs.clips import job as clip_job
from pipcli.jobs.degrade import clips as clip_making
from pipcli.jobs.photos import files as photo_files
from pipcli.media import unfinished
from support.clip_making import clip, pictures
from support.running import PATIENCE, Run, begun, names, opened, picture, smooth_picture

Command = Callable[..., Run]
QUICK = ("--sigma", "20", "--steps", "1", "--quality", "draft", "--device", "cpu", "-q")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the command runs, and in which nothing was looked for yet."""
    monkeypatch.chdir(tmp_path)
    unfinished.collect_beside.cache_clear()
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("denoise", "a.png", "--sheet", "link.png"), "is the input itself"),
        (("denoise", "a.png", "--uncertainty", "hard.png"), "is the input itself"),
        (
            ("denoise", "a.png", "-o", "o.png", "--reference", "b.png", "--sheet", "hard_b.png"),
            "--reference and --sheet",
        ),
        (("flash", "a.png", "--guide", "b.png", "-o", "hard_b.png"), "--guide and --output are both"),
        (("inpaint", "a.png", "--mask", "b.png", "--sheet", "link_b.png"), "--mask and --sheet are both"),
        (
            ("deblur", "a.png", "--kernel-file", "b.png", "--save-kernel", "hard_b.png"),
            "--kernel-file and --save-kernel are both",
        ),
        (("denoise", "a.png", "-o", "o.png", "--sheet", "./o.png"), "--output and --sheet are both"),
        (("video", "fr", "-o", "out", "--sheet", "fr/f_0002.png"), "--sheet is an input"),
        (("video", "fr", "-o", "out", "--slice", "hard_frame.png"), "--slice is an input"),
        (("degrade", "downsample", "a.png", "--scale", "2", "--truth", "hard.png"), "is the input itself"),
        (("degrade", "blur", "a.png", "--kernel-file", "b.png", "-o", "hard_b.png"), "both"),
        (("compare", "a.png", "b.png", "--sheet", "hard_b.png"), "is the input itself"),
    ],
)
def test_no_input_is_written_over_whatever_it_is_called(
    words: tuple[str, ...], message: str, here: Path, command: Command
) -> None:
    picture(here / "a.png")
    picture(here / "b.png")
    pictures(here / "fr", 3, (16, 16))
    for frame in list((here / "fr").iterdir()):
        frame.rename(frame.with_name(frame.name.replace("frame_0", "f_00")))
    for name, target in (("link.png", "a.png"), ("link_b.png", "b.png")):
        (here / name).symlink_to(target)
    for name, target in (("hard.png", "a.png"), ("hard_b.png", "b.png"), ("hard_frame.png", "fr/f_0001.png")):
        os.link(here / target, here / name)
    before = contents(here)
    quick = () if words[0] in ("degrade", "compare") else QUICK
    run = command(*words, *quick, "--overwrite")
    assert run.code == 2
    assert message in run.message
    assert contents(here) == before


def test_of_several_inputs_none_is_written_over_for_another(here: Path, command: Command) -> None:
    picture(here / "a.png")
    picture(here / "a_denoised.png", channels=1)
    before = (here / "a_denoised.png").read_bytes()
    run = command("denoise", "a.png", "a_denoised.png", "--overwrite", *QUICK)
    assert run.code == 3
    assert b"a_denoised.png of --output is an input" in run.err
    assert (here / "a_denoised.png").read_bytes() == before


@pytest.mark.parametrize("named", ["restored/", "restored", "./restored/."])
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("denoise", "a.png", *QUICK), "a_denoised.png"),
        (("sr", "a.png", "--scale", "2", *QUICK[2:]), "a_x2.png"),
        (("degrade", "noise", "a.png", "--sigma", "5"), "a_noisy.png"),
        (("video", "clip.mkv", *QUICK), "clip_denoised.mkv"),
        (("degrade", "noise", "clip.mkv", "--sigma", "5"), "clip_noisy.mkv"),
    ],
)
def test_a_folder_is_a_folder_for_one_input_too(
    named: str, words: tuple[str, ...], name: str, here: Path, command: Command
) -> None:
    picture(here / "a.png")
    clip(here / "clip.mkv", 2, (32, 16))
    (here / "restored").mkdir()
    (here / "restored" / "other").write_bytes(b"mine")
    run = command(*words, "-o", named)
    assert run.code == 0, run.err
    assert names(here / "restored") == {name, "other"}


def test_a_new_name_without_a_suffix_is_a_folder_of_pictures(here: Path, command: Command) -> None:
    clip(here / "clip.mkv", 2, (32, 16))
    for overwrite in ((), ("--overwrite",)):
        assert command("video", "clip.mkv", *QUICK, *overwrite, "-o", "frames/").code == 0
        assert names(here / "frames") == {"000001.png", "000002.png"}


@pytest.mark.parametrize("mask", [0o027])
def test_permissions_are_those_of_any_new_file_or_of_the_one_before(mask: int, here: Path, command: Command) -> None:
    source, moving = picture(here / "a.png"), clip(here / "clip.mkv", 2, (32, 16))
    old = os.umask(mask)
    try:
        assert command("denoise", source, "-o", "o.png", "--sheet", "s.png", *QUICK).code == 0
        assert command("video", moving, "-o", "o.mkv", "--sheet", "t.png", *QUICK).code == 0
        assert command("video", moving, "-o", "frames", *QUICK).code == 0
        made = ["o.png", "s.png", "o.mkv", "t.png", "frames/000001.png"]
        assert {stat.S_IMODE((here / name).stat().st_mode) for name in made} == {0o666 & ~mask}
        assert stat.S_IMODE((here / "frames").stat().st_mode) == 0o777 & ~mask
        for name in ("o.png", "o.mkv"):
            (here / name).chmod(0o604)
        (here / "frames").chmod(0o705)
        assert command("denoise", source, "-o", "o.png", *QUICK, "--overwrite").code == 0
        assert command("video", moving, "-o", "o.mkv", *QUICK, "--overwrite").code == 0
        assert command("video", moving, "-o", "frames", *QUICK, "--overwrite").code == 0
        assert {stat.S_IMODE((here / name).stat().st_mode) for name in ("o.png", "o.mkv")} == {0o604}
        assert stat.S_IMODE((here / "frames").stat().st_mode) == 0o705
    finally:
        os.umask(old)


PART = ".pip-restore-0123456789abcdef.part"


def test_what_dead_runs_have_left_goes_and_nothing_else(here: Path, command: Command) -> None:
    picture(here / "a.png")
    (here / "docs").mkdir()
    (here / PART).write_bytes(b"half")
    (here / PART.replace("0", "a")).mkdir()
    (here / PART.replace("0", "a") / "000001.png").write_bytes(b"half")
    stay = {
        ".pip-restore-0123.part",
        "pip-restore-0123456789abcdef.part",
        ".pip-restore-0123456789abcdef.part.txt",
        ".pip-restore-0123456789abcdeg.part",
        ".pip-restore-0123456789abcdef.old",
    }
    for name in stay:
        (here / name).write_bytes(b"mine")
    (here / PART.replace("0", "b")).symlink_to(here / "docs")
    (here / PART.replace("0", "c") / "deep").mkdir(parents=True)
    os.mkfifo(here / PART.replace("0", "d"))
    stay |= {PART.replace("0", letter) for letter in "bcd"}
    assert command("denoise", "a.png", "-o", "o.png", *QUICK).code == 0
    assert names(here) == {"a.png", "o.png", "docs", *stay}


def test_what_a_running_process_writes_stays(here: Path, command: Command) -> None:
    picture(here / "a.png")
    script = (
        "import sys, time; from pathlib import Path; from pipcli.media import unfinished\n"
        "with unfinished.temporary_file(Path('x')): held = unfinished.Held(unfinished.hidden_beside(Path('y')), None);"
        "print('ready', flush=True); time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        before = names(here)
        assert len(before) == 3
        assert command("denoise", "a.png", "-o", "o.png", *QUICK).code == 0
        assert names(here) == before | {"o.png"}
    finally:
        process.kill()
        process.communicate()
    unfinished.collect_beside.cache_clear()
    assert command("denoise", "a.png", "-o", "o.png", "--overwrite", *QUICK).code == 0
    assert names(here) == {"a.png", "o.png"}


def test_a_killed_run_leaves_nothing_for_long(here: Path, command: Command) -> None:
    picture(here / "a.png")
    script = (
        "import os, signal; import pipcli.cli.app; from pipcli.media import publishing\n"
        "publishing._move = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pipcli.cli.app.main()"
    )
    process = begun("denoise", "a.png", "-o", "o.png", *QUICK, script=script)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert len(names(here)) == 2
    assert command("denoise", "a.png", "-o", "o.png", *QUICK).code == 0
    assert names(here) == {"a.png", "o.png"}


def test_a_photo_that_is_replaced_meanwhile_is_the_one_that_was_read(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = opened(picture(here / "other.png"))
    flat.resize((32, 32)).save(here / "other.jpg", quality=95)
    opened(here / "other.png").resize((32, 32)).point(lambda value: 90).save(here / "a.jpg", quality=95)
    before = (here / "a.jpg").read_bytes()
    read = photo_files.read_file

    def replaced_after(path: Path) -> bytes:
        data = read(path)
        os.replace(here / "other.jpg", here / "a.jpg")
        return data

    monkeypatch.setattr(photo_files, "read_file", replaced_after)
    run = command("denoise", "a.jpg", "-o", "o.jpg", "--device", "cpu", "-q")
    assert run.code == 0, run.err
    assert (here / "o.jpg").read_bytes() == before


@pytest.mark.parametrize("how", ["replaced", "grown", "touched", "removed"])
def test_a_clip_that_changes_during_the_work_ends_it(
    how: str, here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, other = clip(here / "a.mkv", 4, (32, 16)), clip(here / "b.mkv", 4, (32, 16), rate=5)
    keep = clip_job.ClipJob._keep

    def changed_then_kept(job: clip_job.ClipJob, *words: object) -> None:
        if how == "replaced" and other.exists():
            other.rename(source)
        elif how == "grown":
            source.write_bytes(source.read_bytes() + b"x")
        elif how == "touched":
            os.utime(source, (1, 1))
        elif how == "removed":
            source.unlink(missing_ok=True)
        keep(job, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_job.ClipJob, "_keep", changed_then_kept)
    run = command("video", source, "-o", "o.mkv", *QUICK, "--window", "2")
    assert run.code == 2
    assert "a.mkv has changed during the work" in run.message
    assert not (here / "o.mkv").exists()


@pytest.mark.parametrize("named", ["fr/frame_002.png", "mask.png"])
def test_a_picture_of_a_folder_or_a_mask_that_changes_ends_the_work(
    named: str, here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(here / "fr", 4, (16, 16))
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8, 4:8] = 255
    Image.fromarray(mask).save(here / "mask.png")
    keep = clip_job.ClipJob._keep

    def changed_then_kept(job: clip_job.ClipJob, *words: object) -> None:
        (here / named).write_bytes((here / named).read_bytes() + b"x")
        keep(job, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_job.ClipJob, "_keep", changed_then_kept)
    words = ("--task", "inpaint", "--mask", "mask.png", *QUICK[2:], "--window", "2")
    run = command("video", "fr", "-o", "out", *words)
    assert run.code == 2
    assert f"{named} has changed during the work" in run.message
    assert not (here / "out").exists()


def test_a_clip_that_changes_while_it_is_degraded_ends_it(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip(here / "a.mkv", 3, (32, 16))
    rounded = clip_making.rounded

    def touched(*words: object) -> object:
        os.utime(source, (1, 1))
        return rounded(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_making, "rounded", touched)
    run = command("degrade", "noise", source, "--sigma", "5", "-o", "o.mkv")
    assert run.code == 2
    assert "has changed during the work" in run.message
    assert names(here) == {"a.mkv"}


@pytest.mark.parametrize(
    "words",
    [
        ("video", "pipe.mkv", "-o", "none/x.mkv"),
        ("denoise", "a.png", "-o", "none/x.png"),
        ("sr", "a.png", "--sheet", "none/x.png"),
        ("degrade", "noise", "clip.mkv", "--sigma", "5", "-o", "none/x.mkv"),
        ("video", "clip.mkv", "--side-by-side", "none/x.mkv"),
        ("video", "clip.mkv", "-o", "x.xyz"),
        ("video", "clip.mkv", "-e", "stats=x"),
        ("video", "clip.mkv", "--codec", "nonsense"),
        ("video", "clip.mkv", "--slice", "x.jpg"),
    ],
)
def test_outputs_are_looked_at_before_anything_is_decoded(
    words: tuple[str, ...], here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(here / "a.png")
    clip(here / "clip.mkv", 2, (32, 16))
    (here / "pipe.mkv").symlink_to("clip.mkv")

    def must_not(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    for module in ("photos.files.decode_photo", "clips.files.open_clip", "degrade.clips.open_clip"):
        monkeypatch.setattr(f"pipcli.jobs.{module}", must_not)
    run = command(*words)
    assert run.code == 2
    assert run.message


def test_a_terminal_that_is_closed_ends_the_fit_with_its_estimate(here: Path) -> None:
    source = smooth_picture(here / "in.png", 48)
    endless = ("--steps", "100000000", "--stop", "none", "--device", "cpu", "--json")
    process = begun("denoise", source, "-o", "o.png", *endless)
    assert process.stdout is not None
    while b'"progress"' not in process.stdout.readline():
        pass
    timer = threading.Timer(0, process.send_signal, [signal.SIGHUP])
    timer.start()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGHUP
    assert opened(here / "o.png").size == (48, 48)
