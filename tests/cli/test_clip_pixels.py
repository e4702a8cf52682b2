"""The samples of clips through the real command: what is to stay does, in the layout of the file; colours stay put."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.media.clips import ffmpeg as running
from support.clip_making import FFMPEG, ffmpeg
from support.running import Run

Command = Callable[..., Run]
WIDTH, HEIGHT = 32, 24
TEST_PICTURE = ("-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r=25:d=0.08")
FADING = "geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='{top}*X/{width}'"
ALPHA = ("-vf", f"format=rgba,{FADING.format(top=255, width=WIDTH)}")
DEEP_ALPHA = ("-vf", f"format=rgba64le,{FADING.format(top=65535, width=WIDTH)}")


@pytest.fixture
def video(command: Command) -> Command:
    """Run `pip-restore video` for three steps."""

    def run(*arguments: str | Path) -> Run:
        done = command("video", "--device", "cpu", "--steps", "3", *arguments)
        assert done.code == 0, done.err.decode()
        return done

    return run


def raw(path: Path, layout: str, *filters: str, decoder: tuple[str, ...] = ()) -> bytes:
    """The bytes of all frames in a layout."""
    line = [FFMPEG, "-v", "error", *decoder, "-i", path, "-map", "0:v"]
    line += ["-vf", ",".join(filters)] if filters else []
    return subprocess.run([*line, "-f", "rawvideo", "-pix_fmt", layout, "-"], check=True, capture_output=True).stdout


def levels(path: Path, layout: str, *filters: str, decoder: tuple[str, ...] = ()) -> NDArray[np.int64]:
    """All samples of all frames in a layout."""
    dtype = "<u2" if layout.endswith("le") else "u1"
    return np.frombuffer(raw(path, layout, *filters, decoder=decoder), dtype).astype(int)


def summary(path: Path) -> str:
    """What ffmpeg says of the picture."""
    said = subprocess.run([FFMPEG, "-hide_banner", "-i", path], capture_output=True, text=True).stderr
    return next(line for line in said.splitlines() if " Video: " in line)


def hole(source: Path, folder: Path, *box: int, turned: bool = False) -> tuple[str, ...]:
    """The options that fill a box, (left, top, right, bottom), of each frame; no box leaves nothing to fill."""
    width, height = map(int, re.search(r", (\d+)x(\d+)[ ,]", summary(source)).groups())
    mask = np.zeros((width, height) if turned else (height, width), np.uint8)
    if box:
        left, top, right, bottom = box
        mask[top:bottom, left:right] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return ("--task", "inpaint", "--quality", "draft", "--mask", str(folder / "mask.png"))


FORMATS = {
    "4:2:0": ("yuv420p", (), "mkv"),
    "4:2:0 of odd size": ("yuv420p", ("-vf", "crop=31:23:0:0:exact=1"), "mkv"),
    "4:2:0 of two pixels": ("yuv420p", ("-vf", "crop=2:2:10:10"), "mkv"),
    "4:1:1": ("yuv411p", (), "mkv"),
    "4:1:0": ("yuv410p", (), "mkv"),
    "4:4:0": ("yuv440p", (), "mkv"),
    "4:2:2, 10 bits": ("yuv422p10le", (), "mkv"),
    "4:4:4, 16 bits": ("yuv444p16le", (), "mkv"),
    "full range": ("yuv420p", ("-vf", "scale=out_range=pc,format=yuv420p", "-color_range", "pc"), "mkv"),
    "HLG": (
        "yuv420p10le",
        ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67"),
        "mkv",
    ),
    "grey, 10 bits": ("gray10le", (), "mkv"),
    "RGB, 16 bits": ("rgb48le", (), "mkv"),
    "packed 4:2:2": ("yuyv422", ("-c:v", "rawvideo"), "avi"),
    "in other order": ("nv12", ("-c:v", "rawvideo"), "avi"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clip_that_is_given_back_keeps_every_sample(kind: str, video: Command, tmp_path: Path) -> None:
    layout, made, suffix = FORMATS[kind]
    source, output = tmp_path / f"in.{suffix}", tmp_path / "out.mkv"
    ffmpeg(*TEST_PICTURE, "-c:v", "ffv1", "-pix_fmt", layout, *made, source)
    video(source, *hole(source, tmp_path), "-o", output, "--codec", "ffv1")
    assert raw(output, layout) == raw(source, layout)


@pytest.mark.parametrize("size", [(32, 24), (31, 23)], ids=["even", "odd"])
@pytest.mark.parametrize("box", [(12, 8, 17, 12), (28, 20, 31, 23)], ids=["middle", "corner"])
def test_beside_what_is_filled_every_sample_stays(
    size: tuple[int, int], box: tuple[int, int, int, int], video: Command, tmp_path: Path
) -> None:
    width, height = size
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    cut = ("-vf", f"crop={width}:{height}:0:0:exact=1", "-pix_fmt", "yuv420p")
    ffmpeg(*TEST_PICTURE, *cut, "-c:v", "ffv1", source)
    video(source, *hole(source, tmp_path, *box), "-o", output)
    columns, rows = -(-width // 2), -(-height // 2)
    before, after = (levels(path, "yuv420p").reshape(2, -1) for path in (source, output))
    left, top, right, bottom = box
    luma = (before != after)[:, : width * height].reshape(2, height, width)
    assert luma[:, top:bottom, left:right].any()
    luma[:, top:bottom, left:right] = False
    chroma = (before != after)[:, width * height :].reshape(2, 2, rows, columns)
    chroma[:, :, max(0, top // 2 - 2) : bottom // 2 + 3, max(0, left // 2 - 2) : right // 2 + 3] = False
    assert not luma.any() and not chroma.any()


ALPHAS = {
    "ProRes": ("mov", "rgba", 6, (*DEEP_ALPHA, "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")),
    "VP9": ("webm", "rgba", 24, (*ALPHA, "-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")),
    "VP8": ("webm", "rgba", 24, (*ALPHA, "-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "4M")),
    "FFV1": ("mkv", "yuva420p", 0, (*ALPHA, "-c:v", "ffv1", "-pix_fmt", "yuva420p")),
    "FFV1, 10 bits": ("mkv", "yuva444p10le", 0, (*DEEP_ALPHA, "-c:v", "ffv1", "-pix_fmt", "yuva444p10le")),
    "FFV1, RGB of 16 bits": ("mkv", "gbrap16le", 0, (*DEEP_ALPHA, "-c:v", "ffv1", "-pix_fmt", "gbrap16le")),
    "PNG": ("mov", "rgba", 0, (*ALPHA, "-c:v", "png", "-pix_fmt", "rgba")),
    "QuickTime RLE": ("mov", "argb", 0, (*ALPHA, "-c:v", "qtrle", "-pix_fmt", "argb")),
}


@pytest.mark.parametrize("codec", ALPHAS)
def test_colours_under_alpha_are_neither_darkened_nor_is_alpha_lost(codec: str, video: Command, tmp_path: Path) -> None:
    suffix, layout, allowed, made = ALPHAS[codec]
    source, output = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    decoder = ("-c:v", {"VP9": "libvpx-vp9", "VP8": "libvpx"}[codec]) if suffix == "webm" else ()
    ffmpeg(*TEST_PICTURE, *made, source)
    video(source, *hole(source, tmp_path), "-o", output)
    before, after = (levels(path, layout, decoder=decoder) for path in (source, output))
    assert np.unique(before).size > 20
    assert np.abs(before - after).max() <= allowed
    assert np.abs(before - after).mean() <= allowed / 8


def test_the_colours_under_alpha_are_those_that_are_restored(video: Command, tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    one_colour = "color=0xE08040:s=32x24:r=25:d=0.08,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a=128"
    ffmpeg("-f", "lavfi", "-i", one_colour, "-c:v", "ffv1", "-pix_fmt", "yuva420p", source)
    video(source, *hole(source, tmp_path), "-o", tmp_path / "out")
    seen = np.asarray(Image.open(min((tmp_path / "out").iterdir())).convert("RGBA")).astype(int)
    assert np.abs(seen - (0xE0, 0x80, 0x40, 128)).max() <= 2


def test_what_is_transparent_in_a_gif_stays_so(video: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.gif", tmp_path / "out.gif"
    stripes = "geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*lt(mod(X\\,16)\\,9)'"
    palette = f"format=rgba,{stripes},split[a][b];[a]palettegen[p];[b][p]paletteuse"
    ffmpeg(*TEST_PICTURE, "-vf", palette, source)
    video(source, *hole(source, tmp_path), "-o", output)
    before, after = (levels(path, "rgba").reshape(-1, HEIGHT, WIDTH, 4) for path in (source, output))
    opaque = before[..., 3] == 255
    assert 0 < opaque.mean() < 1 and (before[..., 3] == after[..., 3]).all()
    assert np.abs(before - after)[opaque].mean() <= 2


FINER_LINES = "geq=lum=120:cb='98+60*mod(floor(Y/2),2)':cr=128"
FINER_COLUMNS = "geq=lum=120:cb='98+60*mod(floor(X/2),2)':cr=128"


@pytest.mark.parametrize(
    ("layout", "pattern", "written"),
    [
        ("yuv411p", FINER_LINES, "yuv422p"),
        ("yuv440p", FINER_COLUMNS, "yuv444p"),
        ("yuv410p", "geq=lum=120:cb='98+2*X':cr='158-2*X'", "yuv420p"),
        ("yuv422p", FINER_LINES, "yuv422p"),
    ],
)
def test_no_line_of_colour_is_lost(layout: str, pattern: str, written: str, video: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(*TEST_PICTURE, "-vf", f"format=yuv444p,{pattern},format={layout}", "-c:v", "ffv1", source)
    run = video(source, *hole(source, tmp_path), "-o", output)
    assert f"{written}(" in summary(output) and b"holds colour" not in run.err
    before, after = (levels(path, "yuv444p", "scale=flags=neighbor") for path in (source, output))
    assert np.abs(before - after).mean() <= 3


def test_colour_that_an_encoder_cannot_hold_is_said_to_be_lost(video: Command, tmp_path: Path) -> None:
    ffmpeg(*TEST_PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuv422p", tmp_path / "in.mkv")
    ffmpeg(*TEST_PICTURE, "-c:v", "ffv1", "-pix_fmt", "gbrp", tmp_path / "rgb.mkv")
    run = video(tmp_path / "in.mkv", *hole(tmp_path / "in.mkv", tmp_path), "--codec", "mpeg4")
    assert b"yuv420p holds colour with 1/2 of the rows that the clip has\n" in run.err
    run = video(tmp_path / "rgb.mkv", *hole(tmp_path / "rgb.mkv", tmp_path), "-o", tmp_path / "out.mp4")
    assert b"1/2 of the columns and 1/2 of the rows that the clip has: --pix-fmt yuv444p keeps all" in run.err


SLOPE = "geq=lum=128:cb='32+6*X':cr='224-6*X'"


@pytest.mark.parametrize(
    ("siting", "made", "suffix"),
    [
        ("center", ("-pix_fmt", "yuvj422p", "-c:v", "mjpeg", "-q:v", "2"), "avi"),
        ("center", ("-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "2"), "avi"),
        ("topleft", ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "0"), "mp4"),
        ("center", ("-pix_fmt", "yuv420p", "-c:v", "ffv1"), "mkv"),
    ],
)
@pytest.mark.parametrize("to", ["itself", "mpeg4"])
def test_colours_do_not_move_from_pass_to_pass(
    siting: str, made: tuple[str, ...], suffix: str, to: str, video: Command, tmp_path: Path
) -> None:
    spread = ("-color_range", "pc") if "mjpeg" in made else ()
    shaped = f"format=yuv444p,{SLOPE},setparams=chroma_location={siting},zscale=chromal={siting}"
    full = ":rangein=full:range=full" if "mjpeg" in made else ""
    layout = made[1].replace("yuvj", "yuv")
    ffmpeg(*TEST_PICTURE, "-vf", f"{shaped}{full},format={layout}", *spread, *made, tmp_path / f"in.{suffix}")
    latest = tmp_path / f"in.{suffix}"
    for number in range(2):
        output = tmp_path / (f"out{number}.{suffix}" if to == "itself" else f"out{number}.avi")
        video(latest, *hole(latest, tmp_path), "-o", output, *(() if to == "itself" else ("--codec", to)))
        latest = output
    before, after = (blueness(path) for path in (tmp_path / f"in.{suffix}", latest))
    assert abs((before - after).mean()) < 0.75 and np.abs(before - after).max() < 2.5  # half a pixel would be 3


def blueness(path: Path) -> NDArray[np.float64]:
    """The mean over rows of Cb in full resolution, as a player that heeds the place of chroma shows it."""
    wanted = "zscale=matrixin=170m:matrix=170m:range=limited:chromal=left,format=yuv444p,extractplanes=u"
    return levels(path, "gray", wanted).reshape(-1, HEIGHT, WIDTH)[0, :, 6:-6].mean(axis=0)


@pytest.mark.parametrize(("size", "matrix"), [("848x480", "smpte170m"), ("1280x720", "bt709")])
@pytest.mark.parametrize("degrees", [90, 270])
def test_an_untagged_clip_on_its_side_is_read_as_it_is_coded_and_says_so_then(
    size: str, matrix: str, degrees: int, video: Command, tmp_path: Path
) -> None:
    untagged = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown:range=unknown"
    bars = ("-f", "lavfi", "-i", f"smptebars=s={size}:r=25:d=0.04,format=yuv420p,{untagged}")
    flat, source, output = tmp_path / "flat.mp4", tmp_path / "in.mp4", tmp_path / "out.mkv"
    ffmpeg(*bars, "-c:v", "libx264", "-qp", "0", flat)
    ffmpeg("-display_rotation", str(degrees), "-i", flat, "-c", "copy", source)
    run = video(source, *hole(flat, tmp_path, turned=True), "-o", output, "--codec", "ffv1", "-e", "level=3")
    assert {"smpte170m": b"BT.601", "bt709": b"BT.709"}[matrix] in run.err
    assert f"{matrix}/unknown/unknown" in summary(output)
    seen = levels(output, "rgb24", f"zscale=matrixin={matrix}:rangein=limited:matrix=gbr:range=full,format=gbrp")
    turn = {90: "transpose=cclock", 270: "transpose=clock"}[degrees]
    wanted = levels(flat, "rgb24", f"zscale=matrixin={matrix}:rangein=limited:matrix=gbr:range=full,format=gbrp,{turn}")
    assert np.abs(seen - wanted).mean() < 1


def test_an_ffmpeg_that_cannot_convert_colours_is_named_at_once(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ffmpeg(*TEST_PICTURE, "-c:v", "ffv1", tmp_path / "in.mkv")
    other = tmp_path / "ffmpeg"
    without = 'case "$*" in *filter=zscale*) echo "Unknown filter \'zscale\'."; exit;; esac'
    other.write_text(f'#!/bin/sh\n{without}\nexec {FFMPEG} "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(other))
    running.program.cache_clear()
    try:
        run = command("video", tmp_path / "in.mkv")
    finally:
        running.program.cache_clear()
    assert run.code == 2 and run.message.startswith(f"{other} has no filter zscale")
