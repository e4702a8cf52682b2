"""`pip-restore video` keeps every stream of a file, its time and what it is for; what a file says is only data.

The clips have no noise, so that their frames are given back as they were, which is quick.
"""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from support.clip_commands import FAST, PICTURE, SECOND, TONE, Command, refused, restored
from support.clip_making import ffmpeg
from support.oracle import chapters, held, shown, with_disposition

CHAPTERS = (
    ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Two\n"
)


def apart(times: list[Fraction]) -> list[Fraction]:
    return [moment - times[0] for moment in times]


def lag(path: Path) -> Fraction:
    """How much later the picture begins than the sound, in seconds."""
    sound = next(stream for stream in held(path) if stream.type == "audio")
    return shown(path)[0] - sound.packets[0][0]


@pytest.mark.parametrize(
    ("coding", "output"),
    [
        (("-c:v", "mpeg4", "-bf", "2", "-vtag", "XVID", "-q:v", "2", "-c:a", "mp3"), "out.avi"),
        (("-c:v", "libx264", "-bf", "2", "-c:a", "pcm_s16le"), "out.avi"),
        (("-c:v", "libx264", "-bf", "3", "-c:a", "mp3"), "out.mkv"),
    ],
)
def test_an_avi_with_b_frames_keeps_its_times(
    coding: tuple[str, ...], output: str, command: Command, tmp_path: Path
) -> None:
    source = tmp_path / "in.avi"
    ffmpeg(*PICTURE, *TONE, *coding, source)
    restored(command, source, tmp_path / output)
    wanted = [Fraction(frame, 25) for frame in range(10)]
    assert apart(shown(source)) == apart(shown(tmp_path / output)) == wanted
    assert lag(tmp_path / output) == lag(source)
    sounds = [[one.packets for one in held(path) if one.type == "audio"] for path in (source, tmp_path / output)]
    assert [[check for _, check in one] for one in sounds[0]] == [[check for _, check in one] for one in sounds[1]]


def test_an_avi_with_packed_b_frames_keeps_its_times(command: Command, tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-c:v", "mpeg4", "-bf", "1", "-vtag", "XVID", "-q:v", "2", tmp_path / "in.avi")
    with av.open(str(tmp_path / "in.avi")) as old, av.open(str(tmp_path / "packed.avi"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        frames = [bytes(packet) for packet in old.demux() if packet.size]
        first, *rest = frames
        at = first.index(b"\0\0\x01\xb6")
        packets = [first[:at] + b"\0\0\x01\xb2DivX503b1393p" + first[at:]]  # the "p" says that frames are packed
        for following, between in zip(rest[:-1:2], rest[1::2], strict=True):
            packets += [following + between, b"\0\0\x01\xb6\x53\x7f"]  # two frames in one packet, an empty one behind
        for place, data in enumerate(packets + rest[len(packets) - 1 :]):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, place, place, Fraction(1, 25)
            new.mux(packet)
    restored(command, tmp_path / "packed.avi", tmp_path / "out.avi")
    assert apart(shown(tmp_path / "out.avi")) == [Fraction(frame, 25) for frame in range(len(frames))]


@pytest.mark.parametrize("late", ["picture", "sound"])
def test_what_starts_late_starts_late_in_an_avi(late: str, command: Command, tmp_path: Path) -> None:
    first, second = (("-itsoffset", "1"), ()) if late == "picture" else ((), ("-itsoffset", "1"))
    ffmpeg(*first, *PICTURE, *second, *TONE, "-map", "0", "-map", "1", *FAST, "-c:a", "mp3", tmp_path / "in.mkv")
    restored(command, tmp_path / "in.mkv", tmp_path / "out.avi")
    assert apart(shown(tmp_path / "out.avi")) == [Fraction(frame, 25) for frame in range(10)]
    assert abs(lag(tmp_path / "out.avi") - lag(tmp_path / "in.mkv")) < Fraction(1, 25)


@pytest.mark.parametrize(("suffix", "defaults"), [("mp4", "11"), ("mkv", "11"), ("mkv", "01"), ("mov", "10")])
def test_of_two_pictures_one_is_restored_and_the_other_copied(
    suffix: str, defaults: str, command: Command, tmp_path: Path
) -> None:
    source, output = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    flags = [
        word for at, one in enumerate(defaults) for word in (f"-disposition:v:{at}", "default" if int(one) else "0")
    ]
    ffmpeg(*PICTURE, *SECOND, "-map", "0", "-map", "1", *FAST, *flags, source)
    said = restored(command, source, output)
    copied = 0 if defaults == "01" else 1
    assert f"stream {1 - copied} of 2 pictures is the one restored; stream {copied} is not" in said
    before, after = held(source), held(output)
    assert len(after) == 2 and shown(output, 1 - copied) == shown(source, 1 - copied)
    assert [check for _, check in after[copied].packets] == [check for _, check in before[copied].packets]
    assert len(with_disposition(output, "default")) == len(with_disposition(source, "default"))


@pytest.mark.parametrize("output", ["out.mkv", "out.mp4", "out.webm", "out.avi"])
def test_covers_and_attachments_stay_what_they_are_or_are_told(output: str, command: Command, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), (200, 30, 30)).save(tmp_path / "front.jpg")
    (tmp_path / "font.ttf").write_bytes(b"a font")
    (tmp_path / "note.txt").write_text("some words")
    attached = []
    for at, (name, kind) in enumerate(
        {"front.jpg": "image/jpeg", "font.ttf": "font/ttf", "note.txt": "text/plain"}.items()
    ):
        attached += ["-attach", tmp_path / name, f"-metadata:s:t:{at}", f"mimetype={kind}"]
        attached += [f"-metadata:s:t:{at}", f"filename={name}"]
    ffmpeg(*PICTURE, *TONE, *FAST, *attached, tmp_path / "in.mkv")
    said = restored(command, tmp_path / "in.mkv", tmp_path / output)
    after = held(tmp_path / output)
    if output == "out.mkv":
        before = held(tmp_path / "in.mkv")
        assert sorted(one.type for one in after) == ["attachment", "attachment", "audio", "video", "video"]
        assert {one.tags["filename"] for one in after[2:]} == {"front.jpg", "font.ttf", "note.txt"}
        covers = [next(one for one in file[2:] if one.type == "video") for file in (before, after)]
        assert [check for _, check in covers[0].packets] == [check for _, check in covers[1].packets]
    else:
        assert said.count("attachment stream") == 2
        assert "a cover, which is left out" in said or output == "out.mp4"
    assert with_disposition(tmp_path / output, "attached_pic") == (
        ["mjpeg"] if output in ("out.mkv", "out.mp4") else []
    )


def test_a_cover_and_chapters_of_an_mp4_are_kept(command: Command, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), (30, 200, 30)).save(tmp_path / "cover.png")
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    ffmpeg(
        *(*PICTURE, "-i", tmp_path / "cover.png", "-i", tmp_path / "chapters.txt", "-map", "0", "-map", "1"),
        *("-map_chapters", "2", *FAST, "-c:v:1", "copy", "-disposition:v:1", "attached_pic", tmp_path / "in.mp4"),
    )
    for output in ("out.mp4", "out.mkv"):
        restored(command, tmp_path / "in.mp4", tmp_path / output)
        assert with_disposition(tmp_path / output, "attached_pic") == ["png"]
        assert chapters(tmp_path / output) == ["One", "Two"]
        assert [one.type for one in held(tmp_path / output) if one.type != "data"] == ["video", "video"]


def remuxed(source: Path, target: Path, times: list[int]) -> None:
    """Write the packets of a clip without B-frames again, with other times in thousandths of a second."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux() if packet.dts is not None]
        for packet, moment in zip(packets, times, strict=True):
            packet.pts = packet.dts = moment
            packet.time_base = Fraction(1, 1000)
            packet.stream = stream
            new.mux(packet)


@pytest.mark.parametrize(
    ("times", "wanted", "without"),
    [
        ([0, 33, 66, 100, 100, 133, 166, 200], [0, 33, 66, 100, 116, 133, 166, 200], 1),
        ([0, 0, 66, 100, 100, 100, 166, 200], [0, 33, 66, 100, 122, 144, 166, 200], 3),
        ([0, 33, 66, 100, 133, 166, 200, 200], [0, 33, 66, 100, 133, 166, 200, 233], 1),
        ([0, 1, 1, 1, 133, 166, 200, 233], [0, 1, 45, 89, 133, 166, 200, 233], 2),
    ],
)
def test_frames_with_one_time_are_shown_one_after_the_other(
    times: list[int], wanted: list[int], without: int, command: Command, tmp_path: Path
) -> None:
    ffmpeg(*PICTURE, "-frames:v", "8", "-c:v", "libvpx", tmp_path / "in.webm")
    remuxed(tmp_path / "in.webm", tmp_path / "equal.webm", times)
    said = restored(command, tmp_path / "equal.webm", tmp_path / "out.webm")
    assert f"{without} of 8 frames have no time of their own" in said
    assert shown(tmp_path / "out.webm") == [Fraction(moment, 1000) for moment in wanted]


def test_frames_that_all_have_one_time_are_refused(command: Command, tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-frames:v", "8", "-c:v", "libvpx", tmp_path / "in.webm")
    remuxed(tmp_path / "in.webm", tmp_path / "equal.webm", [0] * 7 + [40])
    assert "gives 6 of its 8 frames the time of another frame" in refused(command, tmp_path / "equal.webm")


FORGED = (
    "en\n  Stream #0:7: Video: h264, yuv420p\n[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts:      7 fmt:gray\n0, 0, 0,"
)


@pytest.mark.parametrize("text", ["en\nx", FORGED, "\x1b[31m\r\x07", "Stream #0:1: Audio: none"])
def test_what_a_tag_says_hides_no_stream_and_makes_none(text: str, command: Command, tmp_path: Path) -> None:
    tags = ("-metadata", f"title={text}", "-metadata:s:v", f"language={text}", "-metadata:s:a", f"language={text}")
    ffmpeg(*PICTURE, *TONE, *FAST, *tags, tmp_path / "in.mkv")
    said = restored(command, tmp_path / "in.mkv", tmp_path / "out.mkv")
    before, after = held(tmp_path / "in.mkv"), held(tmp_path / "out.mkv")
    assert [one.type for one in after] == ["video", "audio"]
    assert after[1].packets == before[1].packets and after[1].tags["language"] == before[1].tags["language"] == text
    assert shown(tmp_path / "out.mkv") == shown(tmp_path / "in.mkv")
    assert all(line.isprintable() for line in said.splitlines())


def test_tags_in_other_encodings_are_kept_as_bytes(command: Command, tmp_path: Path) -> None:
    ffmpeg(*PICTURE, *FAST, "-metadata", "title=Name: XXXX", tmp_path / "in.avi")
    data = (tmp_path / "in.avi").read_bytes()
    (tmp_path / "in.avi").write_bytes(data.replace(b"XXXX", b"\xe4\xff\x01\xfc"))
    restored(command, tmp_path / "in.avi", tmp_path / "out.avi")
    assert b"Name: \xe4\xff\x01\xfc" in (tmp_path / "out.avi").read_bytes()


def test_a_few_bytes_that_stand_for_much_work_are_refused_at_once(command: Command, tmp_path: Path) -> None:
    empty = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    head = b"GIF89a" + (9000).to_bytes(2, "little") * 2 + b"\x80\x00\x00" + bytes(6)
    (tmp_path / "many.gif").write_bytes(head + empty * 200 + b";")
    assert "decompression bomb" in refused(command, tmp_path / "many.gif")
    ffmpeg(*PICTURE, "-frames:v", "2", "-c:v", "libvpx", tmp_path / "in.webm")
    remuxed(tmp_path / "in.webm", tmp_path / "gap.mkv", [0, 36_000_000])
    assert "the limit is 500,000" in refused(command, tmp_path / "gap.mkv", "--task", "interpolate", "--fps", "1000")
    files = []
    for size, count in (("48x32", 3), ("3000x3000", 2)):
        ffmpeg("-f", "lavfi", "-i", f"color=s={size}:r=25", "-frames:v", str(count), "-c:v", "png", tmp_path / "a.mkv")
        ffmpeg("-i", tmp_path / "a.mkv", "-c", "copy", "-f", "image2pipe", tmp_path / "pictures")
        files.append((tmp_path / "pictures").read_bytes())
    (tmp_path / "both").write_bytes(b"".join(files))
    ffmpeg("-f", "image2pipe", "-c:v", "png", "-i", tmp_path / "both", "-c", "copy", tmp_path / "change.mkv")
    assert "changes the size" in refused(command, tmp_path / "change.mkv")
