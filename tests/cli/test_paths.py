"""Whatever is wrong with a path or with the machine: one line on stderr, exit code 2, and nothing changed."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.jobs.photos import run as photo_task
from pipcli.media.clips import ffmpeg
from support.clip_making import clip
from support.running import COMMAND, Run, in_process_of_its_own, names, picture

Command = Callable[..., Run]
LONG = "n" * 300
QUICK = ("--sigma", "20", "--steps", "1", "--quality", "draft", "--device", "cpu", "-q")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `a.png` and `clip.mkv`, in which the command runs."""
    picture(tmp_path / "a.png")
    clip(tmp_path / "clip.mkv", 2, (32, 16))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("video", f"{LONG}.mp4"),
        ("video", "clip.mkv", "-o", f"{LONG}.mp4"),
        ("video", "clip.mkv", "--mask", f"{LONG}.png", "--task", "inpaint"),
        ("video", "clip.mkv", "--reference", f"{LONG}.mkv"),
        ("degrade", "noise", f"{LONG}.png", "--sigma", "5"),
        ("degrade", "noise", "a.png", "--sigma", "5", "-o", LONG),
        ("denoise", "a.png", "a.png", "-o", LONG),
        ("denoise", "a.png", "-o", LONG),
        ("denoise", "a.png", "-o", f"{LONG}/"),
        ("denoise", "a.png", "--sheet", f"{LONG}.png"),
        ("denoise", f"{LONG}/a.png"),
        ("compare", "a.png", "a.png", "--reference", f"{LONG}.png"),
        ("compare", f"{LONG}.mkv", "clip.mkv"),
        ("flash", "a.png", "--guide", f"{LONG}.png"),
        ("denoise", "a.png/b.png"),
        ("video", "clip.mkv/b.mkv"),
        ("video", "clip.mkv", "-o", "a.png/o.mkv"),
        ("denoise", "a.png", "-o", "none/"),
        ("video", "clip.mkv", "-o", "o.mkv/"),
    ],
)
def test_a_path_that_cannot_be_is_one_line(words: tuple[str, ...], here: Path, command: Command) -> None:
    before = names(here)
    run = command(*words)
    assert run.code == 2
    assert run.message
    assert names(here) == before


@pytest.mark.parametrize(
    "words",
    [
        ("video", "shut/in/clip.mkv"),
        ("denoise", "shut/in/a.png"),
        ("degrade", "noise", "shut/in/clip.mkv", "--sigma", "5"),
        ("compare", "shut/in/a.png", "shut/in/a.png"),
        ("video", "open/clip.mkv", "-o", "shut/in/o.mkv"),
        ("denoise", "open/a.png", "-o", "shut/in"),
    ],
)
def test_a_folder_that_is_shut_is_one_line(
    words: tuple[str, ...], folder_of_another: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = os.geteuid()
    os.seteuid(os.getuid())
    try:
        (folder_of_another / "shut" / "in").mkdir(parents=True)
        (folder_of_another / "open").mkdir()
        for place in ("shut/in", "open"):
            picture(folder_of_another / place / "a.png")
            clip(folder_of_another / place / "clip.mkv", 2, (32, 16))
        (folder_of_another / "shut").chmod(0)
    finally:
        os.seteuid(user)
    monkeypatch.chdir(folder_of_another)
    try:
        run = command(*words)
        assert run.code == 2
        assert run.message
    finally:
        os.seteuid(os.getuid())
        (folder_of_another / "shut").chmod(0o755)
        os.seteuid(user)


@pytest.mark.parametrize("program", ["/nonexistent", ".", "a.png", "a.png/ffmpeg"])
def test_without_ffmpeg_it_says_so(program: str, here: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg.program.cache_clear()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", program)
    try:
        run = command("video", "clip.mkv", *QUICK)
    finally:
        ffmpeg.program.cache_clear()
    assert run.code == 2
    assert run.message.startswith(f"ffmpeg cannot be started as {program} ")
    assert names(here) == {"a.png", "clip.mkv"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files", "x"), "too few files"),
        (OSError(errno.EMFILE, "Too many open files"), "too few files"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "no more processes or threads"),
        (RuntimeError("can't start new thread"), "no more processes or threads"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
        (MemoryError(), "too little memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "too little memory"),
        (OSError("libtorch.so: failed to map segment from shared object"), "too little memory"),
        (OSError("libtorch.so: wrong ELF class"), "a library cannot be loaded (libtorch.so: wrong ELF class)"),
        (ImportError("libx.so: failed to map segment from shared object", name="torch"), "too little memory"),
        (ImportError("no module", name="numpy"), "numpy cannot be loaded (no module)"),
        (PermissionError(errno.EACCES, "Permission denied", "a\nb"), "a\\nb may not be read or written"),
        (FileNotFoundError(errno.ENOENT, "No such file", b"\xff"), "\\xff does not exist"),
        (OSError(errno.EIO, "Input/output error", "x"), "x cannot be read or written (Input/output error)"),
    ],
)
def test_what_nobody_dealt_with_is_one_line(
    error: BaseException, words: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(photo_task, "run", fail)
    run = command("denoise", "in.png")
    assert run.code == 2
    assert words in run.message


def limited(limit: str, value: int) -> str:
    return f"import resource; resource.setrlimit(resource.{limit}, ({value}, {value}))\n{COMMAND}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (limited("RLIMIT_NOFILE", 12), ("video", "clip.mkv", "-o", "o.mkv")),
        (limited("RLIMIT_AS", 400_000_000), ("denoise", "a.png")),
        (limited("RLIMIT_AS", 400_000_000), ("video", "clip.mkv", "-o", "o.mkv")),
        (f"import os; os.mkdir('g'); os.chdir('g'); os.rmdir('../g')\n{COMMAND}", ("denoise", "a.png")),
    ],
    ids=["files of video", "memory of denoise", "memory of video", "no folder"],
)
def test_a_machine_that_gives_too_little_is_one_line(script: str, words: tuple[str, ...], here: Path) -> None:
    run = in_process_of_its_own(*words, *QUICK, cwd=here, script=script, fresh=True)
    assert run.code == 2
    assert run.message
    # Where no file can be opened, the folder of what is kept cannot be removed; the next run has it.
    assert names(here) - {".o.mkv.resume"} == {"a.png", "clip.mkv"}
