"""Options of the encoder that the user names with -e: none of them may name a file, whatever it is called."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.clip_making import clip, times
from support.running import Run, names

Command = Callable[..., Run]
QUICK = ("--sigma", "20", "--steps", "1", "--quality", "draft", "--device", "cpu", "-q")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return clip(tmp_path / "in.mkv", 2, (32, 16))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("stats=VICTIM", "-e stats is also an option of ffmpeg itself"),
        ("stats=INPUT", "-e stats is also an option of ffmpeg itself"),
        ("passlogfile=VICTIM", "-e passlogfile is also an option of ffmpeg itself"),
        ("x264-params=dump-yuv=VICTIM", "does not take 'dump-yuv'"),
        ("x264-params=crf=20:stats=VICTIM:pass=1", "does not take 'stats'"),
        ("x264-params=dump_yuv=VICTIM", "does not take 'dump-yuv'"),
        ("x264-params=crf=20\\:dump-yuv=VICTIM", "without quotes and backslashes"),
        ("x264-params=pass=1", "does not take 'pass'"),
        ("x264-params=cqmfile=VICTIM", "does not take 'cqmfile'"),
        ("x264-params=zones=0,1,stats=VICTIM", "does not take 'zones'"),
        ("x264opts=qpfile=VICTIM", "does not take 'qpfile'"),
        ("flags=+pass1", "-e flags does not take 'pass1'"),
        ("flags=512", "-e flags does not take '512'"),
        ("pass=2", "has no option 'pass'"),
        ("vstats_file=VICTIM", "has no option 'vstats_file'"),
        ("report=VICTIM", "has no option 'report'"),
        ("filter_complex=movie=VICTIM", "has no option 'filter_complex'"),
        ("/filter_complex=VICTIM", "has no option '/filter_complex'"),
        ("crf:v=3", "has no option 'crf:v'"),
        ("dump_separator=VICTIM", "-e dump_separator takes a text"),
        ("crf=", "-e is KEY=VALUE"),
        ("crf=-i", "cannot write"),
        ("preset=-y", "cannot write"),
    ],
)
def test_an_option_that_may_name_a_file_is_refused(
    option: str, words: str, source: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where ffmpeg and its encoders put files of their own
    victim = tmp_path / "victim.mkv"
    victim.write_bytes(source.read_bytes())
    before = source.read_bytes()
    made = option.replace("VICTIM", str(victim)).replace("INPUT", str(source))
    run = command("video", source, "-o", tmp_path / "out.mp4", *QUICK, "-e", made)
    assert run.code == 2
    assert words in run.message
    assert source.read_bytes() == victim.read_bytes() == before
    assert names(tmp_path) == {"in.mkv", "victim.mkv"}


@pytest.mark.parametrize(
    ("codec", "option"),
    [
        ("libx265", "x265-params=crf=20:csv=VICTIM"),
        ("libx265", "x265-params=qpfile=VICTIM"),
        ("libx265", "x265-stats=VICTIM"),
        ("libsvtav1", "svtav1-params=fgs-table=VICTIM"),
        ("libaom-av1", "aom-params=film-grain-table=VICTIM"),
        ("libaom-av1", "aom-params=vmaf-model-path=VICTIM"),
        ("libkvazaar", "kvazaar-params=roi=VICTIM"),
        ("libvvenc", "vvenc-params=StatsFile=VICTIM"),
        ("librav1e", "rav1e-params=first_pass=VICTIM"),
    ],
)
def test_files_of_other_encoders_are_refused_too(
    codec: str, option: str, source: Path, command: Command, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    run = command(
        "video", source, "-o", tmp_path / "o.mp4", *QUICK, "--codec", codec, "-e", option.replace("VICTIM", str(victim))
    )
    assert run.code == 2
    assert "not take" in run.message or "no encoder" in run.message
    assert victim.read_bytes() == b"mine"
    assert names(tmp_path) == {"in.mkv", "victim"}


def test_no_address_is_asked_for(source: Path, command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.mkv"
        for option in (f"stats={address}", f"x264-params=stats={address}"):
            assert command("video", source, "-o", tmp_path / "o.mp4", *QUICK, "-e", option).code == 2
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "options",
    [
        ("g=3", "tune=film", "x264-params=bframes=2:no-mbtree:me=umh", "flags=+low_delay"),
        ("x264opts=keyint=5", "profile=high", "psy-rd=1.0,0.1", "b=1M"),
        ("qmin=2", "aq-mode=2", "weightb=1", "level=4.1", "threads=1"),
    ],
)
def test_what_encoders_are_ordinarily_told_is_taken(
    options: tuple[str, ...], source: Path, command: Command, tmp_path: Path
) -> None:
    run = command("video", source, "-o", tmp_path / "out.mp4", *QUICK, *(f"--encoder-option={one}" for one in options))
    assert run.code == 0, run.err
    assert len(times(tmp_path / "out.mp4")) == 2
