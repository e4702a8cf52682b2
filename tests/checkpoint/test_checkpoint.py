"""What is kept of unfinished work: nothing half, nothing of other work, and nothing that two processes write."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.checkpoint import LOCK, MANIFEST, Kept, checksum, checksum_of, folder_beside, replaceable
from pipcli.errors import OutputRefusedError
from pipcli.media import portable

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
        kept.save({"fit-one.pt": b"1", "fit-two.pt": b"2"})
        kept.forget(["fit-two.pt", "fit-three.pt"])
    with Kept(folder, IDENTITY) as kept:
        assert "fit-one.pt" in kept
        assert not kept.is_empty
        assert kept.load("fit-one.pt") == b"1"
        assert kept.load("fit-two.pt") is None
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
        kept.save({"fit-one.pt": b"1"})
    other = {**IDENTITY, **change}
    with pytest.raises(OutputRefusedError, match=f"{words}: .* or add --no-such to begin anew"):
        Kept(folder, other, advice="add --no-such")  # type: ignore[arg-type]
    with Kept(folder, IDENTITY) as kept:
        assert kept.is_sound("fit-one.pt")
    with Kept(folder, other, anew=True) as kept:  # type: ignore[arg-type]
        assert kept.load("fit-one.pt") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"11"])
def test_a_file_that_is_not_as_it_was_written_is_none(folder: Path, damage: bytes) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1", "fit-two.pt": b"2"})
        (folder / "fit-one.pt").write_bytes(damage)
        assert kept.load("fit-one.pt") is None
        assert kept.load("fit-two.pt") == b"2"


MANIFESTS = {
    "nothing": b"",
    "half": b"{",
    "a list": b"[]",
    "no words": b"{}",
    "outputs alone": b'{"outputs": {"o.png": "0"}}',
    "no UTF-8": b'{"made_by": "\xff"}',
    "deep": b"[" * 200_000,
    "a long number": b'{"format": 1%s}' % (b"0" * 5000),
    "large": b" " * (17 << 20),
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
@pytest.mark.parametrize("anew", [False, True])
def test_a_folder_whose_manifest_is_none_is_not_ours(folder: Path, manifest: bytes, anew: bool) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
    (folder / MANIFEST).write_bytes(manifest)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputRefusedError, match="is not a folder that this tool made, it has no manifest"):
        Kept(folder, IDENTITY, anew=anew)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [
        {"made_by": "somebody"},
        {"more": 1},
        {"identity": []},
        {"identity": {"input": [[]]}},
        {"call": [1]},
        {"outputs": {"/o.png": 3}},
        {"outputs": {"/o.png": "0"}},
        {"files": 3},
        {"files": {"fit-one.pt": 3}},
        {"files": {"fit-one.pt": "0"}},
        {"sizes": {}},
        {"sizes": {"fit-one.pt": -1}},
        {"sizes": {"fit-one.pt": 1e300}},
        {"sizes": {"fit-one.pt": True}},
        *(
            {"files": {name: "0" * 64}, "sizes": {name: 1}}
            for name in (
                "../victim",
                "fit-1/../../victim.pt",
                "/etc/passwd",
                "",
                ".",
                "thesis.txt",
                "lock",
                "fit-a.pt\n",
            )
        ),
    ],
)
def test_no_part_of_a_manifest_is_trusted(folder: Path, change: dict[str, object]) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
    victim = folder.parent / "victim"
    victim.write_bytes(b"mine")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **change}))
    for anew in (False, True):
        with pytest.raises(OutputRefusedError, match="not a folder that this tool made"):
            Kept(folder, IDENTITY, anew=anew)
    assert victim.read_bytes() == b"mine"


def test_words_of_a_manifest_come_out_on_one_line(folder: Path) -> None:
    with Kept(folder, {"\n\x1b[31mowned\n": "\x1b]0;x\x07\nline", "--seed": "\ud800"}) as kept:
        kept.save({"fit-one.pt": b"1"})
    with pytest.raises(OutputRefusedError) as caught:
        Kept(folder, {"--seed": 1})
    assert str(caught.value).isprintable()
    with pytest.raises(OutputRefusedError) as caught:
        Kept(folder, {})
    assert str(caught.value).isprintable()


def test_a_manifest_of_another_version_is_refused(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 3}))
    with pytest.raises(OutputRefusedError, match="another version"):
        Kept(folder, IDENTITY)


def link_to_folder(folder: Path, victim: Path) -> None:
    folder.symlink_to(victim.parent)


def a_users_folder(folder: Path, victim: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")


def a_file(folder: Path, victim: Path) -> None:
    folder.write_bytes(b"mine")


def lock_is_a_link(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / LOCK).unlink()
    (folder / LOCK).symlink_to(victim)


def lock_is_a_hard_link(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / LOCK).unlink()
    (folder / LOCK).hardlink_to(victim)


def manifest_is_a_link(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / MANIFEST).rename(victim)
    (folder / MANIFEST).symlink_to(victim)


def manifest_is_a_pipe(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)


def lock_is_a_pipe(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / LOCK).unlink()
    os.mkfifo(folder / LOCK)


def a_kept_file_is_a_link(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / "fit-one.pt").unlink()
    (folder / "fit-one.pt").symlink_to(victim)


def half_a_file_is_a_link(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / ".pip-restore-0123456789abcdef.part").symlink_to(victim.parent)


def a_users_file_in_ours(folder: Path, victim: Path) -> None:
    made(folder)
    (folder / "notes.txt").write_text("mine")


def made(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})


@pytest.mark.parametrize(
    "prepare",
    [
        link_to_folder,
        a_users_folder,
        a_file,
        lock_is_a_link,
        lock_is_a_hard_link,
        manifest_is_a_link,
        manifest_is_a_pipe,
        lock_is_a_pipe,
        a_kept_file_is_a_link,
        half_a_file_is_a_link,
        a_users_file_in_ours,
    ],
)
@pytest.mark.parametrize("anew", [False, True])
def test_what_is_not_ours_is_refused_and_left_as_it_was(
    prepare: Callable[[Path, Path], None], anew: bool, folder: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "precious" / "victim.txt"
    victim.parent.mkdir()
    victim.write_bytes(b"mine")
    prepare(folder, victim)

    def state() -> dict[str, tuple[int, int, bytes]]:
        found = {}
        for path in sorted(tmp_path.rglob("*")):
            status = path.lstat()
            data = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[str(path)] = (status.st_mode, status.st_ino, data)
        return found

    before = state()
    with pytest.raises(OutputRefusedError):
        Kept(folder, IDENTITY, anew=anew)
    assert state() == before


def test_an_empty_folder_is_nobodys(folder: Path) -> None:
    folder.mkdir()
    made(folder)
    assert {entry.name for entry in folder.iterdir()} == {"fit-one.pt", LOCK, MANIFEST}


def test_a_link_put_in_place_of_a_file_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
        for name in ("fit-one.pt", MANIFEST):
            (folder / name).unlink()
            (folder / name).symlink_to(victim)
        assert kept.load("fit-one.pt") is None
        kept.save({"fit-one.pt": b"2"})
        kept.discard()
    assert victim.read_bytes() == b"mine"
    assert not folder.exists()


def test_a_folder_that_was_moved_away_does_not_lead_us_elsewhere(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / MANIFEST).write_bytes(b"mine")
    with Kept(folder, IDENTITY) as kept:
        folder.rename(tmp_path / "moved")
        folder.symlink_to(other)
        kept.save({"fit-one.pt": b"1"})
        kept.discard()
    assert {path.name: path.read_bytes() for path in other.iterdir()} == {MANIFEST: b"mine"}
    assert folder.is_symlink()


def test_where_folders_have_no_handles_it_works_by_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "CAN_HOLD_FOLDERS", False)
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
    with Kept(folder, IDENTITY) as kept:
        assert kept.load("fit-one.pt") == b"1"
        kept.discard()
    assert not folder.exists()
    link_to_folder(folder, folder.parent / "x")
    with pytest.raises(OutputRefusedError):
        Kept(folder, IDENTITY)


def test_half_a_file_of_an_ended_process_is_removed(folder: Path) -> None:
    with Kept(folder, IDENTITY) as kept:
        kept.save({"fit-one.pt": b"1"})
    (folder / ".pip-restore-0123456789abcdef.part").write_bytes(b"half")
    (folder / ".pip-restore-4567456789abcdef.part").mkdir()
    (folder / ".pip-restore-4567456789abcdef.part" / "0001.png").write_bytes(b"half")
    with Kept(folder, IDENTITY):
        assert {entry.name for entry in folder.iterdir()} == {"fit-one.pt", LOCK, MANIFEST}


def test_what_work_has_made_it_may_replace_while_it_is_as_it_was(folder: Path) -> None:
    mine, others = folder.parent / "mine.png", folder.parent / "others.png"
    mine.write_bytes(b"1")
    others.write_bytes(b"1")
    outputs = [mine, others]
    with Kept(folder, IDENTITY, outputs) as kept:
        kept.save({"fit-one.pt": b"1"})
        assert not kept.permits(mine)
        kept.claim(mine, checksum(b"1"))
        kept.save({"fit-two.pt": b"2"})
    with Kept(folder, IDENTITY, outputs) as kept:  # work that goes on remembers
        assert kept.permits(mine) and not kept.permits(others)
    assert replaceable([*outputs, None], folder, overwrite=False) == {mine}
    assert replaceable(outputs, None, overwrite=False) == set()
    assert replaceable(outputs, folder, overwrite=True) == {mine, others}
    assert replaceable([mine], folder, overwrite=False) == set()  # of a call with other outputs
    link = folder.parent / "link.png"
    link.symlink_to(mine)
    assert replaceable([link, others], folder, overwrite=False) == {link}
    mine.write_bytes(b"2")
    assert replaceable(outputs, folder, overwrite=False) == set()
    mine.unlink()
    os.mkfifo(mine)
    assert replaceable(outputs, folder, overwrite=False) == set()
    mine.unlink()
    assert replaceable(outputs, folder, overwrite=False) == set()


def test_other_outputs_and_other_work_permit_nothing(folder: Path) -> None:
    mine = folder.parent / "mine.png"
    mine.write_bytes(b"1")
    with Kept(folder, IDENTITY, [mine]) as kept:
        kept.save({"fit-one.pt": b"1"})
        kept.claim(mine, checksum(b"1"))
    with Kept(folder, IDENTITY, [mine], anew=True) as kept:
        assert not kept.permits(mine)
        kept.save({"fit-one.pt": b"1"})
        kept.claim(mine, checksum(b"1"))
    with Kept(folder, IDENTITY, [mine, folder.parent / "more.png"]) as kept:
        assert not kept.permits(mine)


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"outputs": 3}', b'{"outputs": {"mine.png": 3}}'])
def test_a_manifest_that_is_none_lets_nothing_be_replaced(folder: Path, manifest: bytes) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_bytes(manifest)
    assert replaceable([folder / MANIFEST], folder, overwrite=False) == set()


def test_a_second_process_is_refused_and_a_dead_one_is_no_hindrance(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from pipcli.checkpoint import Kept\n"
        "kept = Kept(Path(sys.argv[1]), {'input': 1}); print('ready', flush=True); time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(OutputRefusedError, match=f"process {process.pid}, is working"):
            Kept(folder, {"input": 1})
    finally:
        process.kill()
        process.communicate()
    with Kept(folder, {"input": 1}) as kept:
        kept.save({"fit-one.pt": b"1"})


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
