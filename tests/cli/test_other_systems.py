"""The command on systems that lack what POSIX has: it writes the same bytes, keeps and goes on, and leaves nothing."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from pipcli.errors import OutputRefusedError
from pipcli.media import portable
from pipcli.media.publishing import check_output, publish
from support.clip_making import clip
from support.other_systems import AS_ON_WINDOWS
from support.running import COMMAND, OFTEN, Run, begun, in_process_of_its_own, names, smooth_picture

Command = Callable[..., Run]
FIT = ("--sigma", "25", "--device", "cpu", "-q")
# Runs command lines one after the other in one process, which torch has to be loaded for once.
SEVERAL = """
import json
from pipcli.cli.app import run
for words in json.loads(sys.argv[1]):
    print(int(run(words)), flush=True)
"""


def test_photos_and_clips_are_restored_to_the_same_bytes_and_nothing_is_left(command: Command, tmp_path: Path) -> None:
    photo, film = smooth_picture(tmp_path / "in.png", 32), clip(tmp_path / "in.mkv", frames=3)
    denoise = ["denoise", photo, *FIT, "--steps", "20"]
    video = ["video", film, *FIT, "--quality", "draft", "--steps", "3"]
    for words, name in ((denoise, "here.png"), (video, "here.mkv")):
        assert command(*words, "-o", tmp_path / name).code == 0
    there = [
        [*denoise, "-o", tmp_path / "there.png"],
        [*denoise, "-o", tmp_path / "there.png"],  # refused: it exists
        [*denoise, "-o", tmp_path / "there.png", "--overwrite", "--resume"],
        [*video, "-o", tmp_path / "there.mkv", "--sheet", tmp_path / "sheet.png"],
    ]
    lines = json.dumps([[str(word) for word in words] for words in there])
    run = in_process_of_its_own(lines, script=AS_ON_WINDOWS + SEVERAL, fresh=True)
    codes = [line for line in run.out.decode().splitlines() if line.isdecimal()]
    assert codes == ["0", "2", "0", "0"], run.err.decode()
    for suffix in (".png", ".mkv"):
        assert (tmp_path / f"here{suffix}").read_bytes() == (tmp_path / f"there{suffix}").read_bytes()
    written = {"here.png", "there.png", "here.mkv", "there.mkv", "sheet.png"}
    assert names(tmp_path) == {"in.png", "in.mkv", *written}


@pytest.mark.slow
def test_a_killed_fit_goes_on(tmp_path: Path) -> None:
    words = ["denoise", smooth_picture(tmp_path / "in.png", 32), *FIT[:-1], "--steps", "300", "--stop", "none"]
    process = begun(*words, "--resume", "--json", script=AS_ON_WINDOWS + OFTEN, fresh=True)
    assert process.stdout is not None
    while b'"step": 50' not in (line := process.stdout.readline()):
        assert line, process.communicate()
    process.kill()
    process.communicate()
    run = in_process_of_its_own(*words, "--resume", script=AS_ON_WINDOWS + COMMAND, fresh=True)
    assert run.code == 0, run.err
    assert b"continuing from step" in run.err
    assert names(tmp_path) == {"in.png", "in_denoised.png"}


def test_without_locks_files_are_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> bool:
        raise OSError("there are no locks")

    monkeypatch.setattr(filelock, "lock_descriptor", missing)
    publish(tmp_path / "a.png", b"data", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"data"
    assert names(tmp_path) == {"a.png"}


def test_a_lock_is_seen_by_others_until_the_file_is_closed(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"")
    first, second = (os.open(tmp_path / "lock", os.O_RDWR) for _ in range(2))
    with contextlib.ExitStack() as closing:
        closing.callback(os.close, second)
        assert portable.take_lock(first) is True
        assert portable.take_lock(second) is False
        os.close(first)
        assert portable.take_lock(second) is True


@pytest.mark.parametrize("name", ["con.png", "NUL", "aux.tif", "COM1.png", "lpt9", "a.png:stream", "dot.", "space "])
def test_names_that_windows_reserves_are_refused_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_output(tmp_path / name, None, overwrite=False)
    monkeypatch.setattr(portable, "IS_WINDOWS", True)
    with pytest.raises(OutputRefusedError, match="Windows reserves"):
        check_output(tmp_path / name, None, overwrite=False)


@pytest.mark.parametrize("name", ["conical.png", "null.png", "com10.png", ".hidden", "a.b.png", "COM.png"])
def test_names_like_those_are_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "IS_WINDOWS", True)
    check_output(tmp_path / name, None, overwrite=False)
