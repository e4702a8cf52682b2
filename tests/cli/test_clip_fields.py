"""The two fields of interlaced clips are restored apart, and woven again."""

from pathlib import Path
from typing import Any

import pytest
import torch
from clip_commands import Command, restored
from clip_making import ffmpeg
from oracle import output as output_of_ffmpeg
from running import lines_of

from pipcli.cli.clip_fields import FieldsApart
from pipcli.cli.clip_restoring import Facts, KeeperOf, Restored, Shown


class Noted:
    """Gives back what it is shown, and remembers it."""

    leaves_warm = True

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.seconds: list[float | None] = []
        self.kept: list[Any] = []

    def __call__(self, shown: Shown, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        self.shown.append(shown)
        self.seconds.append(seconds)
        self.kept.append(keeper_of("layout"))
        return Restored(shown.observation, Facts("CLEAN", [1], [2], 0.5, 1.0, 1), f"warm {len(self.shown)}")


@pytest.mark.parametrize("height", [8, 9])
def test_each_field_is_restored_by_itself_and_the_lines_are_woven_again(height: int) -> None:
    frames, inner, names = torch.rand(3, 2, height, 6), Noted(), []
    known = torch.rand(3, 1, height, 6) > 0.5

    def keeper_of(layout: str) -> Any:
        names.append(layout)
        return None

    result = FieldsApart(inner)(Shown(frames, known, [0, 1, 2], ["top", "bottom"]), 10.0, keeper_of)
    assert torch.equal(result.frames, frames)
    for field, shown in enumerate(inner.shown):
        assert torch.equal(shown.observation, frames[:, :, field::2])
        assert shown.known is not None and torch.equal(shown.known, known[:, :, field::2])
    assert [shown.warm for shown in inner.shown] == ["top", "bottom"]
    assert result.warm == ["warm 1", "warm 2"]
    assert inner.seconds == [5.0, 5.0] and len(set(names)) == 2
    assert result.facts == Facts("CLEAN", [1, 1], [2, 2], 1.0, 2.0, 2)


@pytest.mark.parametrize(
    "task",
    [(), pytest.param(("--task", "inpaint", "--mask", "MASK"), marks=pytest.mark.slow)],
    ids=["denoise", "inpaint"],
)
def test_an_interlaced_clip_is_fitted_field_by_field(task: tuple[str, ...], command: Command, tmp_path: Path) -> None:
    counts = {}
    ffmpeg("-f", "lavfi", "-i", "color=black:s=48x32,drawbox=8:8:8:8:white:fill", "-frames:v", "1", tmp_path / "m.png")
    words = [str(tmp_path / "m.png") if word == "MASK" else word for word in task]
    for order in ("prog", "tff"):
        made = f"testsrc2=s=48x32:r=10,noise=alls=30:allf=t:all_seed=1,format=gbrp,setfield={order}"
        source = tmp_path / f"{order}.mkv"
        ffmpeg("-f", "lavfi", "-i", made, "-frames:v", "3", "-c:v", "ffv1", source)
        run = command("video", source, *words, "--device", "cpu", "--steps", "3", "--quality", "draft", "--json")
        assert run.code == 0, run.err.decode()
        counts[order] = len(next(line for line in lines_of(run) if line["type"] == "result")["steps_done"])
    assert counts["tff"] == 2 * counts["prog"]


FIELDS = "testsrc2=s=48x32:r=50:d=0.4"
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
    said = restored(command, tmp_path / "in.mp4", tmp_path / "out.webm")
    assert "cannot say that the clip is interlaced" in said and "deinterlace" not in said
