"""`compare` of clips: numbers, streams from any container, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.media.clips import ClipWriter, EncodingOptions, check_writing, open_clip
from support.running import Run, lines_of

Command = Callable[..., Run]


def frames(seed: int = 0, *, noise: float = 0.0) -> list[NDArray[np.uint8]]:
    """Return six frames of a pan over random blocks, 8 bit."""
    large = np.kron(np.random.default_rng(seed).integers(40, 215, (12, 16, 3)), np.ones((5, 5, 1)))
    draws = np.random.default_rng(seed + 1)
    views = [large[number : number + 40, 2 * number : 2 * number + 56] for number in range(6)]
    return [np.clip(view + draws.normal(0, noise, view.shape), 0, 255).round().astype(np.uint8) for view in views]


def folder(path: Path, pictures: list[NDArray[np.uint8]]) -> Path:
    """Write a folder of numbered pictures and return it."""
    path.mkdir()
    for number, samples in enumerate(pictures):
        Image.fromarray(samples).save(path / f"{number:03}.png")
    return path


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder with `clean`, `far` and `near` as folders of pictures, and `far.mkv`."""
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "clean", frames())
    folder(tmp_path / "near", frames(noise=2))
    far = frames(noise=20)
    folder(tmp_path / "far", far)
    return tmp_path


def as_file(source: Path, output: Path) -> Path:
    """Write the pictures of a folder as a clip without loss."""
    from dataclasses import replace
    from fractions import Fraction

    from pipcli.media.clips import FrameTimes, read_frames

    clip = open_clip(source)
    clip = replace(clip, times=FrameTimes.at_rate(Fraction(25), clip.frame_count))
    options = EncodingOptions(lossless=True)
    plan = check_writing(clip, output, (clip.height, clip.width), clip.times, options, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip):
            writer.write(frame)
        writer.finish()
    return output


@pytest.mark.usefixtures("clips")
def test_clips_are_measured_and_the_nearer_one_gains(command: Command) -> None:
    (line,) = lines_of(command("compare", "far", "near", "-r", "clean", "--json"))
    assert (line["type"], line["frames"], line["width"], line["height"]) == ("clip_comparison", 6, 56, 40)
    far, near = line["clips"]
    assert far["psnr"] == pytest.approx(22.3, abs=0.5)
    assert near["psnr"] == pytest.approx(42, abs=0.5)
    assert far["psnr_worst"] <= far["psnr"] <= far["psnr_best"]
    assert len(far["psnr_frames"]) == 6
    # Of noise that is new in each frame, changes have twice the error.
    assert far["psnr_changes"] == pytest.approx(far["psnr"] - 3, abs=0.3)
    assert far["warping_error"] > near["warping_error"] > 0.5 * line["warping_error"]
    assert line["gain"]["psnr"] == pytest.approx(near["psnr"] - far["psnr"], abs=1e-3)
    assert line["gain"]["ssim_3d"] > 0


@pytest.mark.usefixtures("clips")
def test_the_table_is_aligned_and_tells_the_references_own_warping_error(command: Command) -> None:
    run = command("compare", "far", "clean", "-r", "clean")
    assert (run.code, run.err) == (0, b"")
    heading, far, same, own = run.out.decode().splitlines()
    assert len({len(row) for row in (heading, far, same, own)}) == 1
    assert heading.startswith("against clean, 6 frames")
    assert same.split()[1:] == ["identical", "identical", "identical", "1.0000", "identical", own.split()[-1]]


def test_a_file_is_measured_as_its_pictures_are(command: Command, clips: Path) -> None:
    as_file(clips / "far", clips / "far.mkv")
    (line,) = lines_of(command("compare", "far.mkv", "far", "-r", "clean", "--json"))
    file, pictures = line["clips"]
    assert file | {"file": "far"} == pictures


@pytest.mark.usefixtures("clips")
def test_a_border_is_left_out(command: Command) -> None:
    (line,) = lines_of(command("compare", "far", "clean", "--border", "4", "--json"))
    assert line["border"] == 4
    assert line["gain"] is None
    assert b"border 4" in command("compare", "far", "clean", "--border", "4").out


def test_a_single_frame_has_no_changes(command: Command, clips: Path) -> None:
    folder(clips / "one", frames()[:1])
    (line,) = lines_of(command("compare", "one", "one", "--json"))
    assert line["warping_error"] is None
    assert line["clips"][0]["psnr_changes"] is line["clips"][0]["warping_error"] is None
    assert command("compare", "one", "one").code == 0


REFUSED = {
    "fewer frames": (
        ["short", "clean"],
        "short is 4 frames of 56x40 with 3 channel(s), the reference clean is 6 frames",
    ),
    "another size": (["small", "clean"], "small is 6 frames of 50x40"),
    "a picture": (["clean/000.png", "clean"], "clean/000.png is not a clip of a known kind"),
    "against a picture": (["clean", "clean/000.png"], "clean is a folder"),
    "a text": (["text.mp4", "clean"], "text.mp4 is not a clip"),
    "a drawing": (["far", "clean", "--sheet", "s.png"], "--sheet applies to pictures"),
    "border of all": (["far", "clean", "--border", "20"], "--border 20 leaves nothing of 56x40 pixels"),
    "missing": (["none.mp4", "clean"], "none.mp4 does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused_by_name(case: str, command: Command, clips: Path) -> None:
    folder(clips / "short", frames()[:4])
    folder(clips / "small", [frame[:, :50] for frame in frames()])
    (clips / "text.mp4").write_text("text")
    arguments, words = REFUSED[case]
    run = command("compare", *arguments)
    assert words in run.message
    assert (run.code, run.out) == (2, b"")
