"""Bad input ends with exit code 2, one line that says what is wrong and what would be right, and no file."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipcli.jobs import noise_asked
from pipcli.media import publishing
from pipcli.settings import NoiseName
from support.builders import pillow_file, png_of, samples, tiff_of
from support.hostile import METADATA_BOMBS, bad_paths, bad_pictures, bombs, mutations, prefixes
from support.running import ENVIRONMENT, PATIENCE, Run, in_process_of_its_own, names, opened, picture

Command = Callable[..., Run]

# It runs in a process of its own, for its peak memory. Bombs that a codec may lawfully read are restored in one step.
RESTORE_BOMBS = """
import json, pathlib, resource, sys, time
import torch
from support.hostile import bombs
from pipcli.jobs.photos import job as photo_job
from pipcli.cli.app import run
import pipcli.media.png, pipcli.media.pillow_formats, pipcli.media.tiff, pipcli.media.pnm

folder = pathlib.Path(sys.argv[1])
results = {}
for name, data in bombs().items():
    (folder / "bomb.png").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    arguments = [str(folder / "bomb.png"), "-o", str(folder / "out.png"), "--steps", "1", "--overwrite", "-q"]
    code = run(["denoise", *arguments])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    results[name] = (code, time.process_time() - start, grown >> 10)
sys.stdout.write("\\n" + json.dumps(results))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a sound picture, one of another size, one with alpha, one of 16 bit, and an output that exists."""
    picture(tmp_path / "in.png")
    picture(tmp_path / "other_size.png", 8, 16)
    picture(tmp_path / "grey.png", channels=1)
    picture(tmp_path / "alpha.png", channels=4)
    (tmp_path / "deep.png").write_bytes(png_of(samples(8, 8, 3, "uint16")))
    (tmp_path / "exists.png").write_bytes(b"somebody's")
    (tmp_path / "symbolic.png").symlink_to("in.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.link(tmp_path / "in.png", tmp_path / "hard.png")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files in a folder, by name."""
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


# What is given after `denoise`, relative to the folder, and words that the message has to hold.
REFUSED_OPTIONS = {
    "negative sigma": (["in.png", "--sigma", "-5"], "--sigma is in grey levels of 255, from 0.1 to 255, not -5"),
    "sigma zero": (["in.png", "--sigma", "0"], "--sigma is in grey levels"),
    "sigma is not a number": (["in.png", "--sigma", "nan"], "--sigma is in grey levels"),
    "sigma is a word": (["in.png", "--sigma", "abc"], "'--sigma': 'abc' is not a number"),
    "infinite sigma": (["in.png", "--sigma", "inf"], "--sigma is in grey levels"),
    "sigma of a million": (["in.png", "--sigma", "1000000"], "--sigma is in grey levels"),
    "sigma in words": (["in.png", "--sigma", "much"], "'--sigma'"),
    "no steps": (["in.png", "--steps", "0"], "'--steps'"),
    "half a step": (["in.png", "--steps", "1.5"], "'--steps'"),
    "no time": (["in.png", "--time-limit", "0"], "--time-limit is in seconds, above 0, not 0"),
    "time is not a number": (["in.png", "--time-limit", "nan"], "--time-limit is in seconds"),
    "infinite time": (["in.png", "--time-limit", "inf"], "--time-limit is in seconds"),
    "negative seed": (["in.png", "--seed", "-1"], "'--seed'"),
    "too large a seed": (["in.png", "--seed", str(2**63)], "'--seed'"),
    "unknown prior": (["in.png", "--prior", "gan"], "'--prior'"),
    "unknown quality": (["in.png", "--quality", "fine"], "'--quality'"),
    "unknown stop rule": (["in.png", "--stop", "soon"], "'--stop'"),
    "unknown device": (["in.png", "--device", "tpu"], "use auto, cpu, cuda"),
    "known to torch only": (["in.png", "--device", "meta"], "use auto, cpu, cuda"),
    "no device": (["in.png", "--device", ""], "use auto, cpu, cuda"),
    "unknown option": (["in.png", "--sigmas", "5"], "--sigmas"),
    "no input": ([], "INPUT"),
    "the published method in another quality": (["in.png", "--paper", "--quality", "best"], "leave out --quality best"),
    "missing output folder": (["in.png", "-o", "none/out.png"], "its folder does not exist: create it first"),
    "output below a file": (["in.png", "-o", "grey.png/out.png"], "cannot write"),
    "output is the input": (["in.png", "-o", "in.png", "--overwrite"], "is the input itself"),
    "output is a link to the input": (["in.png", "-o", "symbolic.png", "--overwrite"], "is the input itself"),
    "output is the input's other name": (["in.png", "-o", "hard.png", "--overwrite"], "is the input itself"),
    "output exists": (["in.png", "-o", "exists.png"], "exists already: add --overwrite"),
    "unknown suffix": (["in.png", "-o", "out.xyz"], "not .xyz"),
    "no suffix": (["in.png", "-o", "out"], "not no suffix"),
    "16 bit into JPEG": (["deep.png", "-o", "out.jpg"], "JPEG cannot hold the 16-bit samples of this picture: choose"),
    "alpha into JPEG": (["alpha.png", "-o", "out.jpg"], "JPEG cannot hold the alpha of this picture: choose .png"),
    "colour into PGM": (["in.png", "-o", "out.pgm"], "PGM cannot hold the colour"),
    "sheet that is no PNG": (["in.png", "--sheet", "sheet.jpg"], "give --sheet a name that ends in .png"),
    "sheet is the output": (["in.png", "-o", "out.png", "--sheet", "out.png"], "must be different files"),
    "sheet is the default output": (["in.png", "--sheet", "./in_denoised.png"], "must be different files"),
    "sheet is the input": (["in.png", "--sheet", "in.png", "--overwrite"], "is the input itself"),
    "sheet exists": (["in.png", "--sheet", "exists.png"], "exists already: add --overwrite"),
    "sheet is the reference": (
        ["in.png", "--sheet", "symbolic.png", "--reference", "hard.png", "--overwrite"],
        "is the input itself",
    ),
    "output is the reference": (
        ["in.png", "-o", "exists.png", "--reference", "exists.png", "--overwrite"],
        "must be different files",
    ),
    "reference of another size": (["in.png", "--reference", "other_size.png"], "is 16x8 with 3 channel(s)"),
    "reference without colour": (["in.png", "--reference", "grey.png"], "they must match"),
    "missing reference": (["in.png", "--reference", "none.png"], "does not exist"),
    "reference that is no picture": (["in.png", "--reference", "exists.png"], "not a picture in a known format"),
    "reference that links to itself": (["in.png", "--reference", "loop.png"], "symbolic link"),
    "picture and JSON lines on stdout": (["in.png", "-o", "-", "--json"], "cannot both go to stdout"),
}


@pytest.mark.parametrize("case", REFUSED_OPTIONS)
def test_what_cannot_be_done_is_refused_by_name(
    case: str, denoise: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = REFUSED_OPTIONS[case]
    before = contents(folder)
    monkeypatch.chdir(folder)
    run = denoise(*arguments)
    assert words in run.message
    assert run.code == 2
    assert contents(folder) == before
    if "--json" not in arguments:
        assert run.out == b""


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there_is_refused(
    name: str, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    run = command("denoise", folder / "in.png", "--device", name)
    assert f"--device {name}: " in run.message
    assert "use --device cpu or auto" in run.message
    assert run.code == 2
    assert "in_denoised.png" not in names(folder)


@pytest.mark.parametrize("case", bad_paths())
def test_paths_without_a_picture_are_refused(case: str, denoise: Command, tmp_path: Path) -> None:
    make, words = bad_paths()[case]
    source = make(tmp_path)
    before = names(tmp_path)
    run = denoise(source, "-o", tmp_path / "out.png")
    assert words in run.message
    assert run.code == 2
    assert names(tmp_path) == before


@pytest.mark.parametrize("case", bad_pictures())
def test_files_that_are_no_supported_picture_are_refused(case: str, denoise: Command, tmp_path: Path) -> None:
    data, words = bad_pictures()[case]
    (tmp_path / "in.png").write_bytes(data)
    run = denoise(tmp_path / "in.png")
    assert words in run.message
    assert run.code == 2
    assert names(tmp_path) == {"in.png"}


def test_a_file_that_may_not_be_read_is_refused(denoise: Command, folder_of_another: Path) -> None:
    run = denoise(folder_of_another / "unreadable.png", "-o", "out.png")
    assert "may not be read: ask for read permission" in run.message
    assert run.code == 2


def test_a_folder_that_may_not_be_written_is_refused(denoise: Command, folder_of_another: Path) -> None:
    run = denoise(folder_of_another / "in.png")
    assert "its folder may not be written to: choose another folder" in run.message
    assert run.code == 2
    assert names(folder_of_another) == {"in.png", "unreadable.png"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_truncation_is_refused(kind: str, denoise: Command, tmp_path: Path) -> None:
    whole = pillow_file(samples(8, 8, 3, "uint8"), kind)
    for data in prefixes(whole, step=17):
        (tmp_path / "in.png").write_bytes(data)
        run = denoise(tmp_path / "in.png")
        assert run.message.startswith(str(tmp_path / "in.png"))
        assert run.code == 2
        assert names(tmp_path) == {"in.png"}


def small_sound_files() -> dict[str, bytes]:
    """One tiny file of each kind that is mutated."""
    colour = samples(8, 8, 3, "uint8")
    return {
        "PNG": png_of(colour),
        "16-bit PNG": png_of(samples(8, 8, 4, "uint16")),
        "JPEG": pillow_file(colour, "JPEG"),
        "progressive JPEG": pillow_file(colour, "JPEG", progressive=True),
        "TIFF": tiff_of(colour, photometric="rgb", compression="zlib"),
        "16-bit TIFF": tiff_of(samples(8, 8, 3, "uint16"), photometric="rgb"),
        "WebP": pillow_file(colour, "WEBP", lossless=True),
        "lossy WebP": pillow_file(colour, "WEBP"),
    }


@pytest.mark.slow
def test_mutated_files_are_restored_or_refused(
    denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.hostile.sound_files", small_sound_files)
    source, output = tmp_path / "in.png", tmp_path / "out.tif"
    restored = 0
    files = list(mutations())
    assert len(files) == 300
    for name, data in files:
        source.write_bytes(data)
        run = denoise(source, "-o", output, "--sigma", "25", "--steps", "1", "-q")
        assert run.code in (0, 2), name
        if run.code == 2:
            assert run.message
            assert names(tmp_path) == {"in.png"}
        else:
            assert run.err == b""
            assert names(tmp_path) == {"in.png", "out.tif"}
            output.unlink()
            restored += 1
    assert 30 < restored < 270


def test_bombs_are_refused_soon_and_in_little_memory(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", RESTORE_BOMBS, tmp_path],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    results = json.loads(run.stdout.splitlines()[-1])
    assert results.keys() == bombs().keys()
    accepted = {name for name, (code, _, _) in results.items() if code == 0}
    assert accepted <= METADATA_BOMBS
    assert all(code in (0, 2) for code, _, _ in results.values())
    assert max(seconds for _, seconds, _ in results.values()) < 5
    assert max(mebibytes for _, _, mebibytes in results.values()) < 1024
    assert len(run.stderr.splitlines()) == len(results) - len(accepted)
    assert names(tmp_path) == {"bomb.png"} | ({"out.png"} if accepted else set())


def test_standard_input_is_judged_like_a_file(tmp_path: Path) -> None:
    for data, words in ((b"", "standard input is empty"), (b"text", "standard input is not a picture")):
        run = in_process_of_its_own("denoise", "-", "-o", tmp_path / "out.png", data=data)
        assert words in run.message
        assert run.code == 2
    assert names(tmp_path) == set()


def test_an_endless_standard_input_is_refused(tmp_path: Path) -> None:
    with open("/dev/zero", "rb") as zeros:
        run = subprocess.run(
            [sys.executable, "-m", "pipcli", "denoise", "-"],
            stdin=zeros,
            env=ENVIRONMENT,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert run.returncode == 2
    assert b"standard input is not a picture" in run.stderr
    assert run.stdout == b""


@pytest.fixture
def full_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that has no space left."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        (folder / "filler").write_bytes(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_folder_is_refused_before_the_work(denoise: Command, tmp_path: Path, full_folder: Path) -> None:
    source = picture(tmp_path / "in.png")
    for arguments in (["-o", full_folder / "out.png"], ["--sheet", full_folder / "sheet.png"]):
        run = denoise(source, *arguments)
        assert "no space left in its folder" in run.message
        assert run.code == 2
    assert names(full_folder) == {"filler"}


def test_a_folder_that_fills_up_during_the_work_is_refused_too(
    denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = picture(tmp_path / "in.png")
    monkeypatch.setattr(publishing.os, "fsync", full)
    run = denoise(source, "-q")
    assert "no space left in its folder" in run.message
    assert run.code == 2
    assert names(tmp_path) == {"in.png"}


def test_an_output_that_appears_during_the_work_is_not_replaced(
    denoise: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "in_denoised.png"
    monkeypatch.setattr(noise_asked, "detect", lambda _: output.write_bytes(b"somebody's") and NoiseName.GAUSSIAN)
    run = denoise(picture(tmp_path / "in.png"), "-q")
    assert "exists already" in run.message
    assert run.code == 2
    assert output.read_bytes() == b"somebody's"
    assert names(tmp_path) == {"in.png", "in_denoised.png"}


def test_a_refusal_does_not_wait_for_torch(tmp_path: Path) -> None:
    picture(tmp_path / "in.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "in.png").read_bytes()[:99])
    script = (
        "import sys\n"
        "from pipcli.cli.app import run\n"
        "for line in ('missing.png', 'cut.png', 'in.png --sigma -5', 'in.png -o in.png', 'in.png --seed x'):\n"
        "    assert run(['denoise', *line.split()]) == 2, line\n"
        "assert run(['denoise', '--help']) == run(['--version']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stderr.splitlines()) == 5
    assert names(tmp_path) == {"in.png", "cut.png"}


def test_a_flat_picture_and_one_of_single_pixels_are_no_bad_input(denoise: Command, tmp_path: Path) -> None:
    for name, array in (
        ("flat", np.full((16, 16, 3), 200)),
        ("dot", np.full((1, 1, 3), 7)),
        ("black", np.zeros((9, 2, 3))),
    ):
        (tmp_path / f"{name}.png").write_bytes(png_of(array.astype(np.uint8)))
        assert denoise(tmp_path / f"{name}.png").code == 0
        assert opened(tmp_path / f"{name}_denoised.png").size == array.shape[1::-1]
