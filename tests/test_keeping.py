"""What is kept of unfinished work: nothing half, nothing of other work, and nothing that two processes write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipcli.errors import OutputRefusedError
from pipcli.keeping import LOCK, MANIFEST, Kept, checksum, checksum_of, folder_beside, replaceable

IDENTITY = {"input": "a" * 64, "--sigma": 25.0, "--paper": False, "--steps": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_beside(tmp_path / "out.mp4")


def test_the_folder_is_hidden_beside_the_output_however_long_its_name(tmp_path: Path) -> None:
    assert folder_beside(tmp_path / "out.mp4") == tmp_path / ".out.mp4.resume"
    long = folder_beside(tmp_path / ("o" * 251 + ".mp4"))
    long.mkdir()
    assert long != folder_beside(tmp_path / ("o" * 252 + ".mp4"))


def test_what_was_saved_is_there_for_the_same_work(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1", "two": b"2"})
        kept.forget(["two", "three"])
    with Kept(folder, IDENTITY) as kept:
        assert "one" in kept
        assert not kept.is_empty
        assert kept.load("one") == b"1"
        assert kept.load("two") is None
        kept.discard()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--sigma": 30.0}, "with --sigma 25.0, not 30.0"),
        ({"--paper": True}, "with --paper left out, not given"),
        ({"--steps": 7}, "with --steps left out, not 7"),
        ({"input": "b" * 64}, "with another input"),
        ({"--window": 4}, "with --window left out, not 4"),
    ],
)
def test_other_work_is_refused_by_name_unless_begun_anew(folder: Path, change: dict[str, object], words: str) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1"})
    other = {**IDENTITY, **change}
    with pytest.raises(OutputRefusedError, match=f"{words}: .* or add --no-such to begin anew"):
        Kept(folder, other, advice="add --no-such")  # type: ignore[arg-type]
    with Kept(folder, IDENTITY) as kept:
        assert kept.is_sound("one")
    with Kept(folder, other, anew=True) as kept:  # type: ignore[arg-type]
        assert kept.load("one") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"11"])
def test_a_file_that_is_not_as_it_was_written_is_none(folder: Path, damage: bytes) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1", "two": b"2"})
        (folder / "one").write_bytes(damage)
        assert kept.load("one") is None
        assert kept.load("two") == b"2"


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b"{}", b'{"format": 1, "identity": {}, "files": 3}', b"\xff"])
def test_a_manifest_that_cannot_be_read_is_no_work(folder: Path, manifest: bytes) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1"})
    (folder / MANIFEST).write_bytes(manifest)
    with Kept(folder, IDENTITY) as kept:
        assert kept.load("one") is None
        assert {entry.name for entry in folder.iterdir()} <= {LOCK, MANIFEST}


def test_a_manifest_of_a_later_version_is_refused(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1"})
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 2}))
    with pytest.raises(OutputRefusedError, match="another version"):
        Kept(folder, IDENTITY)


def test_half_a_file_of_an_ended_process_is_removed(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1"})
    (folder / ".pip-restore-0123.part").write_bytes(b"half")
    (folder / ".pip-restore-4567.part").mkdir()
    (folder / ".pip-restore-4567.part" / "0001.png").write_bytes(b"half")
    with Kept(folder, IDENTITY):
        assert {entry.name for entry in folder.iterdir()} == {"one", LOCK, MANIFEST}


def test_what_work_has_made_it_may_replace_while_it_is_as_it_was(folder: Path) -> None:
    mine, others = folder.parent / "mine.png", folder.parent / "others.png"
    mine.write_bytes(b"1")
    others.write_bytes(b"1")
    with Kept(folder, IDENTITY) as kept:
        kept.save({"one": b"1"})
        kept.claim(mine, checksum(b"1"))
        kept.save({"two": b"2"})
    with Kept(folder, IDENTITY):  # work that goes on remembers
        pass
    outputs = [mine, others, None]
    assert replaceable(outputs, folder, overwrite=False) == {mine}
    assert replaceable(outputs, None, overwrite=False) == set()
    assert replaceable(outputs, folder, overwrite=True) == {mine, others}
    link = folder.parent / "link.png"
    link.symlink_to(mine)
    assert replaceable([link], folder, overwrite=False) == {link}
    mine.write_bytes(b"2")
    assert replaceable(outputs, folder, overwrite=False) == set()
    mine.unlink()
    assert replaceable(outputs, folder, overwrite=False) == set()


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"outputs": 3}', b'{"outputs": {"mine.png": 3}}'])
def test_a_manifest_that_names_no_outputs_lets_none_be_replaced(folder: Path, manifest: bytes) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_bytes(manifest)
    assert replaceable([folder / MANIFEST], folder, overwrite=False) == set()


def test_a_second_process_is_refused_and_a_dead_one_is_no_hindrance(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from pipcli.keeping import Kept\n"
        "kept = Kept(Path(sys.argv[1]), {'input': 1}); print('ready', flush=True); time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(OutputRefusedError, match=f"process {process.pid}, is at work"):
            Kept(folder, {"input": 1})
    finally:
        process.kill()
        process.communicate()
    with Kept(folder, {"input": 1}) as kept:
        kept.save({"one": b"1"})


def test_a_folder_in_which_nothing_is_kept_goes_away(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Kept(folder, IDENTITY):
        raise KeyboardInterrupt
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputRefusedError, match="cannot keep unfinished work"):
        Kept(folder_beside(tmp_path / "file" / "out.mp4"), IDENTITY)


def test_the_checksum_of_a_folder_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    first = checksum_of(tmp_path)
    (tmp_path / "a").write_bytes(b"2")
    second = checksum_of(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, checksum_of(tmp_path)}) == 3
