"""Clips of all kinds, read and written again without restoration: nothing is lost but what coding rounds away."""

import math
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

from pipcli.media.clips import EncodingOptions, open_clip
from support.clip_makers import (
    CHAPTERS,
    ODD_PICTURE,
    PICTURE,
    SUBTITLES,
    TONE,
    ffmpeg,
    frames,
    relative,
    rewritten,
    samples_of,
    seconds,
)
from support.oracle import held


class Case(NamedTuple):
    """How a source is made, into what it is written, and what is expected of it."""

    source: str
    made: tuple[str, ...]
    output: str
    rate: Fraction | None = Fraction(25)
    size: tuple[int, int] = (64, 48)
    depth: int = 8
    kept: int = 0  # streams beside the picture
    notes: tuple[str, ...] = ()


UNEQUAL = ("-vf", "select=not(eq(n\\,3)+eq(n\\,4)+eq(n\\,8))", "-fps_mode", "passthrough", "-enc_time_base", "1/90000")
BOTH = (*PICTURE, *TONE, "-map", "0:v", "-map", "1:a")
FILM = ("-f", "lavfi", "-i", "gradients=s=64x48:r=24000/1001:d=0.4:speed=0.2:seed=1,format=rgb24")
FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
TEN_BITS = ("-c:v", "libx265", "-x265-params", "log-level=error", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
BT709 = ("-vf", "format=yuv420p,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709")
FULL = ("-vf", "scale=out_range=pc,setparams=range=pc", "-color_range", "pc")
PQ = ("-vf", "format=yuv420p10le,setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084")

CASES = {
    "plain": Case("mp4", (*BOTH, *FAST), "mp4", kept=1),
    "unequal times, mp4": Case("mp4", (*PICTURE, *UNEQUAL, *FAST, "-video_track_timescale", "90000"), "mp4", rate=None),
    "unequal times, mkv": Case("mkv", (*PICTURE, *UNEQUAL, *FAST), "mkv", rate=None),
    "unequal times, mkv to mp4": Case("mkv", (*PICTURE, *UNEQUAL, *FAST), "mp4", rate=None),
    "unequal times, mp4 to webm": Case("mp4", (*PICTURE, *UNEQUAL, *FAST), "webm", rate=None, notes=("vp9",)),
    "film rate, mp4": Case("mp4", (*FILM, *FAST), "mp4", rate=Fraction(24000, 1001)),
    "film rate, mkv to mov": Case("mkv", (*FILM, *FAST), "mov", rate=Fraction(24000, 1001)),
    "film rate, avi": Case("avi", (*FILM, "-c:v", "mjpeg"), "avi", rate=Fraction(24000, 1001)),
    "film rate, mp4 to avi": Case("mp4", (*FILM, *FAST), "avi", rate=Fraction(24000, 1001)),
    "10 bits, hdr": Case("mkv", (*PICTURE, *TEN_BITS, *PQ), "mkv", depth=10),
    "10 bits, av1 to webm": Case(
        "mkv", (*PICTURE, "-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p10le"), "webm", depth=10
    ),
    "odd size, vp9": Case("webm", (*ODD_PICTURE, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"), "webm", size=(65, 49)),
    "odd size, ffv1": Case("mkv", (*ODD_PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuv420p"), "mkv", size=(65, 49)),
    "odd size, to mp4": Case(
        "webm",
        (*ODD_PICTURE, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"),
        "mov",
        size=(65, 49),
        notes=("not played", "h264"),
    ),
    "full range": Case("mp4", (*PICTURE, *FULL, *FAST), "mp4"),
    "bt709": Case("mp4", (*PICTURE, *FAST, *BT709), "mp4"),
    "wide pixels": Case("mp4", (*PICTURE, "-vf", "setsar=16/15", *FAST), "mp4"),
    "grey": Case("mkv", (*PICTURE, "-c:v", "ffv1", "-pix_fmt", "gray"), "mkv"),
    "grey to webm": Case("mkv", (*PICTURE, "-c:v", "ffv1", "-pix_fmt", "gray"), "webm", notes=("vp9",)),
    "mpeg4": Case("avi", (*BOTH, "-c:v", "mpeg4", "-c:a", "pcm_s16le"), "avi", kept=1),
    "rgb": Case("mkv", (*PICTURE, "-c:v", "libx264rgb", "-pix_fmt", "rgb24"), "mkv"),
    "one frame": Case("mp4", (*PICTURE, "-frames:v", "1", *FAST), "mp4"),
    "late picture": Case(
        "mkv", (*TONE, "-itsoffset", "0.24", *PICTURE, "-map", "1:v", "-map", "0:a", *FAST), "mkv", kept=1
    ),
    "late picture, mp4": Case(
        "mp4", (*TONE, "-itsoffset", "0.24", *PICTURE, "-map", "1:v", "-map", "0:a", *FAST), "mp4", kept=1
    ),
    "sound first": Case("mp4", (*PICTURE, *TONE, "-map", "1:a", "-map", "0:v", *FAST), "mp4", kept=1),
    "gif": Case("gif", (*PICTURE, "-vf", "fps=10"), "gif", rate=Fraction(10)),
    "gif to mp4": Case("gif", (*PICTURE, "-vf", "fps=10"), "mp4", rate=Fraction(10), notes=("1/2 of the rows", "h264")),
    "gif with unequal times": Case(
        "gif", (*PICTURE, "-vf", "select=not(eq(n\\,3)),setpts=PTS*2", "-fps_mode", "passthrough"), "gif", rate=None
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_frames_times_streams_and_tags_survive(case: Case, tmp_path: Path) -> None:
    source, output = tmp_path / f"source.{case.source}", tmp_path / f"output.{case.output}"
    ffmpeg(*case.made, source)
    clip, plan, written = rewritten(source, output)
    assert (clip.width, clip.height) == (written.width, written.height) == case.size
    assert clip.rate == written.rate == case.rate
    assert written.bit_depth == clip.bit_depth == case.depth
    assert written.channels == (3 if case.output == "webm" else clip.channels)
    assert written.pixel_aspect == clip.pixel_aspect
    assert len(plan.notes) == len(case.notes) and all(map(str.__contains__, plan.notes, case.notes))
    _check_times(clip, source, written, output)
    _check_streams(source, output, case.kept)
    _check_tags(source, output, coded_alike=clip.channels == written.channels)
    before, after = np.stack(samples_of(clip)), np.stack(samples_of(written))
    error = math.sqrt(np.mean((before / 65535 - after / 65535) ** 2))
    assert -20 * math.log10(error + 1e-6) > (20 if clip.kind == "gif" or written.kind == "gif" else 34)


def _check_times(clip, source: Path, written, output: Path) -> None:
    """By PyAV: each frame once, at its time, to the coarser of the two ticks; ours agree with it."""
    before, after = [time for time, _ in frames(source)], [time for time, _ in frames(output)]
    assert seconds(clip) == before
    assert relative(seconds(written)) == relative(after)
    tick = max(clip.times.base, written.times.base) if clip.times.base != written.times.base else 0
    exact = clip.rate is not None and {clip.kind, written.kind} & {"mkv", "webm"}
    allowed = tick if not exact else Fraction(1, 1000)
    assert len(before) == len(after)
    for then, now in zip(relative(before), relative(after), strict=True):
        assert abs(then - now) <= allowed
    if clip.kind not in ("gif", "avi"):
        assert abs(clip.times.duration - written.times.duration) <= Fraction(2, 1000)


def _check_streams(source: Path, output: Path, kept: int) -> None:
    before, after = ([stream for stream in held(path) if stream.type != "data"] for path in (source, output))
    assert [stream.type for stream in after] == [stream.type for stream in before]
    others = [(a, b) for a, b in zip(before, after, strict=True) if a.type != "video"]
    assert len(others) == kept
    for then, now in others:
        assert (now.codec, now.tags.get("language")) == (then.codec, then.tags.get("language"))
        assert [check for _, check in now.packets] == [check for _, check in then.packets]
        picture = [next(s for s in file if s.type == "video").packets[0][0] for file in (before, after)]
        offsets = [stream.packets[0][0] - start for stream, start in zip((then, now), picture, strict=True)]
        assert abs(offsets[0] - offsets[1]) < Fraction(1, 1000)


def _check_tags(source: Path, output: Path, *, coded_alike: bool) -> None:
    def tags(path: Path) -> list[int]:
        frame = frames(path)[0][1]
        return [int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc)]

    unknown = ([2, 0], [2, 1])  # a limited range is the same, said or not
    before, after = tags(source), tags(output)
    if coded_alike and before[:2] not in unknown:
        assert after == before


@pytest.mark.parametrize(
    ("angle", "flip"), [(90, ""), (180, ""), (270, ""), (0, "-display_hflip"), (90, "-display_vflip")]
)
def test_rotated_and_flipped_clips_come_upright_and_stay_so(angle: int, flip: str, tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p", tmp_path / "plain.mp4")
    flips = (flip,) if flip else ()
    ffmpeg("-display_rotation", str(angle), *flips, "-i", tmp_path / "plain.mp4", "-c", "copy", tmp_path / "turned.mp4")
    clip, _, written = rewritten(tmp_path / "turned.mp4", tmp_path / "out.mp4", EncodingOptions(lossless=True))
    plain = samples_of(open_clip(tmp_path / "plain.mp4"))[3]
    turned = np.rot90(plain, angle // 90)
    expected = turned[::-1] if "vflip" in flip else turned[:, ::-1] if flip else turned
    assert (clip.width, clip.height) == (written.width, written.height) == expected.shape[1::-1]
    assert np.abs(samples_of(clip)[3].astype(int) - expected).max() <= 2
    assert np.abs(samples_of(written)[3].astype(int) - samples_of(clip)[3]).max() <= 257
    assert frames(tmp_path / "out.mp4")[0][1].rotation == 0


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_two_sound_tracks_subtitles_chapters_and_tags_are_copied(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "words.srt").write_text(SUBTITLES)
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    source = tmp_path / f"source.{suffix}"
    ffmpeg(
        *(*PICTURE, *TONE, "-f", "lavfi", "-i", "sine=f=300:d=0.5", "-i", tmp_path / "words.srt"),
        *("-i", tmp_path / "chapters.txt", "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map_metadata", "4"),
        *("-map_chapters", "4", "-c:s", "srt" if suffix == "mkv" else "mov_text", "-metadata:s:1", "language=deu"),
        *("-metadata:s:2", "language=fra", "-metadata:s:3", "language=eng", "-metadata:s:0", "language=jpn", source),
    )
    clip, plan, written = rewritten(source, tmp_path / f"output.{suffix}")
    _check_streams(source, tmp_path / f"output.{suffix}", 3)
    assert [stream.language for stream in written.streams] == ["deu", "fra", "eng"]
    assert held(tmp_path / f"output.{suffix}")[0].tags["language"] == "jpn"
    assert [chapter.title for chapter in clip.chapters] == ["One", "Two"]
    assert written.chapters == clip.chapters
    assert dict(written.metadata)["title"] == dict(clip.metadata)["title"] == "A ; strange = title"
    assert plan.notes == ()
    with av.open(str(tmp_path / f"output.{suffix}")) as container:
        assert len(container.chapters()) == 2


def test_what_a_container_cannot_hold_is_told(tmp_path: Path) -> None:
    (tmp_path / "words.srt").write_text(SUBTITLES)
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    (tmp_path / "note.ttf").write_bytes(b"a font")
    ffmpeg(
        *(*PICTURE, *TONE, "-i", tmp_path / "words.srt", "-i", tmp_path / "chapters.txt", "-map", "0", "-map", "1"),
        *("-map", "2", "-map_metadata", "3", "-map_chapters", "3", "-c:v", "libx264", "-c:a", "aac", "-c:s", "srt"),
        *("-attach", tmp_path / "note.ttf", "-metadata:s:3", "mimetype=font/ttf", "-metadata", "MOOD=calm"),
        tmp_path / "source.mkv",
    )
    _, kept, _ = rewritten(tmp_path / "source.mkv", tmp_path / "out.mkv")
    _, mp4, _ = rewritten(tmp_path / "source.mkv", tmp_path / "out.mp4")
    _, avi, _ = rewritten(tmp_path / "source.mkv", tmp_path / "out.avi")
    _, folder, _ = rewritten(tmp_path / "source.mkv", tmp_path / "out")
    assert kept.notes == ()
    assert [stream.type for stream in held(tmp_path / "out.mkv")] == ["video", "audio", "subtitle", "attachment"]
    assert [note for note in mp4.notes if "subtitle stream 2 (subrip)" in note]
    assert [note for note in mp4.notes if "attachment stream 3" in note] and [
        note for note in mp4.notes if "MOOD" in note
    ]
    assert [note for note in avi.notes if "2 chapters" in note]
    assert [note for note in folder.notes if "audio stream 1" in note] and [n for n in folder.notes if "no rate" in n]


def test_a_cover_is_not_the_picture_and_stays_a_cover(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=32x32", "-frames:v", "1", tmp_path / "cover.png")
    ffmpeg(
        *("-i", tmp_path / "cover.png", *PICTURE, *TONE, "-map", "0", "-map", "1", "-map", "2", "-c:v:0", "copy"),
        *("-disposition:v:0", "attached_pic", "-c:v:1", "libx264", tmp_path / "in.mp4"),
    )
    clip, plan, written = rewritten(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert (clip.width, written.width, plan.notes) == (64, 64, ())
    assert [stream.codec for stream in written.streams] == [stream.codec for stream in clip.streams]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [bool(s.disposition & av.stream.Disposition.attached_pic) for s in container.streams.video].count(
            True
        ) == 1


def test_what_is_particular_about_a_clip_is_told(tmp_path: Path) -> None:
    light = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):log-level=error"
    ffmpeg(*PICTURE, "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", light, *PQ, tmp_path / "hdr.mp4")
    ffmpeg(*PICTURE, "-vf", "interlace", "-c:v", "libx264", "-flags", "+ildct", tmp_path / "fields.mp4")
    ffmpeg(*PICTURE, *PICTURE, "-map", "0", "-map", "1", "-c:v", "libx264", tmp_path / "two.mkv")
    hdr, fields = open_clip(tmp_path / "hdr.mp4"), open_clip(tmp_path / "fields.mp4")
    assert [note for note in hdr.notes if "HDR (PQ)" in note] and [n for n in hdr.notes if "Mastering display" in n]
    assert (fields.first_field, hdr.first_field) == ("top", None)
    clip, plan, written = rewritten(tmp_path / "two.mkv", tmp_path / "out.mkv")
    assert clip.notes[0] == "stream 0 of 2 pictures is the one restored; stream 1 is not"
    assert [(stream.type, stream.codec) for stream in written.streams] == [("video", "h264")]
    assert plan.notes == ()


def test_a_time_code_is_kept(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-c:v", "libx264", "-timecode", "01:02:03:04", tmp_path / "in.mov")
    clip, plan, _ = rewritten(tmp_path / "in.mov", tmp_path / "out.mov")
    assert (clip.streams, plan.notes) == ((), ())
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].metadata["timecode"] == "01:02:03:04"


def test_a_gif_keeps_its_loops_and_its_last_delay(tmp_path: Path) -> None:
    for loop, expected in (("-1", None), ("3", 3)):
        source, output = tmp_path / f"in{expected}.gif", tmp_path / f"out{expected}.gif"
        ffmpeg(*PICTURE, "-vf", "fps=10", "-loop", loop, "-final_delay", "70", source)
        clip, _, written = rewritten(source, output)
        assert (clip.loops, written.loops) == (expected, expected)
        assert written.times == clip.times
        assert written.times.last == 70


def test_tags_that_mp4_knows_only_by_name_are_kept_from_one_to_the_next(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-metadata", "mood=calm", "-movflags", "use_metadata_tags", tmp_path / "in.mp4")
    clip, plan, written = rewritten(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert ("mood", "calm") in clip.metadata
    assert ("mood", "calm") in written.metadata
    assert plan.notes == ()
