"""`compare` measures what it says, as a table or a JSON line, and draws what was asked for."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from support.builders import png_of, samples
from support.clip_makers import PICTURE, ffmpeg
from support.running import Run, in_process_of_its_own, lines_of, names, opened, picture

Command = Callable[..., Run]


@pytest.fixture
def compare(command: Command) -> Command:
    """Run `pip-restore compare`."""
    return lambda *arguments: command("compare", *arguments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a clean picture and two that differ from it by two grey levels and by twenty."""
    clean = samples(30, 41, 3, "uint8") // 2 + 60
    for name, levels in (("clean", 0), ("near", 2), ("far", 20)):
        (tmp_path / f"{name}.png").write_bytes(png_of((clean + levels).astype(np.uint8)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decibels(levels: float) -> float:
    """The PSNR of a constant error."""
    return 20 * float(np.log10(255 / levels))


def psnr(first: NDArray[Any], second: NDArray[Any]) -> float:
    return -10 * float(np.log10(np.square(first - second).mean()))


@pytest.mark.usefixtures("folder")
def test_of_two_pictures_the_second_is_the_reference(compare: Command) -> None:
    (line,) = lines_of(compare("far.png", "clean.png", "--json"))
    assert (line["type"], line["reference"], line["gain"]) == ("comparison", "clean.png", None)
    (measured,) = line["pictures"]
    assert measured["file"] == "far.png"
    assert measured["identical"] is False
    assert measured["psnr"] == pytest.approx(decibels(20), abs=1e-3)
    assert measured["psnr_y"] == pytest.approx(decibels(20 * 219 / 255), abs=1e-3)
    assert 0 < measured["ssim"] < 1


@pytest.mark.usefixtures("folder")
def test_against_a_reference_there_is_a_row_a_picture_and_what_the_second_gained(compare: Command) -> None:
    (line,) = lines_of(compare("far.png", "near.png", "--reference", "clean.png", "--json"))
    far, near = line["pictures"]
    assert near["psnr"] - far["psnr"] == pytest.approx(20, abs=1e-3)
    for measure in ("psnr", "psnr_y", "ssim"):
        assert line["gain"][measure] == pytest.approx(near[measure] - far[measure], abs=1e-3)


@pytest.mark.usefixtures("folder")
def test_the_table_is_aligned(compare: Command) -> None:
    run = compare("far.png", "near.png", "-r", "clean.png")
    assert (run.code, run.err) == (0, b"")
    heading, far, near, difference = run.out.decode().splitlines()
    assert len({len(row) for row in (heading, far, near, difference)}) == 1
    assert heading.split() == ["against", "clean.png", "PSNR", "dB", "PSNR-Y", "dB", "SSIM"]
    assert far.split()[:2] == ["far.png", f"{decibels(20):.2f}"]
    assert near.split()[:2] == ["near.png", f"{decibels(2):.2f}"]
    assert difference.split()[:3] == ["difference", "+20.00", "+20.00"]
    assert compare("far.png", "near.png", "far.png", "-r", "clean.png").out.count(b"\n") == 4
    assert b"border 4" in compare("far.png", "clean.png", "--border", "4").out


@pytest.mark.usefixtures("folder")
def test_equal_pictures_are_identical_in_words_and_null_in_json(compare: Command) -> None:
    assert compare("clean.png", "clean.png").out.split(b"\n")[1].split() == [
        b"clean.png",
        b"identical",
        b"identical",
        b"1.0000",
    ]
    (line,) = lines_of(compare("clean.png", "far.png", "clean.png", "-r", "clean.png", "--json"))
    first, second, _ = line["pictures"]
    assert (first["identical"], first["psnr"], first["psnr_y"], first["ssim"]) == (True, None, None, 1)
    assert second["identical"] is False
    (line,) = lines_of(compare("clean.png", "clean.png", "-r", "clean.png", "--json"))
    assert line["gain"] == {"psnr": None, "psnr_y": None, "ssim": 0}
    assert b"difference" in compare("clean.png", "clean.png", "-r", "clean.png").out


def test_measures_are_those_of_other_tools(compare: Command, tmp_path: Path) -> None:
    measures = pytest.importorskip("skimage.metrics", reason="needs scikit-image: pip install '.[benchmarks]'")
    for name, seed in (("a.png", 0), ("b.png", 1)):
        (tmp_path / name).write_bytes(png_of(samples(33, 29, 3, "uint8", seed=seed)))
    first, second = (np.asarray(opened(tmp_path / name)) / 255 for name in ("a.png", "b.png"))
    (line,) = lines_of(compare(tmp_path / "a.png", tmp_path / "b.png", "--border", "3", "--json"))
    first, second = first[3:-3, 3:-3], second[3:-3, 3:-3]
    (measured,) = line["pictures"]
    ratio = measures.peak_signal_noise_ratio(second, first, data_range=1)
    similarity = measures.structural_similarity(
        first, second, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert measured["psnr"] == pytest.approx(ratio, abs=1e-4)
    assert measured["ssim"] == pytest.approx(similarity, abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_depths_can_be_mixed_and_alpha_is_left_aside(channels: int, compare: Command, tmp_path: Path) -> None:
    array = samples(15, 20, channels, "uint8")
    deep = array.astype(np.uint16) * 257
    (tmp_path / "eight.png").write_bytes(png_of(array))
    (tmp_path / "sixteen.png").write_bytes(png_of(np.dstack([deep, np.zeros((15, 20, 1), np.uint16)])))
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "float.tif", (array / 255).astype(np.float32).squeeze(), photometric=photometric)
    files = [tmp_path / name for name in ("eight.png", "sixteen.png", "float.tif")]
    (line,) = lines_of(compare(*files, "-r", tmp_path / "eight.png", "--json"))
    assert [measured["bit_depth"] for measured in line["pictures"]] == [8, 16, 32]
    assert [measured["identical"] for measured in line["pictures"]] == [True, True, False]
    assert line["pictures"][2]["psnr"] > 140


@pytest.mark.parametrize("size", [(1, 1), (10, 30)])
def test_a_picture_smaller_than_the_window_has_no_ssim(size: tuple[int, int], compare: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", *size)
    (line,) = lines_of(compare(source, source, "--json"))
    assert line["pictures"][0]["ssim"] is None
    assert compare(source, source).out.split()[-1] == b"-"
    assert compare(source, source, "-r", source).out.split()[-1] == b"-"


def test_the_border_is_left_out(compare: Command, folder: Path) -> None:
    spoilt = np.asarray(opened(folder / "clean.png")).copy()
    spoilt[:4] = spoilt[:, -4:] = 0
    (folder / "spoilt.png").write_bytes(png_of(spoilt))
    for border, identical in (("0", False), ("3", False), ("4", True)):
        (line,) = lines_of(compare("spoilt.png", "clean.png", "--border", border, "--json"))
        assert line["pictures"][0]["identical"] is identical
        assert line["border"] == int(border)


def test_drawings_are_written(compare: Command, folder: Path) -> None:
    arguments = ("--difference", "d.png", "--gain", "2", "--sheet", "s.png", "--wipe", "w.png", "--json")
    (line,) = lines_of(compare("far.png", "clean.png", *arguments))
    assert line["files"] == {"difference": "d.png", "sheet": "s.png", "wipe": "w.png"}
    assert (np.asarray(opened(folder / "d.png")) == 128 + 2 * 20).all()
    wipe, far, clean = (np.asarray(opened(folder / name)) for name in ("w.png", "far.png", "clean.png"))
    assert np.array_equal(wipe[:, :20], far[:, :20])
    assert np.array_equal(wipe[:, 21:], clean[:, 21:])
    assert opened(folder / "s.png").width > 2 * 41


def test_differences_of_several_pictures_are_side_by_side(compare: Command, folder: Path) -> None:
    assert compare("far.png", "near.png", "-r", "clean.png", "--difference", "d.png", "--wipe", "w.png").code == 0
    sheet = np.asarray(opened(folder / "d.png"))
    assert sheet[-20, 20].tolist() == [148] * 3
    assert sheet[-20, -20].tolist() == [130] * 3
    assert np.array_equal(np.asarray(opened(folder / "w.png"))[:, 21:], np.asarray(opened(folder / "near.png"))[:, 21:])


def test_standard_input_is_a_picture(folder: Path) -> None:
    data = (folder / "far.png").read_bytes()
    run = in_process_of_its_own("compare", "-", "clean.png", "--json", data=data, cwd=folder)
    assert lines_of(run)[0]["pictures"][0]["file"] == "-"
    run = in_process_of_its_own("compare", "-", "-", cwd=folder)
    assert run.code == 2
    assert "only one picture can come from stdin" in run.message


def test_any_name_is_printed_whatever_stdout_can_take(folder: Path) -> None:
    (folder / "clean.png").rename(folder / "ein kl\u00f6tzchen\n.png")
    script = (
        "import io, sys\n"
        "sys.stdout.reconfigure(encoding='ascii')\n"
        "from pipcli.cli.app import run\n"
        "sys.exit(run(['compare', 'far.png', 'ein kl\\u00f6tzchen\\n.png']))\n"
    )
    run = in_process_of_its_own(script=script, cwd=folder)
    assert run.code == 0, run.err
    assert run.out.count(b"\n") == 2


REFUSED = {
    "one picture": (["clean.png"], "without --reference two pictures are compared, and there are 1"),
    "three pictures": (["clean.png", "far.png", "near.png"], "there are 3: say which is the reference"),
    "no picture": ([], "PICTURE"),
    "missing file": (["none.png", "clean.png"], "none.png does not exist"),
    "missing reference": (["clean.png", "-r", "none.png"], "none.png does not exist"),
    "another size": (
        ["other.png", "clean.png"],
        "other.png is 16x8 with 3 channel(s), the reference clean.png is 41x30 with 3 channel(s): they must match",
    ),
    "without colour": (["grey.png", "clean.png"], "grey.png is 41x30 with 1 channel(s)"),
    "no picture inside": (["text.png", "clean.png"], "text.png is not a picture"),
    "border of all": (["far.png", "clean.png", "--border", "15"], "--border 15 leaves nothing of 41x30 pixels"),
    "negative border": (["far.png", "clean.png", "--border", "-1"], "--border"),
    "no gain": (["far.png", "clean.png", "--difference", "d.png", "--gain", "0"], "--gain is a factor, from 0.01"),
    "gain is not a number": (["far.png", "clean.png", "--gain", "nan"], "not nan"),
    "sheet that is no PNG": (["far.png", "clean.png", "--sheet", "s.jpg"], "give --sheet a name that ends in .png"),
    "over the first": (["far.png", "clean.png", "--wipe", "far.png", "--overwrite"], "far.png is the input itself"),
    "over the reference": (["far.png", "clean.png", "--sheet", "hard.png", "--overwrite"], "is the input itself"),
    "over another file": (["far.png", "clean.png", "--difference", "near.png"], "exists already: add --overwrite"),
    "two into one": (["far.png", "clean.png", "--wipe", "x.png", "--sheet", "x.png"], "must be different files"),
    "missing folder": (["far.png", "clean.png", "--wipe", "none/x.png"], "its folder does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("json", [[], ["--json"]])
def test_what_cannot_be_done_is_refused_by_name(case: str, json: list[str], compare: Command, folder: Path) -> None:
    picture(folder / "other.png", 8, 16)
    picture(folder / "grey.png", 30, 41, channels=1)
    (folder / "text.png").write_bytes(b"text")
    os.link(folder / "clean.png", folder / "hard.png")
    arguments, words = REFUSED[case]
    before = names(folder)
    run = compare(*arguments, *json)
    assert words in run.message
    assert run.code == 2
    assert names(folder) == before
    if json:
        assert lines_of(run)[-1]["message"] == run.message
    else:
        assert run.out == b""


def test_the_help_has_examples_that_run(compare: Command, folder: Path) -> None:
    for name in ("restored", "noisy", "ours", "theirs", "bicubic"):
        (folder / f"{name}.png").write_bytes((folder / "near.png").read_bytes())
    examples = compare("--help").out.decode().split("Examples:")[1].split("\n\n")[0].strip().splitlines()
    assert len(examples) == 4
    for name in ("restored", "clean"):
        ffmpeg(*PICTURE, folder / f"{name}.mp4")
    for line in examples:
        assert compare(*line.split()[2:]).code == 0, line


def test_the_degraded_picture_is_as_far_away_as_it_should_be(command: Command, folder: Path) -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    Image.fromarray(grey).save(folder / "grey.png")
    assert command("degrade", "noise", "grey.png", "--sigma", "10").code == 0
    (line,) = lines_of(command("compare", "grey_noisy.png", "grey.png", "--json"))
    assert line["pictures"][0]["psnr"] == pytest.approx(decibels(10), abs=0.2)
    noisy = np.asarray(Image.open(io.BytesIO((folder / "grey_noisy.png").read_bytes())))
    assert line["pictures"][0]["psnr"] == pytest.approx(psnr(noisy / 255, grey / 255), abs=1e-3)
