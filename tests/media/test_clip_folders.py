"""Folders of numbered pictures as clips: their order, their depth, and all that each picture carries."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media import encode, encode_rgb8, format_for, read_photo
from pipcli.media.clips import ClipWriter, EncodingOptions, FrameTimes, check_writing, open_clip
from support.builders import photo, samples, tiff_of, with_metadata
from support.clip_makers import PICTURE, ffmpeg, rewritten, samples_of


def folder_of(path: Path, names: list[str], *, height: int = 12, width: int = 16) -> Path:
    path.mkdir()
    for index, name in enumerate(names):
        (path / name).write_bytes(encode_rgb8(np.full((height, width, 3), index, np.uint8)))
    return path


def written(clip, output: Path, *, overwrite: bool = False, times: FrameTimes | None = None) -> None:
    times = times or clip.times
    plan = check_writing(clip, output, (clip.height, clip.width), times, overwrite=overwrite)
    with ClipWriter(plan) as writer:
        for index in range(len(times.ticks)):
            writer.write(samples_of(clip)[index * clip.frame_count // len(times.ticks)])
        writer.finish()


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", [f"shot 2 take{number}.png" for number in (8, 9, 10, 11)])
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden5.png").write_bytes(b"not looked at")
    clip = open_clip(folder)
    assert [int(frame[0, 0, 0]) // 257 for frame in samples_of(clip)] == [0, 1, 2, 3]
    assert (clip.kind, clip.width, clip.height, clip.channels, clip.bit_depth) == ("folder", 16, 12, 3, 8)
    assert (clip.rate, clip.times.known, clip.times.ticks) == (None, False, (0, 1, 2, 3))


@pytest.mark.parametrize("chosen", ["png", "tif", "webp", "ppm", "bmp"])
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_each_picture_keeps_its_name_depth_alpha_and_metadata(depth: str, chosen: str, tmp_path: Path) -> None:
    if depth == "uint16" and chosen in ("webp", "bmp"):
        pytest.skip("of 8 bits only")
    (tmp_path / "in").mkdir()
    for index in range(3):
        picture = photo(6, 7, 3, depth, alpha=chosen in ("png", "tif", "webp"))
        picture = with_metadata(picture) if chosen in ("png", "tif", "webp") else picture
        (tmp_path / "in" / f"f{index}.{chosen}").write_bytes(encode(picture, format_for(f"a.{chosen}")))
    clip, plan, again = rewritten(tmp_path / "in", tmp_path / "out")
    assert plan.notes == ()
    assert clip.has_alpha == again.has_alpha == (chosen in ("png", "tif", "webp"))
    for index in range(3):
        before, after = (read_photo(tmp_path / name / f"f{index}.{chosen}") for name in ("in", "out"))
        assert np.array_equal(after.samples, before.samples) and after.bit_depth == before.bit_depth
        assert (after.icc_profile, after.exif, after.xmp) == (before.icc_profile, before.exif, before.xmp)
        assert (after.alpha is None and before.alpha is None) or np.array_equal(after.alpha, before.alpha)


def test_pictures_of_other_kinds_are_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    array = samples(6, 7, 1, "uint16")
    for index in range(2):
        (tmp_path / "in" / f"{index}.tif").write_bytes(tiff_of(array[:, :, 0]))
    clip, _, again = rewritten(tmp_path / "in", tmp_path / "out")
    assert (clip.channels, clip.bit_depth, again.channels, again.bit_depth) == (1, 16, 1, 16)
    assert np.array_equal(samples_of(again)[1], array)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["1.png", "2.png", "4.png"], "after 2.png comes 4.png"),
        (["1.png", "01.png"], "have the same number"),
        (["1.png", "cover.png"], "has no number in its name"),
        ([], "holds no pictures"),
    ],
)
def test_a_folder_that_is_not_numbered_without_gaps_is_refused(names: list[str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        open_clip(folder_of(tmp_path / "in", names))


def test_pictures_that_are_not_alike_or_damaged_are_refused_by_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", ["1.png", "2.png", "3.png"])
    whole = (folder / "2.png").read_bytes()
    spoiled = {
        "3.png is 16x13, but 1.png is 16x12": encode_rgb8(np.zeros((13, 16, 3), np.uint8)),
        "3.png is grey, but 1.png is colour": encode(photo(12, 16, 1, "uint8"), "PNG"),
        "3.png is cut off or damaged": whole[:-20],
        "3.png is empty": b"",
    }
    for reason, data in spoiled.items():
        (folder / "3.png").write_bytes(data)
        with pytest.raises(UnusableInputError, match=reason):
            open_clip(folder)


def test_a_folder_is_published_whole_and_replaced_only_by_its_like(tmp_path: Path) -> None:
    clip = open_clip(folder_of(tmp_path / "in", ["1.png", "2.png"]))
    (tmp_path / "empty").mkdir()
    written(clip, tmp_path / "empty")
    written(clip, tmp_path / "out")
    with pytest.raises(OutputRefusedError, match="add --overwrite"):
        written(clip, tmp_path / "out")
    (tmp_path / "out" / "1.png").write_bytes(b"old")
    written(clip, tmp_path / "out", overwrite=True)
    assert read_photo(tmp_path / "out" / "1.png").width == 16
    (tmp_path / "out" / "diary.txt").write_text("dear")
    with pytest.raises(OutputRefusedError, match=r"holds other files \(diary.txt\)"):
        written(clip, tmp_path / "out", overwrite=True)
    with pytest.raises(OutputRefusedError, match="the input itself"):
        written(clip, tmp_path / "in", overwrite=True)
    with pytest.raises(OutputRefusedError, match="folder does not exist"):
        written(clip, tmp_path / "no" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "empty"}


def test_a_clip_becomes_a_folder_and_a_folder_a_clip(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", tmp_path / "in.mkv")
    clip, _, folder = rewritten(tmp_path / "in.mkv", tmp_path / "frames")
    assert (folder.frame_count, folder.bit_depth) == (10, 16)
    assert all(np.array_equal(a, b) for a, b in zip(samples_of(clip), samples_of(folder), strict=True))
    assert [picture.name for picture in folder.pictures][:2] == ["000001.png", "000002.png"]
    with pytest.raises(OutputRefusedError, match="has no rate: add --fps"):
        check_writing(folder, tmp_path / "out.mp4", (48, 64), folder.times, overwrite=False)
    times = FrameTimes.at_rate(Fraction(24000, 1001), 10)
    written(folder, tmp_path / "out.mp4", times=times)
    again = open_clip(tmp_path / "out.mp4")
    assert (again.rate, again.frame_count, again.bit_depth) == (Fraction(24000, 1001), 10, 10)


def test_more_frames_than_pictures_are_numbered_anew(tmp_path: Path) -> None:
    clip = open_clip(folder_of(tmp_path / "in", ["a7.png", "a8.png"]))
    times = FrameTimes((0, 1, 2), Fraction(1, 2), 1, known=False)
    written(clip, tmp_path / "out", times=times)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000001.png", "000002.png", "000003.png"]


def test_the_alpha_of_a_folder_goes_into_a_clip(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(4):
        (tmp_path / "in" / f"{index}.png").write_bytes(encode(photo(48, 64, 3, "uint8", alpha=True), "PNG"))
    clip = open_clip(tmp_path / "in")
    plan = check_writing(
        clip,
        tmp_path / "out.mkv",
        (48, 64),
        FrameTimes.at_rate(Fraction(10), 4),
        EncodingOptions(lossless=True),
        overwrite=False,
    )
    with ClipWriter(plan) as writer:
        for frame in samples_of(clip):
            writer.write(frame)
        writer.finish()
    _, _, back = rewritten(tmp_path / "out.mkv", tmp_path / "back")
    for index, picture in enumerate(back.pictures):
        before, after = read_photo(tmp_path / "in" / f"{index}.png"), read_photo(picture)
        assert np.array_equal(after.samples, before.samples) and np.array_equal(after.alpha, before.alpha)
