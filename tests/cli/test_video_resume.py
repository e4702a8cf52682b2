"""A clip whose work is ended, however, is gone on with, and ends with the same bytes."""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipcli.checkpoint import checksum_of
from support.clip_making import clip, ffmpeg, read
from support.running import KILLED_AFTER, OFTEN, PATIENCE, Process, Run, begun, names

pytestmark = pytest.mark.usefixtures("one_thread")
Command = Callable[..., Run]
Words = list[str | Path]
FOLDER = ".out.mkv.resume"


@pytest.fixture(params=[(), ("--per-frame",)])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> Words:
    source = clip(tmp_path / "in.mkv", 4, (24, 16))
    settings = ("--sigma", "20", "--steps", "30", "--stop", "none", "--window", "3", "--device", "cpu")
    return ["video", source, "-o", tmp_path / "out.mkv", *settings, *request.param]


@pytest.fixture
def start() -> Iterator[Callable[[Words], Process]]:
    """Start commands that keep their state after every round; they are gone at the end."""
    processes: list[Process] = []

    def run(words: Words) -> Process:
        process = begun(*words, script=OFTEN)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate(timeout=PATIENCE)


Start = Callable[[Words], Process]


def wait_for(process: Process, windows_done: int, step: int) -> None:
    """Wait until so many windows are finished and the next has made so many steps."""
    assert process.stdout is not None
    while True:
        line = process.stdout.readline()
        assert line, process.communicate()
        fields = json.loads(line)
        if fields["type"] == "progress" and fields["windows_done"] == windows_done and fields["step"] >= step:
            return


def end(process: Process, number: int) -> bytes:
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)[1]


@pytest.fixture
def expected(words: Words, command: Command, tmp_path: Path) -> str:
    """Return the checksum of the unbroken run's clip, which is taken away."""
    assert command(*words).code == 0
    found = checksum_of(tmp_path / "out.mkv")
    (tmp_path / "out.mkv").unlink()
    return found


@pytest.mark.parametrize(("windows_done", "step"), [(0, 20), (1, 1)])
def test_a_killed_run_goes_on_and_ends_with_the_bytes_of_an_unbroken_one(
    windows_done: int, step: int, words: Words, expected: str, start: Start, command: Command, tmp_path: Path
) -> None:
    process = start([*words, "--json"])
    wait_for(process, windows_done, step)
    end(process, signal.SIGKILL)
    assert names(tmp_path) == {"in.mkv", FOLDER}
    run = command(*words)
    assert run.code == 0
    told = b"1 of 2 windows were finished before" if windows_done else b"continuing from step "
    assert told in run.err
    assert checksum_of(tmp_path / "out.mkv") == expected
    assert names(tmp_path) == {"in.mkv", "out.mkv"}


@pytest.mark.slow
@pytest.mark.parametrize("words", [()], indirect=True)
def test_runs_killed_at_random_moments_end_with_the_same_bytes(
    words: Words, expected: str, start: Start, command: Command, tmp_path: Path
) -> None:
    moments = random.Random(0)
    for _ in range(4):
        process = start(words)
        time.sleep(moments.uniform(2, 6))
        end(process, signal.SIGKILL)
        if (tmp_path / "out.mkv").exists():
            break
    else:
        assert command(*words).code == 0
    assert checksum_of(tmp_path / "out.mkv") == expected


@pytest.mark.parametrize("words", [()], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_finished_and_writes_no_half_clip(
    number: signal.Signals, words: Words, expected: str, start: Start, command: Command, tmp_path: Path
) -> None:
    process = start([*words, "--json"])
    wait_for(process, 1, 1)
    err = end(process, number)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == (
        b"pip-restore: interrupted: finished work is kept, and the same command continues from there"
    )
    assert b"Traceback" not in err
    assert names(tmp_path) == {"in.mkv", FOLDER}
    assert command(*words).code == 0
    assert checksum_of(tmp_path / "out.mkv") == expected


# A process that is killed while the sheet is drawn, when all that takes long is done.
WHILE_DRAWING = (
    "import os, signal; import pipcli.cli.app; from pipcli.jobs.clips import preview as clip_looking\n"
    "clip_looking._sheet = lambda seen: os.kill(os.getpid(), signal.SIGKILL)\n"
    "pipcli.cli.app.main()"
)


@pytest.mark.parametrize("words", [()], indirect=True)
def test_a_run_killed_while_it_looks_at_the_clip_is_ended_by_the_same_command(
    words: Words, expected: str, command: Command, tmp_path: Path
) -> None:
    words = [*words, "--sheet", tmp_path / "sheet.png", "--side-by-side", tmp_path / "side.mkv"]
    process = begun(*words, script=WHILE_DRAWING)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert not {"out.mkv", "sheet.png", "side.mkv"} & names(tmp_path)
    run = command(*words)
    assert run.code == 0
    assert b"2 of 2 windows were finished before" in run.err
    assert checksum_of(tmp_path / "out.mkv") == expected
    assert {"out.mkv", "sheet.png", "side.mkv"} <= names(tmp_path)
    assert FOLDER not in names(tmp_path)


@pytest.mark.parametrize("words", [()], indirect=True)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_run_killed_among_its_outputs_is_ended_by_the_same_command(
    count: int, words: Words, expected: str, command: Command, tmp_path: Path
) -> None:
    words = [*words, "--sheet", tmp_path / "sheet.png", "--side-by-side", tmp_path / "side.mkv"]
    process = begun(*words, script=KILLED_AFTER.format(count=count))
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    there = ["sheet.png", "side.mkv", "out.mkv"][:count]
    assert names(tmp_path) == {"in.mkv", FOLDER, *there}
    anew = command(*words, "--no-resume")
    assert anew.code == 2
    assert "exists already" in anew.message
    assert command(*words).code == 0
    assert checksum_of(tmp_path / "out.mkv") == expected
    assert names(tmp_path) == {"in.mkv", "sheet.png", "side.mkv", "out.mkv"}


@pytest.mark.parametrize("words", [()], indirect=True)
def test_what_a_killed_run_has_made_is_not_replaced_when_it_was_changed_since(
    words: Words, command: Command, tmp_path: Path
) -> None:
    words = [*words, "--sheet", tmp_path / "sheet.png"]
    begun(*words, script=KILLED_AFTER.format(count=1)).communicate(timeout=PATIENCE)
    (tmp_path / "sheet.png").write_bytes(b"another's")
    run = command(*words)
    assert run.code == 2
    assert "sheet.png exists already" in run.message
    assert (tmp_path / "sheet.png").read_bytes() == b"another's"


@pytest.fixture
def half_done(words: Words, start: Start) -> None:
    process = start([*words, "--json"])
    wait_for(process, 1, 20)
    end(process, signal.SIGKILL)


@pytest.mark.parametrize("words", [()], indirect=True)
def test_damaged_pieces_are_made_again(
    words: Words, expected: str, half_done: None, command: Command, tmp_path: Path
) -> None:
    for file in (tmp_path / FOLDER).glob("window-*"):
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    run = command(*words)
    assert run.code == 0
    assert b"were finished before" not in run.err
    assert checksum_of(tmp_path / "out.mkv") == expected


@pytest.mark.parametrize("words", [()], indirect=True)
def test_other_settings_or_another_input_are_refused_by_name(
    words: Words, half_done: None, command: Command, tmp_path: Path
) -> None:
    run = command(*words, "--seed", "1")
    assert run.code == 2
    assert "with --seed 0, not 1: run it again as it was, or add --no-resume to begin anew" in run.message
    run = command(*[*words, "--window", "4"])
    assert "with --window 3, not 4" in run.message
    clip(tmp_path / "in.mkv", 3, (24, 16))
    assert "with another input" in command(*words).message
    assert (tmp_path / FOLDER).exists()
    assert command(*words, "--no-resume").code == 0
    assert len(read(tmp_path / "out.mkv")) == 3
    assert names(tmp_path) == {"in.mkv", "out.mkv"}


@pytest.mark.parametrize("words", [()], indirect=True)
def test_the_encoder_may_be_another_when_a_run_goes_on(
    words: Words, half_done: None, command: Command, tmp_path: Path
) -> None:
    run = command(*words, "--codec", "libx264", "--crf", "20")
    assert run.code == 0
    assert b"windows were finished before" in run.err
    assert len(read(tmp_path / "out.mkv")) == 4


@pytest.mark.parametrize("words", [()], indirect=True)
def test_two_processes_do_not_work_on_one_output(words: Words, start: Start, command: Command) -> None:
    endless = ["1000000" if word == "30" else word for word in words]
    process = start([*endless, "--json"])
    wait_for(process, 0, 1)
    run = command(*endless)
    assert run.code == 2
    assert f"process {process.pid}, is working on this output" in run.message


@pytest.mark.parametrize("words", [()], indirect=True)
def test_what_was_made_is_kept_when_the_clip_cannot_be_written(
    words: Words, expected: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipcli.errors import PipRestoreError
    from pipcli.jobs.clips import run as clip_task

    def full(writer: object, samples: object) -> None:
        raise PipRestoreError("cannot write out.mkv: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(clip_task.ClipWriter, "write", full)
        run = command(*words, "-q")
    assert run.code == 1
    assert run.message == "cannot write out.mkv: No space left on device"
    assert names(tmp_path) == {"in.mkv", FOLDER}
    run = command(*words)
    assert run.code == 0
    assert b"2 of 2 windows were finished before" in run.err
    assert checksum_of(tmp_path / "out.mkv") == expected


@pytest.fixture
def fields(tmp_path: Path) -> Words:
    """Return the command for four interlaced frames in which something moves."""
    level = "if(between(X-3*N,0,10),190,60)"
    pictures = f"color=gray:s=32x24:r=50:d=0.16,format=gbrp,geq=r='{level}':g='{level}':b='{level}'"
    filters = f"{pictures},tinterlace=interleave_top,setfield=tff"
    ffmpeg("-f", "lavfi", "-i", filters, "-c:v", "ffv1", "-pix_fmt", "bgr0", tmp_path / "in.mkv")
    settings = ("--sigma", "20", "--steps", "30", "--stop", "none", "--window", "3", "--device", "cpu")
    return ["video", tmp_path / "in.mkv", "-o", tmp_path / "out.mkv", *settings]


def wait_for_the_second_field(process: Process, step: int) -> None:
    """Wait until the bottom field of the first window has made so many steps, after the top field made all."""
    assert process.stdout is not None
    done = before = 0
    while True:
        line = process.stdout.readline()
        assert line, process.communicate()
        told = json.loads(line)
        if told["type"] == "progress":
            done, before = done + (told["step"] < before), told["step"]
            if done == 1 and before >= step:
                return


@pytest.mark.parametrize("field", ["top", "bottom"])
def test_fields_restored_apart_are_gone_on_with(
    field: str, fields: Words, start: Start, command: Command, tmp_path: Path
) -> None:
    run = command(*fields)
    assert run.code == 0 and b"its two fields are restored apart" in run.err
    expected = checksum_of(tmp_path / "out.mkv")
    (tmp_path / "out.mkv").unlink()
    process = start([*fields, "--json"])
    if field == "top":
        wait_for(process, 0, 10)
    else:
        wait_for_the_second_field(process, 10)
    end(process, signal.SIGKILL)
    assert any(field in name for name in names(tmp_path / FOLDER))
    run = command(*fields)
    assert run.code == 0 and b"continuing from step " in run.err
    assert checksum_of(tmp_path / "out.mkv") == expected
