"""Getting at bytes: only regular files, never a hang, and names on one line."""

import errno
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipcli.errors import UnusableInputError
from pipcli.media import MAX_PIXELS, sources
from pipcli.media.sources import check_size, read_file, shown
from support.builders import png_of, samples


@given(st.binary(min_size=1, max_size=40))
def test_any_file_name_is_shown_on_one_printable_line(name: bytes) -> None:
    assert shown(name).isprintable()
    shown(os.fsdecode(name)).encode("utf-8")


def test_names_are_shown_as_they_are_where_that_is_possible() -> None:
    assert shown(Path("grüße 写真.png")) == "grüße 写真.png"
    assert shown("a\nb\t\x1b[31m.png") == "a\\nb\\t\\x1b[31m.png"
    assert shown(b"\xff.png") == "\\xff.png"
    assert shown("right\u202eleft") == "right\\u202eleft"
    assert shown("\ud800") == "\\ud800"


@pytest.mark.parametrize("size", [(1, 1), (MAX_PIXELS - 1, 1), (9459, 9459)])
def test_sizes_below_the_limit_pass(size: tuple[int, int]) -> None:
    check_size(*size)


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-3, 3), (MAX_PIXELS, 1), (9460, 9460), (2**31, 2**31)])
def test_sizes_beyond_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UnusableInputError, match=f"{size[0]}x{size[1]}"):
        check_size(*size)


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, pipe = tmp_path / "a.png", tmp_path / "b.png"
    plain.write_bytes(b"x")
    os.mkfifo(pipe)
    status = os.stat(plain)
    monkeypatch.setattr(sources.os, "stat", lambda _: status)
    start = time.monotonic()
    with pytest.raises(UnusableInputError, match="a named pipe"):
        read_file(pipe)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EIO])
def test_a_file_that_may_not_be_read_is_refused(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: object, flags: int) -> int:
        raise OSError(code, os.strerror(code))

    path = tmp_path / "a.png"
    path.write_bytes(png_of(samples(1, 1, 1, "uint8")))
    monkeypatch.setattr(sources.os, "open", refusing)
    with pytest.raises(UnusableInputError, match=r"may not be read|cannot be read"):
        read_file(path)


def test_a_file_without_read_permission_is_refused(folder_of_another: Path) -> None:
    with pytest.raises(UnusableInputError, match="may not be read"):
        read_file(folder_of_another / "unreadable.png")


def test_a_null_character_in_a_name_is_refused() -> None:
    with pytest.raises(UnusableInputError, match="not a possible file name"):
        read_file("a\0b.png")


def test_a_file_beyond_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.touch()
    os.truncate(path, sources.MAX_FILE_BYTES + 1)  # sparse
    with pytest.raises(UnusableInputError, match="larger than 768 MiB"):
        read_file(path)
