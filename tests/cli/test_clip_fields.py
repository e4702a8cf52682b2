"""The two fields of an interlaced clip are restored as clips of their own, and woven again."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipcli.noise import Evidence, Gaussian
from pipcli.restoration.fields import FieldsApart, fields_of, woven
from pipcli.restoration.window import KeeperOf, Restored, WindowInput, WindowReport
from support.clip_commands import Command, restored
from support.clip_making import FFMPEG, ffmpeg, read
from support.oracle import output as output_of_ffmpeg

WIDTH = 32
FEW_STEPS = ("--steps", "4", "--window", "3", "--device", "cpu", "--lossless")


def shown(height: int, known: torch.Tensor | None = None) -> WindowInput:
    frames = torch.rand(2, 3, height, 5, generator=torch.Generator().manual_seed(0))
    return WindowInput(frames, known, [0.0, 1.0])


@pytest.mark.parametrize("height", [1, 2, 5, 8])
def test_fields_become_the_frames_again(height: int) -> None:
    window = shown(height)
    fields = fields_of(window)
    assert [field.observation.shape[-2] for field in fields.values()] == (
        [1] if height == 1 else [(height + 1) // 2, height // 2]
    )
    assert torch.equal(woven([field.observation for field in fields.values()]), window.observation)


def test_the_mask_is_parted_too_and_a_field_without_anything_known_is_learned_from_the_other() -> None:
    known = torch.ones(2, 1, 6, 5, dtype=torch.bool)
    known[:, :, 3] = False
    fields = fields_of(shown(6, known))
    assert [bool(field.known.all()) for field in fields.values() if field.known is not None] == [True, False]
    known[:, :, 1::2] = False
    assert list(fields_of(shown(6, known))) == ["whole"]


class Noted:
    """Gives back what it is shown, and remembers it."""

    leaves_warm = True

    def __init__(self) -> None:
        self.shown: list[WindowInput] = []
        self.seconds: list[float | None] = []
        self.kept: list[Any] = []

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        self.shown.append(shown)
        self.seconds.append(seconds)
        self.kept.append(keeper_of("layout"))
        return Restored(
            shown.observation, WindowReport("CLEAN", [1], [2], 0.5, 1.0, 1), {"tile": len(self.shown), "state": {}}
        )


@pytest.mark.parametrize("height", [8, 9])
def test_each_field_is_restored_by_itself_and_the_lines_are_woven_again(height: int) -> None:
    frames, inner, names = torch.rand(3, 2, height, 6), Noted(), []
    frames[:, :, 1::2] /= 4  # a comb
    known = torch.rand(3, 1, height, 6) > 0.5

    def keeper_of(layout: str) -> Any:
        names.append(layout)
        return None

    tiles, states = {"top": 8, "bottom": 4}, {"top": {"weights": 1}, "bottom": {"weights": 2}}
    window = WindowInput(frames, known, [0, 1, 2], {"tile": tiles, "state": states})
    result = FieldsApart(inner, Gaussian.of(Evidence(frames[:1]), 0.1))(window, 10.0, keeper_of)
    assert torch.equal(result.frames, frames)
    for field, shown in enumerate(inner.shown):
        assert torch.equal(shown.observation, frames[:, :, field::2])
        assert shown.known is not None and torch.equal(shown.known, known[:, :, field::2])
    assert [shown.warm for shown in inner.shown] == [
        {"tile": 8, "state": {"weights": 1}},
        {"tile": 4, "state": {"weights": 2}},
    ]
    assert result.warm == {"tile": {"top": 1, "bottom": 2}, "state": {"top": {}, "bottom": {}}}
    assert inner.seconds == [pytest.approx(5, abs=1), pytest.approx(10, abs=1)] and len(set(names)) == 2
    assert result.facts == WindowReport("CLEAN", [1, 1], [2, 2], 1.0, 2.0, 2)


def moments(
    height: int, count: int = 8, *, speed: int = 5, levels: tuple[int, int] = (60, 190), sigma: float = 12
) -> np.ndarray:
    """Return noisy (T, H, W, 3) pictures of a thing on a ground, by so many pixels farther each time."""
    x = np.arange(WIDTH)[None, None, :, None] - speed * np.arange(count)[:, None, None, None] + 4
    clean = np.where((x >= 0) & (x < 10), *levels) + np.zeros((count, height, WIDTH, 3))
    return (clean + np.random.default_rng(0).normal(0, sigma, clean.shape)).round().clip(0, 255).astype(np.uint8)


def written(path: Path, frames: np.ndarray, field: str = "prog") -> Path:
    size = ("-s", f"{frames.shape[2]}x{frames.shape[1]}", "-r", "25")
    into = ("-i", "-", "-vf", f"setfield={field}", "-c:v", "ffv1", "-pix_fmt", "bgr0", path)
    line = [FFMPEG, "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", *size, *into]
    subprocess.run(line, input=np.ascontiguousarray(frames).tobytes(), check=True, timeout=60)
    return path


def interlaced(pictures: np.ndarray) -> np.ndarray:
    frames = pictures[::2].copy()
    frames[:, 1::2] = pictures[1::2, 1::2]
    return frames


def frames_of(command: Command, source: Path, *words: str | Path) -> tuple[np.ndarray, str]:
    output = source.with_name(f"restored_{source.name}")
    run = command("video", source, "-o", output, *FEW_STEPS, *words)
    assert run.code == 0, run.err.decode()
    return np.stack(read(output)), run.err.decode()


@pytest.mark.parametrize(("words", "height"), [((), 25), (("--per-frame",), 24)])
def test_each_field_is_what_it_is_as_a_clip_of_its_own(
    words: tuple[str, ...], height: int, command: Command, tmp_path: Path
) -> None:
    frames = interlaced(moments(height, speed=2))  # a faster one would be a cut, in such small frames
    found, said = frames_of(command, written(tmp_path / "in.mkv", frames, "tff"), "--sigma", "12", *words)
    assert sum("interlaced" in line for line in said.splitlines()) == 1
    assert "its two fields are restored apart" in said
    assert not (found == frames).all()
    for first in (0, 1):
        field, said = frames_of(
            command, written(tmp_path / f"{first}.mkv", frames[:, first::2]), "--sigma", "12", *words
        )
        assert "interlaced" not in said
        np.testing.assert_array_equal(found[:, first::2], field)
    assert field_orders(tmp_path / "restored_in.mkv") == ["top"]


def test_a_moving_edge_is_in_each_field_where_it_was(command: Command, tmp_path: Path) -> None:
    frames = interlaced(moments(24, levels=(110, 150), sigma=25))
    found, _ = frames_of(command, written(tmp_path / "in.mkv", frames, "bff"), "--sigma", "25")
    # Columns that the thing covers in one field only. In frames restored whole both fields are 124 to 133 there.
    for number in range(1, 3):
        leading = slice(10 * number + 6, 10 * number + 11)
        top, bottom = (found[number, first::2, leading].mean() for first in (0, 1))
        assert top > 140 and bottom < 120


def test_a_still_clip_that_is_called_interlaced_is_restored_as_any_other(command: Command, tmp_path: Path) -> None:
    frames = moments(24)[[3] * 2]
    found, _ = frames_of(command, written(tmp_path / "in.mkv", frames, "tff"), "--sigma", "12")
    progressive, _ = frames_of(command, written(tmp_path / "other.mkv", frames), "--sigma", "12")
    np.testing.assert_array_equal(found, progressive)


def test_what_is_not_to_be_filled_stays_as_it_was_in_both_fields(command: Command, tmp_path: Path) -> None:
    frames = interlaced(moments(24, 4))
    mask = np.zeros((24, WIDTH), np.uint8)
    mask[8:12, 14:20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    source = written(tmp_path / "in.mkv", frames, "tff")
    found, said = frames_of(command, source, "--task", "inpaint", "--mask", tmp_path / "mask.png", "--quality", "draft")
    assert "its two fields are restored apart" in said
    np.testing.assert_array_equal(found[:, mask == 0], frames[:, mask == 0])
    assert not np.array_equal(found[:, mask > 0], frames[:, mask > 0])


def test_a_clip_of_one_frame_has_two_fields(command: Command, tmp_path: Path) -> None:
    frames = interlaced(moments(24, 2))
    found, said = frames_of(command, written(tmp_path / "in.mkv", frames, "tff"), "--sigma", "12")
    assert found.shape == frames.shape and "restored apart" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--task", "sr", "--scale", "2", "--quality", "draft"),
        ("--task", "interpolate"),
        ("--task", "dehaze"),
        ("--task", "deblur", "--kernel-size", "3", "--quality", "draft"),
    ],
)
def test_other_tasks_say_once_to_deinterlace_first(words: tuple[str, ...], command: Command, tmp_path: Path) -> None:
    source = written(tmp_path / "in.mkv", interlaced(moments(24, 4)), "tff")
    steps = () if words[1] == "interpolate" else ("--steps", "2")
    run = command("video", source, "-o", tmp_path / "out", "--device", "cpu", *steps, *words)
    assert run.code == 0, run.err.decode()
    said = run.err.decode()
    assert said.count("interlaced") == 1 + said.count("deinterlaced") and said.count("deinterlace it first") == 1


@pytest.mark.parametrize(("turn", "order"), [("180", "bottom"), ("90", None)])
def test_fields_of_a_turned_clip_change_places_or_are_lost(
    turn: str, order: str | None, command: Command, tmp_path: Path
) -> None:
    made = ("-vf", "setfield=tff,format=yuv420p", "-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "tff=1")
    ffmpeg("-f", "lavfi", "-i", "color=0x406080:s=48x32:r=25:d=0.2", *made, tmp_path / "upright.mp4")
    ffmpeg("-display_rotation", turn, "-i", tmp_path / "upright.mp4", "-c", "copy", tmp_path / "in.mp4")
    run = command("video", tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", "--steps", "2", "--device", "cpu")
    assert run.code == 0, run.err.decode()
    assert field_orders(tmp_path / "out.mp4") == ["progressive" if order is None else order]
    assert (b"deinterlace it first" in run.err) == (order is None)


FIELDS = "color=0x406080:s=48x32:r=50:d=0.4"  # without noise, which is quick
ILDCT = ("-flags", "+ildct+ilme")


@pytest.mark.parametrize(
    ("source", "coding", "output"),
    [
        (
            "in.mp4",
            ("-vf", "setfield=tff,format=yuv420p", "-c:v", "libx264", *ILDCT, "-x264-params", "tff=1"),
            "out.mp4",
        ),
        ("in.mkv", ("-vf", "setfield=bff,format=yuv420p", "-c:v", "mpeg2video", *ILDCT), "out.mkv"),
        ("in.mkv", ("-vf", "setfield=tff,format=yuv422p", "-c:v", "mpeg2video", *ILDCT), "out.mp4"),
        ("in.mov", ("-vf", "setfield=bff,format=yuv422p10", "-c:v", "prores_ks", "-flags", "+ildct"), "out.mov"),
        ("in.avi", ("-vf", "setfield=tff,format=yuv420p", "-c:v", "mpeg4", *ILDCT), "out.avi"),
        ("in.mkv", ("-vf", "setfield=bff,format=yuv444p", "-c:v", "ffv1"), "out.mkv"),
    ],
)
def test_the_order_of_fields_is_kept(
    source: str, coding: tuple[str, ...], output: str, command: Command, tmp_path: Path
) -> None:
    ffmpeg("-f", "lavfi", "-i", FIELDS, *coding, tmp_path / source)
    said = restored(command, tmp_path / source, tmp_path / output)
    assert "interlaced" in said
    assert field_orders(tmp_path / output) == field_orders(tmp_path / source) != ["progressive"]


def field_orders(path: Path) -> list[str]:
    """Return which fields come first in a clip's frames, as its decoder marks them."""
    kinds = {"top": "TOPFIRST", "bottom": "BOTTOMFIRST", "progressive": "PROGRESSIVE"}
    found = []
    for name, kind in kinds.items():
        filters = ("-i", path, "-vf", f"select=eq(interlace_type\\,{kind})", "-c:v", "rawvideo", "-f", "framecrc", "-")
        found += [name] if "\n0," in output_of_ffmpeg(*filters) else []
    return found


def test_interlaced_clips_should_be_deinterlaced_first_where_fields_cannot_stay_apart(
    command: Command, tmp_path: Path
) -> None:
    ffmpeg("-f", "lavfi", "-i", FIELDS, "-vf", "setfield=tff", "-c:v", "libx264", *ILDCT, tmp_path / "in.mp4")
    said = restored(command, tmp_path / "in.mp4", tmp_path / "more.mp4", "--task", "interpolate")
    assert "deinterlace it first" in said
    assert field_orders(tmp_path / "more.mp4") == ["progressive"]
    said = restored(command, tmp_path / "in.mp4", tmp_path / "out.webm")
    assert "cannot say that the clip is interlaced" in said and "deinterlace" not in said
