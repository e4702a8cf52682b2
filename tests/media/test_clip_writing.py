"""Clips written: what is refused beforehand, what is told, and that a failure leaves everything as it was."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipcli.errors import OutputRefusedError, PipRestoreError
from pipcli.media.clips import Clip, ClipWriter, EncodingOptions, FrameTimes, check_writing, open_clip, read_frames
from support.clip_makers import PICTURE, TONE, ffmpeg, frames, relative, rewritten, samples_of

ALPHA = "format=yuva444p,geq=lum='p(X,Y)':cb='p(X,Y)':cr='p(X,Y)':a='255*lt(X,20+N)'"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Ten frames of 64x48 with sound."""
    path = tmp_path_factory.mktemp("source") / "in.mp4"
    ffmpeg(*PICTURE, *TONE, "-c:v", "libx264", path)
    return open_clip(path)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def planned(clip: Clip, output: Path, **options: object):
    return check_writing(
        clip, output, (clip.height, clip.width), clip.times, EncodingOptions(**options), overwrite=False
    )


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("out.mp4", {"codec": "nonsense"}, "no encoder 'nonsense'"),
        ("out.mp4", {"codec": "aac"}, "no encoder 'aac'"),
        ("out.mp4", {"codec": "-y"}, "no encoder '-y'"),
        ("out.mp4", {"pix_fmt": "nonsense"}, "choose one of yuv420p"),
        ("out.mp4", {"pix_fmt": "gbrp"}, "choose one of yuv420p"),
        ("out.mp4", {"preset": "nonsense"}, "nonsense"),
        ("out.mkv", {"codec": "ffv1", "crf": 3.0}, "ffv1 has no option 'crf'"),
        ("out.webm", {"preset": "slow"}, "libvpx-vp9 has no option 'preset'"),
        ("out.mp4", {"extra": (("nonsense", "1"),)}, "has no option 'nonsense'"),
        ("out.mp4", {"extra": (("map", "0"),)}, "has no option 'map'"),
        ("out.mp4", {"extra": (("profile", "baseline"),), "pix_fmt": "yuv444p"}, "baseline"),
        ("out.mp4", {"extra": (("g", "many"),)}, "libx264 cannot write"),
        ("out.webm", {"codec": "libx264"}, "Only VP8 or VP9 or AV1"),
        ("out.mp4", {"codec": "qtrle"}, "qtrle cannot write"),
        ("out.mkv", {"codec": "libtheora"}, "holds 1 of 3 frames"),
        ("out.avi", {"codec": "rawvideo", "pix_fmt": "gbrp"}, "gbrp in avi comes back in other colours"),
        ("out.mp4", {"codec": "prores", "lossless": True}, "cannot code without loss"),
        ("out.gif", {"lossless": True}, "cannot hold a picture without loss"),
        ("out.xyz", {}, "not .xyz"),
        ("out.mp3", {}, "not .mp3"),
        ("nowhere/out.mp4", {}, "folder does not exist"),
        ("out", {"codec": "libx264"}, "no codec and no options"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(
    name: str, options: dict[str, object], reason: str, clip: Clip, tmp_path: Path
) -> None:
    with pytest.raises(OutputRefusedError) as caught:
        planned(clip, tmp_path / name, **options)
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert names(tmp_path) == set()


def test_the_input_and_what_exists_are_not_written_over(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "old.mp4").write_bytes(b"old")
    with pytest.raises(OutputRefusedError, match="the input itself"):
        planned(clip, clip.path)
    with pytest.raises(OutputRefusedError, match="add --overwrite"):
        planned(clip, tmp_path / "old.mp4")
    assert (tmp_path / "old.mp4").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("mp4", {"codec": "libx264", "crf": 30.0, "preset": "ultrafast", "extra": (("g", "3"),)}),
        ("mp4", {"codec": "hevc", "pix_fmt": "yuv420p10le"}),
        ("mkv", {"codec": "av1", "extra": (("cpu-used", "8"),)}),
        ("mkv", {"codec": "libsvtav1", "preset": "12"}),
        ("mov", {"codec": "mjpeg"}),
        ("mov", {"codec": "prores"}),
        ("avi", {"codec": "utvideo"}),
        ("webm", {"crf": 40.0}),
    ],
)
def test_what_is_asked_of_the_encoder_is_done(
    suffix: str, options: dict[str, object], clip: Clip, tmp_path: Path
) -> None:
    _, plan, written = rewritten(clip.path, tmp_path / f"out.{suffix}", EncodingOptions(**options))
    assert options.get("codec", "vp9") in (plan.encoder.name, plan.encoder.codec)
    assert written.frame_count == 10
    assert written.pixel_format == options.get("pix_fmt", written.pixel_format)


@pytest.mark.parametrize(
    ("suffix", "depth"), [("mkv", 8), ("mkv", 10), ("mp4", 8), ("mp4", 10), ("mov", 10), ("avi", 8), ("webm", 10)]
)
def test_without_loss_nothing_but_the_last_bit_changes(suffix: str, depth: int, tmp_path: Path) -> None:
    layout = "gbrp" if depth == 8 else "gbrp10le"
    ffmpeg(*PICTURE, "-vf", f"format={layout}", "-c:v", "ffv1", tmp_path / "in.mkv")
    clip, plan, written = rewritten(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", EncodingOptions(lossless=True))
    before, after = np.stack(samples_of(clip)).astype(int), np.stack(samples_of(written))
    as_rgb = plan.layout.is_rgb
    assert np.abs(after - before).max() <= (0 if as_rgb and plan.layout.depth != 16 else 32 if as_rgb else 257)
    assert written.bit_depth >= depth


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("webm", "webm"),
        ("mov", "mov"),
        ("mkv", "mkv"),
        ("mkv", "gif"),
        ("gif", "gif"),
        ("mkv", "webm"),
        ("gif", "mkv"),
        ("webm", "folder"),
    ],
)
def test_alpha_is_carried_frame_by_frame(source: str, output: str, tmp_path: Path) -> None:
    coding = {
        "webm": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", "4", "-b:v", "0"),
        "mov": ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"),
        "mkv": ("-c:v", "ffv1", "-pix_fmt", "yuva444p"),
    }
    if source == "gif":
        ffmpeg(*PICTURE, "-vf", f"{ALPHA},format=rgba", "-c:v", "ffv1", tmp_path / "first.mkv")
        rewritten(tmp_path / "first.mkv", tmp_path / "in.gif")
    else:
        ffmpeg(*PICTURE, "-vf", ALPHA, *coding[source], tmp_path / f"in.{source}")
    target = tmp_path / ("out" if output == "folder" else f"out.{output}")
    clip, _, written = rewritten(tmp_path / f"in.{source}", target)
    assert clip.has_alpha and written.has_alpha and clip.frame_count == written.frame_count == 10
    from pipcli.media.clips.alpha import alphas

    planes = [list(alphas(one, one.times, one.height, one.width)) for one in (clip, written)]
    for index, (before, after) in enumerate(zip(*planes, strict=True)):
        expected = np.broadcast_to(np.arange(64) < 20 + index, (48, 64))
        assert ((before > 32768) == expected).mean() > 0.97
        assert ((after > 32768) == (before > 32768)).mean() > 0.97


def test_alpha_that_a_container_cannot_hold_is_refused_and_opaque_alpha_is_none(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-vf", ALPHA, "-c:v", "ffv1", tmp_path / "in.mkv")
    ffmpeg(*PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuva444p", tmp_path / "opaque.mkv")
    with pytest.raises(OutputRefusedError, match="cannot hold the alpha of this clip: choose"):
        planned(open_clip(tmp_path / "in.mkv"), tmp_path / "out.mp4")
    clip, _, written = rewritten(tmp_path / "opaque.mkv", tmp_path / "out.mp4")
    assert not clip.has_alpha and not written.has_alpha
    for layout, coding, suffix in (("pal8", "png", "mov"), ("ya8", "ffv1", "mkv"), ("rgba64be", "png", "mov")):
        path = tmp_path / f"{layout}.{suffix}"
        ffmpeg(*PICTURE, "-frames:v", "1", "-c:v", coding, "-pix_fmt", layout, path)
        assert not open_clip(path).has_alpha


def test_enlarged_and_with_frames_in_between(clip: Clip, tmp_path: Path) -> None:
    base = clip.times.base / 2
    ticks = tuple(tick * 2 + part for tick in clip.times.ticks for part in (0, clip.times.last))
    times = FrameTimes(ticks, base, clip.times.last, Fraction(50))
    plan = check_writing(clip, tmp_path / "out.mp4", (192, 256), times, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip):
            for _ in range(2):
                writer.write(np.repeat(np.repeat(frame, 4, axis=0), 4, axis=1))
        writer.finish()
    written = open_clip(tmp_path / "out.mp4")
    assert (written.width, written.height, written.frame_count, written.rate) == (256, 192, 20, 50)
    assert written.times.duration == clip.times.duration
    assert [stream.type for stream in written.streams] == ["audio"]


def test_times_that_a_container_cannot_count_are_refused(clip: Clip, tmp_path: Path) -> None:
    uneven = FrameTimes((0, 1001, 1500), Fraction(1, 30000), 700)
    close = FrameTimes((0, 1, 2), Fraction(1, 90000), 1)
    for name, times in (("a.avi", uneven), ("b.mkv", close), ("c.gif", close)):
        with pytest.raises(OutputRefusedError, match=r"constant frame rate|frames as short"):
            check_writing(clip, tmp_path / name, (48, 64), times, overwrite=False)
    plan = check_writing(clip, tmp_path / "a.mp4", (48, 64), uneven, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip, 0, 3):
            writer.write(frame)
        writer.finish()
    assert relative([at for at, _ in frames(tmp_path / "a.mp4")]) == [0, Fraction(1001, 30000), Fraction(1500, 30000)]
    assert open_clip(tmp_path / "a.mp4").times.last == 700


def test_times_below_zero_are_kept(clip: Clip, tmp_path: Path) -> None:
    times = FrameTimes(tuple(range(-3, 7)), Fraction(1, 25), 1, Fraction(25))
    plan = check_writing(clip, tmp_path / "a.mp4", (48, 64), times, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip):
            writer.write(frame)
        writer.finish()
    written = open_clip(tmp_path / "a.mp4")
    assert (written.frame_count, written.times.ticks[0], len(written.streams)) == (10, 0, 1)


def test_unfinished_work_leaves_nothing(clip: Clip, tmp_path: Path) -> None:
    for name in ("out.mp4", "out"):
        plan = planned(clip, tmp_path / name)
        frame = next(read_frames(clip))
        with ClipWriter(plan) as writer:
            writer.write(frame)
            with pytest.raises(ValueError, match="only 1 of 10"):
                writer.finish()
        with pytest.raises(KeyboardInterrupt), ClipWriter(plan) as writer:
            writer.write(frame)
            raise KeyboardInterrupt
        with ClipWriter(plan) as writer, pytest.raises(ValueError, match="expected uint16"):
            writer.write(frame[:-1])
        assert names(tmp_path) == set()


@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_what_is_unfinished_can_be_kept_elsewhere(name: str, clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with ClipWriter(planned(clip, tmp_path / name), workplace=tmp_path / "work") as writer:
        for frame in read_frames(clip):
            writer.write(frame)
            assert names(tmp_path) == {"work"}
        assert len(names(tmp_path / "work")) == 1 or name == "out.mp4"  # ffmpeg opens it when it has something to write
        writer.finish()
    assert names(tmp_path) == {"work", name} and not names(tmp_path / "work")
    assert open_clip(tmp_path / name).frame_count == 10


def test_an_encoder_that_dies_is_a_failure_and_leaves_nothing(clip: Clip, tmp_path: Path) -> None:
    plan = planned(clip, tmp_path / "out.mp4")
    with pytest.raises(PipRestoreError, match=r"cannot write .*out\.mp4") as caught, ClipWriter(plan) as writer:
        for index, frame in enumerate(read_frames(clip)):
            writer.write(frame)
            if index == 3:
                time.sleep(0.2)
                for child in _children():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL) if _is_writing(child) else None
        writer.finish()
    assert caught.value.exit_code == 1
    assert names(tmp_path) == set()


def _children() -> Iterator[int]:
    yield from map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def _is_writing(process: int) -> bool:
    return b"pipe:0" in Path(f"/proc/{process}/cmdline").read_bytes()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from pipcli.errors import PipRestoreError
from pipcli.media.clips import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
clip = open_clip(Path(sys.argv[1]))
plan = check_writing(clip, Path(sys.argv[2]), (48, 64), clip.times, EncodingOptions(lossless=True), overwrite=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    with ClipWriter(plan) as writer:
        for index in range(clip.frame_count):
            writer.write(np.random.default_rng(index).integers(0, 65536, (48, 64, 3), np.uint16))
        writer.finish()
except PipRestoreError as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.parametrize(
    ("name", "limit"), [("out.mp4", 3000), ("out.mkv", 50_000), ("out.avi", 20_000), ("out", 2000)]
)
def test_a_full_disk_is_told_and_leaves_nothing(name: str, limit: int, clip: Clip, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-c", FULL_DISK, clip.path, tmp_path / name, str(limit)]
    run = subprocess.run(line, env=environment, check=False, capture_output=True, text=True)
    assert run.returncode == 7, run.stderr
    assert "cannot write" in run.stdout and "too large" in run.stdout
    assert run.stdout.count("\n") == 1
    assert names(tmp_path) == set()


def test_ctrl_c_at_the_terminal_does_not_end_the_encoder(clip: Clip, tmp_path: Path) -> None:
    plan = planned(clip, tmp_path / "out.mp4")
    with ClipWriter(plan) as writer:
        writer.write(next(read_frames(clip)))
        group = os.getpgid(0)
        assert all(os.getpgid(child) != group for child in _children())


def test_what_is_replaced_keeps_its_permissions_and_links(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "old.mp4").write_bytes(b"old")
    (tmp_path / "old.mp4").chmod(0o640)
    (tmp_path / "link.mp4").symlink_to("old.mp4")
    plan = check_writing(clip, tmp_path / "link.mp4", (48, 64), clip.times, overwrite=True)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip):
            writer.write(frame)
        assert (tmp_path / "old.mp4").read_bytes() == b"old"
        writer.finish()
    assert (tmp_path / "link.mp4").is_symlink()
    assert (tmp_path / "old.mp4").stat().st_mode & 0o777 == 0o640
    assert open_clip(tmp_path / "old.mp4").frame_count == 10


def test_the_same_frames_give_the_same_bytes(clip: Clip, tmp_path: Path) -> None:
    rewritten(clip.path, tmp_path / "a.mp4")
    rewritten(clip.path, tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_strange_output_names_are_only_names(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mp4", "a%03d '$(touch x)\n\".mkv"):
        _, _, written = rewritten(clip.path, Path(name))
        assert written.frame_count == 10
    assert not (tmp_path / "x").exists()


def test_no_report_of_ffmpeg_appears(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FFREPORT", "file=report.log")
    rewritten(clip.path, tmp_path / "out.mp4")
    assert names(tmp_path) == {"out.mp4"}


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=25:d=12",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        tmp_path / "a.mp4",
    )
    clip = open_clip(tmp_path / "a.mp4")
    plan = planned(clip, tmp_path / "b.mp4", preset="ultrafast")
    peaks = []
    with ClipWriter(plan) as writer:
        for index, frame in enumerate(read_frames(clip)):
            writer.write(frame)
            if index in (50, 299):
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        writer.finish()
    assert len(peaks) == 2 and peaks[1] - peaks[0] < 20_000  # kilobytes
