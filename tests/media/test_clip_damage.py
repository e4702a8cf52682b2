"""Files that are no clips, or not whole ones: refused within seconds and on one line, and never a short result."""

import os
import re
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipcli.errors import PipRestoreError, UnusableInputError
from pipcli.media.clips import open_clip, read_frames
from support.clip_makers import PICTURE, TONE, ffmpeg, samples_of

NOISE = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=0.8", *TONE)
SOURCES = {
    "index first": ("mp4", ("-movflags", "+faststart")),
    "index last": ("mp4", ()),
    "fragments": ("mp4", ("-movflags", "frag_keyframe+empty_moov", "-g", "5")),
    "mov": ("mov", ()),
    "mkv": ("mkv", ()),
    "live mkv": ("mkv", ("-live", "1")),
    "webm": ("webm", ("-c:v", "libvpx-vp9", "-c:a", "libopus")),
    "avi": ("avi", ("-c:v", "mpeg4", "-c:a", "pcm_s16le")),
    "gif": ("gif", ("-an",)),
}


def refusal(path: Path) -> str:
    """The one line with which a file is refused, at once."""
    start = time.monotonic()
    with pytest.raises(UnusableInputError) as caught:
        for _ in read_frames(open_clip(path)):
            pass
    assert time.monotonic() - start < 5
    message = str(caught.value)
    assert "\n" not in message and message.isprintable()
    return message


@pytest.mark.parametrize(("suffix", "options"), [s for n, s in SOURCES.items() if "live" not in n and n != "fragments"])
def test_twenty_truncations_are_refused(suffix: str, options: tuple[str, ...], tmp_path: Path) -> None:
    ffmpeg(*NOISE, *options, tmp_path / f"whole.{suffix}")
    data = (tmp_path / f"whole.{suffix}").read_bytes()
    assert open_clip(tmp_path / f"whole.{suffix}").frame_count == 20
    cut = tmp_path / f"cut.{suffix}"
    for length in [*np.linspace(1, len(data) - 1, 17, dtype=int), 16, len(data) - 2, len(data) - 9]:
        cut.write_bytes(data[:length])
        assert f"cut.{suffix}" in refusal(cut)


@pytest.mark.parametrize("name", ["fragments", "live mkv"])
def test_a_clip_without_a_length_is_read_as_far_as_it_goes_or_refused(name: str, tmp_path: Path) -> None:
    suffix, options = SOURCES[name]
    ffmpeg(*NOISE, "-c:v", "libx264", "-bf", "0", *options, tmp_path / f"whole.{suffix}")
    data = (tmp_path / f"whole.{suffix}").read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    for length in np.linspace(1, len(data), 12, dtype=int):
        cut.write_bytes(data[:length])
        try:
            clip = open_clip(cut)
        except UnusableInputError:
            continue
        assert len(samples_of(clip)) == clip.frame_count
        assert clip.frame_count == 20 or suffix == "mkv"


def test_what_is_not_a_clip_is_refused_by_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("This is no clip.\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "page.mkv").write_text("<html></html>")
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    ffmpeg(*TONE, tmp_path / "sound.mp4")
    ffmpeg(*TONE, tmp_path / "sound.mkv")
    ffmpeg(
        *TONE,
        "-i",
        tmp_path / "picture.png",
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
        tmp_path / "cover.mp4",
    )
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    reasons = {
        "text.mp4": "not a clip of a known kind",
        "page.mkv": "not a clip of a known kind",
        "picture.png": "not a clip of a known kind",
        "empty.mp4": "is empty",
        "sound.mp4": "no moving picture",
        "sound.mkv": "no moving picture",
        "cover.mp4": "no moving picture",
        "folder": "holds no pictures",
        "pipe.mp4": "named pipe",
        "loop.mp4": "leads back to itself",
        "missing.mp4": "does not exist",
    }
    for name, reason in reasons.items():
        assert reason in refusal(tmp_path / name)
    assert "a device" in refusal(Path("/dev/zero"))
    assert "not a possible file name" in refusal(Path("a\0b"))


def test_a_clip_without_a_frame_is_refused(tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv", "avi"):
        ffmpeg(*PICTURE, *TONE, "-vf", "select=0", "-c:v", "mpeg4", tmp_path / f"none.{suffix}")
        assert re.search("no frames|no moving picture", refusal(tmp_path / f"none.{suffix}"))


def test_an_unreadable_clip_is_refused(folder_of_another: Path) -> None:
    assert "may not be read" in refusal(folder_of_another / "unreadable.png")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_damaged_bytes_give_a_refusal_or_all_frames_with_a_word(suffix: str, tmp_path: Path) -> None:
    ffmpeg(*NOISE, tmp_path / f"whole.{suffix}")
    data = bytearray((tmp_path / f"whole.{suffix}").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(12):
        spoiled = data.copy()
        for at in rng.integers(0, len(data), 20):
            spoiled[at] ^= int(rng.integers(1, 256))
        (tmp_path / f"spoiled.{suffix}").write_bytes(spoiled)
        try:
            clip = open_clip(tmp_path / f"spoiled.{suffix}")
            assert len(samples_of(clip)) == clip.frame_count
        except PipRestoreError as error:
            assert "\n" not in str(error)


def test_a_clip_that_shrinks_under_our_hands_is_refused(tmp_path: Path) -> None:
    ffmpeg(*NOISE, tmp_path / "in.mkv")
    clip = open_clip(tmp_path / "in.mkv")
    data = (tmp_path / "in.mkv").read_bytes()
    (tmp_path / "in.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(UnusableInputError, match="of its 20 frames and no more"):
        list(read_frames(clip))


def test_a_size_that_changes_on_the_way_is_refused(tmp_path: Path) -> None:
    for name, size in (("a", "64x48"), ("b", "48x64")):
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=0.2", "-c:v", "mjpeg", tmp_path / f"{name}.mjpeg")
    joined = (tmp_path / "a.mjpeg").read_bytes() + (tmp_path / "b.mjpeg").read_bytes()
    (tmp_path / "both.mjpeg").write_bytes(joined)
    ffmpeg("-f", "mjpeg", "-i", tmp_path / "both.mjpeg", "-c", "copy", tmp_path / "both.mkv")
    assert "changes the size" in refusal(tmp_path / "both.mkv")


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\n",
        "v=0\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n",
        "file:///etc/hostname\n",
        "http://127.0.0.1:{port}/a.mp4\n",
    ],
)
def test_a_playlist_named_as_a_clip_reaches_nothing(text: str, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        for name in ("list.mp4", "list.m3u8", "list.mkv"):
            (tmp_path / name).write_text(text.format(port=listener.getsockname()[1]))
            refusal(tmp_path / name)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_strange_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg(*PICTURE, "-frames:v", "2", "-c:v", "libx264", tmp_path / "plain.mp4")
    data = (tmp_path / "plain.mp4").read_bytes()
    names = ["-y.mp4", "a b%03d.mp4", "$(touch x);'\".mp4", "new\nline.mp4", "http:||a.mp4", "pipe:0.mp4", "ü€.mp4"]
    for name in [*names, os.fsdecode(b"bytes\xff.mp4")]:
        (tmp_path / name).write_bytes(data)
        assert len(samples_of(open_clip(tmp_path / name))) == 2
    assert not (tmp_path / "x").exists()
    monkeypatch.chdir(tmp_path)
    assert len(samples_of(open_clip(Path("-y.mp4")))) == 2


def test_a_title_that_looks_like_ffmpegs_own_words_is_only_a_title(tmp_path: Path) -> None:
    title = "x\n  Stream #0:7: Video: h264, yuv420p\n"
    title += "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/2, frame_rate: 1/2"
    ffmpeg(
        *PICTURE,
        "-c:v",
        "libx264",
        "-metadata",
        f"title={title}",
        "-metadata:s:0",
        f"handler_name={title}",
        tmp_path / "in.mp4",
    )
    clip = open_clip(tmp_path / "in.mp4")
    assert (clip.frame_count, clip.rate, clip.index, clip.streams) == (10, 25, 0, ())
    assert dict(clip.metadata)["title"] == title


def test_frames_are_read_from_and_up_to_any(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-c:v", "libx264", "-g", "4", tmp_path / "in.mp4")
    clip = open_clip(tmp_path / "in.mp4")
    whole = samples_of(clip)
    for start, stop in ((0, 0), (0, 3), (5, 9), (9, 10), (10, 10), (3, None)):
        part = list(read_frames(clip, start, stop))
        assert len(part) == (10 if stop is None else stop) - start
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[start:stop], strict=True))
    for start, stop in ((-1, 2), (0, 11), (5, 4)):
        with pytest.raises(ValueError, match="are not in a clip of 10"):
            read_frames(clip, start, stop)


def test_an_iterator_that_is_closed_ends_its_ffmpeg(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=2", "-c:v", "libx264", tmp_path / "in.mp4")
    clip = open_clip(tmp_path / "in.mp4")
    iterator = read_frames(clip)
    next(iterator)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    assert children.read_text().split()
    iterator.close()
    assert not children.read_text().split()
