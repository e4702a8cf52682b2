"""What `pip-restore video` says of clips that it cannot write as asked, or that others may not play; and of cuts."""

from pathlib import Path

import pytest
from PIL import Image

from support.clip_commands import FAST, PICTURE, Command, refused, restored
from support.clip_making import ffmpeg, read
from support.oracle import held


def test_a_cut_between_dark_scenes_is_no_place_for_frames_in_between(command: Command, tmp_path: Path) -> None:
    dark = "format=gbrp,lutrgb=r='4+val*0.12':g='4+val*0.12':b='4+val*0.12'"
    for at, scene in enumerate(("gradients=s=48x32:r=25:d=0.2:seed=1:speed=0.01", "testsrc2=s=48x32:r=25:d=0.2")):
        ffmpeg("-f", "lavfi", "-i", scene, "-vf", dark, "-c:v", "ffv1", tmp_path / f"{at}.mkv")
    joined = ("-filter_complex", "[0][1]concat", "-c:v", "ffv1", tmp_path / "in.mkv")
    ffmpeg("-i", tmp_path / "0.mkv", "-i", tmp_path / "1.mkv", *joined)
    said = restored(command, tmp_path / "in.mkv", tmp_path / "out.mkv", "--task", "interpolate", "--lossless")
    assert "in 2 scenes" in said
    before, after = read(tmp_path / "in.mkv"), read(tmp_path / "out.mkv")
    assert (after[9] == before[4]).all() or (after[9] == before[5]).all()


def test_refusals_and_notes_name_what_helps(command: Command, tmp_path: Path) -> None:
    uneven = ("-vf", "select=not(eq(n\\,3)+eq(n\\,4)+eq(n\\,8))", "-fps_mode", "passthrough", "-enc_time_base", "1/600")
    ffmpeg(*PICTURE, *uneven, "-video_track_timescale", "600", *FAST, "-bf", "0", tmp_path / "in.mp4")
    said = refused(command, tmp_path / "in.mp4", "--codec", "mpeg4", "-o", tmp_path / "out.mp4")
    assert said.startswith("mpeg4 supports a constant frame rate") and "--codec" in said and ".mp4" not in said
    (tmp_path / "in.mp4").rename(tmp_path / "in.3gp")
    run = command("video", tmp_path / "in.3gp", "--device", "cpu")
    assert run.out.decode().strip() == str(tmp_path / "in_denoised.mp4")
    ffmpeg(*PICTURE, *FAST, "-f", "mpegts", tmp_path / "in.ts")
    ffmpeg(*PICTURE, "-c:v", "mpeg2video", "-f", "vob", tmp_path / "in.vob")
    assert "MPEG transport stream, which is not read" in refused(command, tmp_path / "in.ts")
    assert "MPEG program stream, which is not read" in refused(command, tmp_path / "in.vob")


def test_h264_that_few_programs_play_is_told(command: Command, tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (47, 31), (20, 40, 90 + 40 * at)) for at in range(3)]
    pictures[0].save(tmp_path / "in.gif", save_all=True, append_images=pictures[1:], duration=100)
    assert "is not played by QuickTime" in restored(command, tmp_path / "in.gif", tmp_path / "out.mp4")
    said = restored(command, tmp_path / "in.gif", tmp_path / "vp9.mp4", "--codec", "libvpx-vp9")
    assert "is not played" not in said and [one.codec for one in held(tmp_path / "vp9.mp4")] == ["vp9"]


@pytest.mark.parametrize("name", ["shot_{:03}_1080p.png", "2024-{:02}-x.png", "a{:04}b2.png"])
def test_pictures_are_numbered_by_what_tells_them_apart(name: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in (9, 10, 11):
        Image.new("L", (16, 16), 10 * number).save(tmp_path / "in" / name.format(number))
    run = command("video", tmp_path / "in", "-o", tmp_path / "out", "--device", "cpu")
    assert run.code == 0, run.err.decode()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name.format(number) for number in (9, 10, 11)}
