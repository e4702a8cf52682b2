"""Folders of kept work that others have prepared: refused on one line, and nothing of theirs is touched."""

import dataclasses
import hashlib
import io
import json
import os
import pickle
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipcli.checkpoint import LOCK, MANIFEST
from support.clip_making import clip
from support.running import OFTEN, PATIENCE, Run, begun, in_process_of_its_own, names, picture

pytestmark = pytest.mark.usefixtures("one_thread")
Command = Callable[..., Run]
QUICK = ("--sigma", "20", "--steps", "1", "--quality", "draft", "--device", "cpu", "-q")


def sealed(manifest: dict[str, Any], folder: Path, name: str, data: bytes) -> None:
    """Put a file into a kept folder with the right checksum."""
    (folder / name).write_bytes(data)
    manifest["files"][name], manifest["sizes"][name] = hashlib.sha256(data).hexdigest(), len(data)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def tree(folder: Path) -> dict[str, tuple[int, str | bytes]]:
    """All that is in a folder: kinds, links' targets and files' contents."""
    found: dict[str, tuple[int, str | bytes]] = {}
    for path in sorted(folder.rglob("*")):
        held = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, held)
    return found


@dataclasses.dataclass(frozen=True)
class Ended:
    """A run that was killed: its words, its kept folder, and the name of a file that it kept."""

    words: list[str | Path]
    folder: Path
    name: str

    @property
    def place(self) -> Path:
        return self.folder.parent

    def as_left(self) -> None:
        """Put the kept folder back as the run had left it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.place / "saved", self.folder)

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_bytes())
        return manifest


def killed(words: list[str | Path], folder: Path, beginning: str) -> Ended:
    process = begun(*words, "--json", script=OFTEN)
    assert process.stdout is not None
    name = None
    while name is None:
        assert process.stdout.readline(), process.communicate()
        files = json.loads((folder / MANIFEST).read_bytes())["files"] if (folder / MANIFEST).exists() else {}
        name = next((one for one in files if one.startswith(beginning)), None)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    shutil.copytree(folder, folder.parent / "saved")
    return Ended(words, folder, name)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    tmp_path = tmp_path_factory.mktemp("photo")
    source = picture(tmp_path / "in.png")
    words = ["denoise", source, "-o", tmp_path / "o.png", *QUICK, "--resume", "--stop", "none", "--steps", "100000"]
    return killed(words, tmp_path / ".o.png.resume", "fit-")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    tmp_path = tmp_path_factory.mktemp("clip")
    source = clip(tmp_path / "in.mkv", 4, (32, 16))
    words = ["video", source, "-o", tmp_path / "o.mkv", *QUICK, "--window", "2", "--steps", "20", "--stop", "none"]
    return killed(words, tmp_path / ".o.mkv.resume", "window-00000.zip")


@pytest.fixture(params=["photo", "clip"])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> list[str | Path]:
    if request.param == "photo":
        return ["denoise", picture(tmp_path / "in.png"), "-o", tmp_path / "o", *QUICK, "--resume"]
    return ["video", clip(tmp_path / "in.mkv", 2, (32, 16)), "-o", tmp_path / "o", *QUICK]


def linked_folder(folder: Path, mine: Path) -> None:
    folder.symlink_to(mine)


def linked_lock(folder: Path, mine: Path) -> None:
    folder.mkdir()
    (folder / LOCK).symlink_to(mine / "thesis.txt")


def hard_linked_lock(folder: Path, mine: Path) -> None:
    folder.mkdir()
    (folder / LOCK).hardlink_to(mine / "thesis.txt")


def linked_manifest(folder: Path, mine: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).symlink_to(mine / "thesis.txt")


def pipe(folder: Path, mine: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / MANIFEST)


def notes(folder: Path, mine: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")


def dangling(folder: Path, mine: Path) -> None:
    folder.symlink_to(mine / "nowhere")


@pytest.mark.parametrize(
    "prepare", [linked_folder, linked_lock, hard_linked_lock, linked_manifest, pipe, notes, dangling]
)
def test_a_folder_that_is_not_ours_is_refused(
    prepare: Callable[[Path, Path], None], words: list[str | Path], command: Command, tmp_path: Path
) -> None:
    output = tmp_path / ("o.png" if words[0] == "denoise" else "o.mkv")
    mine = tmp_path / "docs"
    (mine / "2024").mkdir(parents=True)
    (mine / "thesis.txt").write_text("mine")
    prepare(tmp_path / f".{output.name}.resume", mine)
    before = tree(tmp_path)
    run = command(*(output if word == tmp_path / "o" else word for word in words))
    assert run.code == 2
    assert "is not a folder that this tool made" in run.message
    assert tree(tmp_path) == before


def test_a_manifest_alone_lets_nothing_of_others_be_replaced(command: Command, tmp_path: Path) -> None:
    source, output = picture(tmp_path / "in.png"), tmp_path / "o.png"
    output.write_bytes(b"somebody's picture")
    (tmp_path / ".o.png.resume").mkdir()
    made = {os.path.realpath(output): hashlib.sha256(output.read_bytes()).hexdigest()}
    for more in (
        {},
        {"made_by": "pip-restore", "format": 2, "identity": {}, "files": {}, "sizes": {}, "call": [str(output)]},
    ):
        (tmp_path / ".o.png.resume" / MANIFEST).write_text(json.dumps({**more, "outputs": made}))
        run = command("denoise", source, "-o", output, *QUICK, "--resume")
        assert run.code == 2
        assert run.message
        assert output.read_bytes() == b"somebody's picture"


def test_names_that_lead_elsewhere_are_refused(window: Ended, command: Command) -> None:
    window.as_left()
    victim = window.place / "victim.txt"
    victim.write_text("mine")
    manifest = window.manifest()
    name = "fit-00000-x/../../victim.txt"
    manifest["files"][name], manifest["sizes"][name] = "0" * 64, 4
    (window.folder / MANIFEST).write_text(json.dumps(manifest))
    (window.folder / "fit-00000-x").mkdir()
    assert "not a folder that this tool made" in command(*window.words).message
    assert victim.read_text() == "mine"


class Evil:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("pwned",))


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def repacked(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return packed({name: archive.read(name) for name in archive.namelist()})


def huge() -> bytes:
    return saved({"runs": [{"steps_done": 1}], "groups": [], "x": torch.zeros(1).expand(10**12)})


def test_states_of_the_wrong_content_are_refused_and_nothing_of_them_is_run(
    photo: Ended, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo.as_left()
    state = (photo.folder / photo.name).read_bytes()
    whole = torch.load(io.BytesIO(state), weights_only=True)
    other_rule = [{**whole["runs"][0], "rules": [{"update": 1}]}]
    contents = {
        "rubbish": b"rubbish" * 100,
        "a pickle": pickle.dumps(Evil()),
        "a saved pickle": saved({"runs": Evil()}),
        "no state": saved({}),
        "a list": saved([1]),
        "no steps": saved({"runs": []}),
        "half a run": saved({"runs": [{"steps_done": 5}]}),
        "no groups": saved({**whole, "groups": None}),
        "other groups": saved({**whole, "groups": [{**whole["groups"][0], "members": [99]}]}),
        "other tensors": saved({**whole, "groups": [{**whole["groups"][0], "fit": {"settings": 1}}]}),
        "another rule": saved({**whole, "runs": other_rule}),
        "larger than it is": huge(),
        "packed": repacked(state),
    }
    manifest = photo.manifest()
    for what, data in contents.items():
        photo.as_left()
        sealed(manifest, photo.folder, photo.name, data)
        run = command(*photo.words)
        assert run.code == 2, what
        assert f"keeps {photo.name}, which this tool did not write: remove that folder" in run.message, what
    assert names(photo.place) == {"in.png", "saved", photo.folder.name}


def test_windows_of_the_wrong_content_are_refused(window: Ended, command: Command, tmp_path: Path) -> None:
    window.as_left()
    data = (window.folder / window.name).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    frame = next(name for name in parts if name.endswith(".png"))
    other = picture(tmp_path / "other.png", 8, 8).read_bytes()

    def stored(changed: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, part in {**parts, **changed}.items():
                archive.writestr(name, part)
        return buffer.getvalue()

    contents = {
        "rubbish": b"rubbish",
        "no frames": packed({"facts.json": b"{}"}),
        "packed": packed(parts),
        "a bomb": packed({**parts, frame: bytes(200 << 20)}),
        "other facts": stored({"facts.json": b'{"outcome": "x"}'}),
        "deep facts": stored({"facts.json": b"[" * 50_000}),
        "another frame": stored({frame: other}),
        "no picture": stored({frame: b"rubbish"}),
        "too large": data + bytes(1 << 24),
    }
    manifest = window.manifest()
    for what, changed in contents.items():
        window.as_left()
        sealed(manifest, window.folder, window.name, changed)
        run = command(*window.words)
        assert run.code == 2, what
        assert f"keeps {window.name}, which this tool did not write: add --no-resume" in run.message, what


def test_a_bomb_takes_no_memory(window: Ended) -> None:
    window.as_left()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("facts.json", "w") as part:
        for _ in range(800):
            part.write(bytes(1 << 20))
    sealed(window.manifest(), window.folder, window.name, buffer.getvalue())
    limited = (
        "import resource, pipcli.cli.app\n"
        "from pipcli.jobs.clips import job as clip_job\n"
        "used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "code = pipcli.cli.app.run(__import__('sys').argv[1:])\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used\n"
        "assert grown < 300_000, grown\n"
        "raise SystemExit(code)"
    )
    run = in_process_of_its_own(*map(str, window.words), script=limited, fresh=True)
    assert run.code == 2, run.err
    assert b"did not write" in run.err
