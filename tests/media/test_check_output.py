"""Outputs that cannot be are refused before the work."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from pipcli.errors import OutputRefusedError
from pipcli.media import check_output, publish, publishing


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_full_folder_is_noticed_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(publishing.os, "posix_fallocate", full)
        with pytest.raises(OutputRefusedError, match="no space left"):
            check_output(tmp_path / "a.png", None, overwrite=False)
    assert names(tmp_path) == set()


def test_a_really_full_folder_is_noticed_before_the_work_and_at_its_end(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        with pytest.raises(OutputRefusedError, match="no space left"):
            check_output(tmp_path / "a.png", None, overwrite=False)
        with pytest.raises(OutputRefusedError, match="no space left"):
            publish(tmp_path / "a.png", bytes(100_000), overwrite=False)
        assert names(tmp_path) == set()
        publish(tmp_path / "a.png", bytes(1000), overwrite=False)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_the_room_that_was_tried_out_is_given_back(tmp_path: Path) -> None:
    check_output(tmp_path / "a.png", None, overwrite=False, room=5 << 20)
    assert names(tmp_path) == set()


def test_the_input_is_never_the_output_whatever_it_is_called(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"input")
    (tmp_path / "symbolic.png").symlink_to(source)
    os.link(source, tmp_path / "hard.png")
    for name in ("a.png", "symbolic.png", "hard.png", "../" + tmp_path.name + "/a.png"):
        with pytest.raises(OutputRefusedError, match="is the input itself"):
            check_output(tmp_path / name, source, overwrite=True)
    check_output(tmp_path / "b.png", source, overwrite=False)


def test_outputs_that_cannot_be_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    cases = {
        tmp_path: "is a folder",
        tmp_path / "none" / "a.png": "its folder does not exist: create it",
        tmp_path / "file" / "a.png": "folder",
        tmp_path / "loop.png": "leads back to itself",
        tmp_path / "pipe.png": "not a regular file",
        tmp_path / ("x" * 300): "too long",
        Path("/dev/full"): "not a regular file",
        Path("a\0b"): "not a possible file name",
    }
    for path, words in cases.items():
        with pytest.raises(OutputRefusedError, match=words):
            check_output(path, None, overwrite=True)
        with pytest.raises(OutputRefusedError):
            publish(path, b"x", overwrite=True)


def test_a_folder_without_write_permission_is_refused(folder_of_another: Path) -> None:
    with pytest.raises(OutputRefusedError, match="may not be written to"):
        check_output(folder_of_another / "a.png", None, overwrite=False)
    with pytest.raises(OutputRefusedError, match="may not be written to"):
        publish(folder_of_another / "a.png", b"x", overwrite=False)
