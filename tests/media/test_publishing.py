"""Outputs appear whole or not at all, and never where they should not."""

import errno
import itertools
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipcli.errors import OutputRefusedError
from pipcli.media import check_output, publish, publishing
from support.hostile import AWKWARD_NAMES


@pytest.fixture
def umask() -> Iterator[int]:
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_new_file_has_the_bytes_and_the_permissions_of_any_new_file(tmp_path: Path, umask: int) -> None:
    publish(tmp_path / "a.png", b"data", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o666 & ~umask
    assert names(tmp_path) == {"a.png"}


def test_a_replaced_file_hands_down_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o604)
    publish(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("name", [*AWKWARD_NAMES, b"x" * 255], ids=ascii)
def test_awkward_names_are_written(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    check_output(path, None, overwrite=False)
    publish(path, b"data", overwrite=False)
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    with pytest.raises(OutputRefusedError) as refusal:
        publish(path, b"other", overwrite=False)
    assert str(refusal.value).isprintable()


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    for refused in (lambda: publish(path, b"new", overwrite=False), lambda: check_output(path, None, overwrite=False)):
        with pytest.raises(OutputRefusedError, match="exists already: add --overwrite"):
            refused()
    assert path.read_bytes() == b"old"
    check_output(path, None, overwrite=True)
    publish(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == {"a.png"}


def test_a_file_that_appears_in_the_meantime_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    monkeypatch.setattr(publishing, "_status", lambda _: None)
    path.write_bytes(b"of another process")
    with pytest.raises(OutputRefusedError, match="exists already"):
        publish(path, b"new", overwrite=False)
    assert path.read_bytes() == b"of another process"
    assert names(tmp_path) == {"a.png"}


def test_of_many_writers_of_one_new_file_exactly_one_succeeds(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def write(index: int) -> None:
        try:
            publish(tmp_path / "a.png", bytes([index]) * 1000, overwrite=False)
            outcomes.append("written")
        except OutputRefusedError:
            outcomes.append("refused")

    threads = [threading.Thread(target=write, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["written"]
    assert len(set((tmp_path / "a.png").read_bytes())) == 1
    assert names(tmp_path) == {"a.png"}


@pytest.mark.parametrize(
    ("function", "overwrite"),
    [("link", False), ("replace", True), *itertools.product(["open", "write", "fsync"], [False, True])],
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES])
def test_a_failure_at_any_point_leaves_everything_as_it_was(
    code: int, function: str, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    path = tmp_path / "a.png"
    if overwrite:
        path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(publishing.os, function, failing)
        with pytest.raises(OutputRefusedError, match=r"cannot write .*a\.png: .*(folder|output)"):
            publish(path, b"new", overwrite=overwrite)
    assert names(tmp_path) == ({"a.png"} if overwrite else set())
    assert not overwrite or path.read_bytes() == b"old"


def test_a_keyboard_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing.os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish(tmp_path / "a.png", b"new", overwrite=False)
    assert names(tmp_path) == set()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(publishing.os, "write", lambda descriptor, data: write(descriptor, data[:3]))
        publish(tmp_path / "a.png", b"0123456789", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"0123456789"


@pytest.mark.parametrize("exists", [False, True])
def test_without_hard_links_nothing_is_replaced_either(
    exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    path = tmp_path / "a.png"
    monkeypatch.setattr(publishing.os, "link", unsupported)
    if exists:
        path.write_bytes(b"old")
        monkeypatch.setattr(publishing, "_status", lambda _: None)
        with pytest.raises(OutputRefusedError, match="exists already"):
            publish(path, b"new", overwrite=False)
        assert path.read_bytes() == b"old"
    else:
        publish(path, b"new", overwrite=False)
        assert path.read_bytes() == b"new"
    assert names(tmp_path) == {"a.png"}


def test_without_hard_links_a_failed_rename_gives_the_name_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(publishing.os, "link", failing)
        patch.setattr(publishing.os, "replace", failing)
        with pytest.raises(OutputRefusedError):
            publish(tmp_path / "a.png", b"new", overwrite=False)
    assert names(tmp_path) == set()


def test_a_file_size_limit_is_a_refusal(tmp_path: Path) -> None:
    script = (
        "import pathlib, resource, signal, sys\n"
        "from pipcli.errors import OutputRefusedError\n"
        "from pipcli.media import publish\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: publish(pathlib.Path(sys.argv[1]), bytes(5000), overwrite=False)\n"
        "except OutputRefusedError: sys.exit(7)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", script, tmp_path / "a.png"], env=environment, check=False)
    assert run.returncode == 7
    assert names(tmp_path) == set()


def test_a_symbolic_link_keeps_pointing_to_the_file_that_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("target.png")
    publish(tmp_path / "link.png", b"new", overwrite=True)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "target.png").read_bytes() == b"new"


def test_nobody_ever_sees_a_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\0" * 100_000)
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for index in range(1, 40):
        publish(path, bytes([index]) * 100_000, overwrite=True)
    done.set()
    watcher.join()
    assert all(len(data) == 100_000 and len(set(data)) == 1 for data in seen)
