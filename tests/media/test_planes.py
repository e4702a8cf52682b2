"""Layouts of planes: their names in NUT as ffmpeg has them, and RGB as luma and chroma by the standards' arithmetic."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from pipcli.media.clips import ffmpeg
from pipcli.media.clips.clip import Colour
from pipcli.media.clips.nut import code_of, has_code
from pipcli.media.clips.planes import Planar, from_full, offsets, planar, planes_of, sites_within, to_full

PLANAR = sorted(
    {planar(layout, alpha=False) for layout in ffmpeg.pixel_formats().values() if layout.depth <= 16}
    | {planar(one, alpha=True) for one in ffmpeg.pixel_formats().values() if one.name.startswith(("yuva4", "gbrap1"))}
)


@pytest.mark.parametrize("layout", [one for one in PLANAR if has_code(one)], ids=lambda one: one.name)
def test_nut_names_a_layout_as_ffmpeg_does(layout: Planar) -> None:
    frame = b"\0" * sum(rows * columns for rows, columns in layout.shapes(16, 16)) * np.dtype(layout.dtype).itemsize
    line = ["-f", "rawvideo", "-pixel_format", layout.name, "-video_size", "16x16", "-i", "-", "-c:v", "rawvideo"]
    line = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *line, "-f", "nut", "-"]
    written = subprocess.run(line, input=frame, capture_output=True, check=True).stdout
    assert code_of(layout) in written


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc", "smpte240m", "fcc", "ycgco"])
@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("spread", ["tv", "pc"])
def test_luma_and_chroma_are_those_of_zimg(matrix: str, depth: int, spread: str) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    for subsampling in ("444", "420", "422"):
        layout = Planar("yuv", subsampling, depth)
        ours = planes_of(samples, layout, Colour(spread, matrix, siting="topleft"))
        same = "primariesin=709:primaries=709:transferin=709:transfer=709:filter=bicubic:chromal=topleft"
        full = {"tv": "limited", "pc": "full"}[spread]
        filters = f"format=gbrp16le,zscale=matrixin=gbr:rangein=full:matrix={matrix}:range={full}:{same}"
        line = ["-f", "rawvideo", "-pixel_format", "rgb48le", "-video_size", "32x24", "-i", "-", "-vf"]
        line += [f"{filters},format={layout.name}", "-f", "rawvideo", "-"]
        line = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *line]
        theirs = subprocess.run(line, input=samples.tobytes(), capture_output=True, check=True).stdout
        parts = np.split(np.frombuffer(theirs, layout.dtype).astype(int), np.cumsum([one.size for one in ours])[:-1])
        for mine, other in zip(ours, parts, strict=True):
            assert np.abs(mine.ravel() - other).max() <= (1 if depth < 16 else 8)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("limited", [True, False])
def test_levels_come_back_from_the_full_range(depth: int, limited: bool) -> None:
    black, white = (16 << depth - 8, 235 << depth - 8) if limited else (0, 2**depth - 1)
    levels = np.arange(black, white + 1, dtype=np.uint16)
    assert (from_full(to_full(levels, depth, limited=limited), depth, limited=limited) == levels).all()


@pytest.mark.parametrize("subsampling", ["420", "422", "411", "410", "440"])
@pytest.mark.parametrize("siting", ["left", "center", "topleft", "bottom"])
@pytest.mark.parametrize("size", [(24, 32), (21, 29), (1, 1), (2, 2)])
def test_only_chroma_near_a_changed_pixel_changes(subsampling: str, siting: str, size: tuple[int, int]) -> None:
    layout, colour = Planar("yuv", subsampling, 8), Colour("tv", "bt709", siting=siting)
    draws = np.random.default_rng(0)
    before = draws.integers(0, 65536, (*size, 3)).astype(np.uint16)
    for _ in range(5):
        after, changed = before.copy(), np.zeros(size, bool)
        place = tuple(draws.integers(0, size))
        after[place], changed[place] = 65535 - after[place], True
        sites = sites_within(changed, layout.steps)
        for old, new in zip(planes_of(before, layout, colour)[1:], planes_of(after, layout, colour)[1:], strict=True):
            assert sites.shape == old.shape and not (old != new)[~sites].any()


def test_where_chroma_is() -> None:
    assert offsets(None, (2, 2)) == offsets("left", (2, 2)) == (0, 0.5)
    assert offsets("center", (2, 2)) == (0.5, 0.5) and offsets("bottomleft", (2, 2)) == (0, 1)
    assert offsets("topleft", (2, 1)) == offsets("left", (2, 1)) and offsets("top", (2, 1)) == offsets("center", (2, 1))


@pytest.mark.parametrize(
    ("name", "subsampling"),
    [("p410le", "444"), ("nv24", "444"), ("nv20le", "422"), ("p010le", "420"), ("y210le", "422"), ("uyyvyy411", "411")],
)
def test_the_chroma_of_packed_layouts_is_told(name: str, subsampling: str) -> None:
    assert ffmpeg.pixel_formats()[name].subsampling == subsampling
