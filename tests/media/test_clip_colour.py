"""Patches of one colour: what a player shows of a written clip, by PyAV's planes and the standards' arithmetic."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.media import encode_rgb8
from pipcli.media.clips import ClipWriter, EncodingOptions, FrameTimes, check_writing, open_clip
from support.clip_makers import ffmpeg, frames, samples_of

WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt470bg": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
}
PATCHES = np.array([(199, 48, 49), (20, 180, 90), (30, 60, 220), (128, 128, 128), (250, 240, 20), (0, 0, 0)], float)
SIZE = 32


def shown(frame, matrix: str, *, full: bool, depth: int) -> NDArray[np.float64]:
    """The colour in the middle of each patch of a frame, as 0..255, from its planes of luma and chroma."""
    planes = []
    for plane in frame.planes[:3]:
        dtype = np.uint8 if depth == 8 else np.dtype("<u2")
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        levels = rows.view(dtype)[:, : plane.width].astype(float)
        patch = plane.width // len(PATCHES)
        planes.append(levels[plane.height // 2, patch // 2 :: patch])
    luma, blue, red = planes
    unit, grey = 2 ** (depth - 8), 2 ** (depth - 1)
    if full:
        luma, blue, red = luma / (2**depth - 1), (blue - grey) / (2**depth - 1), (red - grey) / (2**depth - 1)
    else:
        luma, blue, red = (luma - 16 * unit) / (219 * unit), (blue - grey) / (224 * unit), (red - grey) / (224 * unit)
    of_red, of_blue = WEIGHTS[matrix]
    r, b = luma + 2 * (1 - of_red) * red, luma + 2 * (1 - of_blue) * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    return 255 * np.stack([r, g, b], axis=1)


def patches() -> NDArray[np.uint8]:
    return np.repeat(np.repeat(PATCHES.astype(np.uint8)[None], SIZE, axis=1), SIZE, axis=0)


def tagged_source(folder: Path, matrix: str, *, full: bool, depth: int, suffix: str = "mkv") -> Path:
    """A clip without loss, of one matrix and range."""
    (folder / "patches.png").write_bytes(encode_rgb8(patches()))
    spread = "full" if full else "limited"
    ffmpeg(
        *("-loop", "1", "-i", folder / "patches.png", "-frames:v", "2"),
        *("-vf", f"zscale=matrix={matrix}:range={spread},format=yuv420p{'10le' if depth == 10 else ''}"),
        *("-colorspace", matrix, "-color_range", "pc" if full else "tv", "-c:v", "ffv1", folder / f"in.{suffix}"),
    )
    return folder / f"in.{suffix}"


@pytest.mark.parametrize(
    ("matrix", "full", "depth", "suffix"),
    [
        ("bt709", False, 8, "mp4"),
        ("bt709", True, 8, "mkv"),
        ("bt709", False, 10, "mov"),
        ("bt709", True, 10, "mp4"),
        ("smpte170m", False, 8, "mkv"),
        ("smpte170m", True, 8, "mp4"),
        ("bt470bg", False, 8, "mov"),
        ("bt2020nc", False, 10, "mkv"),
    ],
)
def test_a_patch_is_read_and_written_within_one_level(
    matrix: str, full: bool, depth: int, suffix: str, tmp_path: Path
) -> None:
    clip = open_clip(tagged_source(tmp_path, matrix, full=full, depth=depth))
    assert (clip.colour.matrix, clip.colour.range) == (matrix, "pc" if full else "tv")
    samples = samples_of(clip)[0]
    middles = samples[SIZE // 2, SIZE // 2 :: SIZE] / 257
    assert np.abs(middles - PATCHES).max() <= (1.6 if depth == 8 else 0.5)  # what 8 bits of luma and chroma leave
    output = tmp_path / f"out.{suffix}"
    options = EncodingOptions(codec="libx264", extra=(("qp", "0"),), pix_fmt=clip.pixel_format)
    plan = check_writing(clip, output, samples.shape[:2], clip.times, options, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in samples_of(clip):
            writer.write(frame)
        writer.finish()
    _, frame = frames(output)[0]
    seen = shown(frame, matrix, full=full, depth=depth)
    assert np.abs(seen - middles).max() <= (1 if depth == 8 else 0.3)
    source = frames(tmp_path / "in.mkv")[0][1]
    assert (int(frame.colorspace), int(frame.color_range)) == (int(source.colorspace), int(source.color_range))


@pytest.mark.parametrize(("scale", "tag"), [(1, 2), (24, 5)])
def test_an_untagged_clip_stays_so_unless_players_would_then_guess_wrongly(
    scale: int, tag: int, tmp_path: Path
) -> None:
    (tmp_path / "patches.png").write_bytes(encode_rgb8(patches()))
    ffmpeg(
        *("-loop", "1", "-i", tmp_path / "patches.png", "-frames:v", "1"),
        *("-vf", "zscale=matrix=170m:range=limited,format=yuv420p,setparams=colorspace=unknown:range=unknown"),
        *("-c:v", "ffv1", tmp_path / "in.mkv"),
    )
    clip = open_clip(tmp_path / "in.mkv")
    assert clip.colour.matrix is None and [note for note in clip.notes if "BT.601" in note]
    samples = np.repeat(np.repeat(samples_of(clip)[0], scale, axis=0), scale, axis=1)
    options = EncodingOptions(codec="libx264", extra=(("qp", "0"), ("preset", "ultrafast")))
    plan = check_writing(clip, tmp_path / "out.mkv", samples.shape[:2], clip.times, options, overwrite=False)
    with ClipWriter(plan) as writer:
        writer.write(samples)
        writer.finish()
    _, frame = frames(tmp_path / "out.mkv")[0]
    assert int(frame.colorspace) == (6 if tag == 5 else 2)
    assert np.abs(shown(frame, "smpte170m", full=False, depth=8) - PATCHES).max() <= 1.6


def test_a_player_sees_the_colours_of_a_folder_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").write_bytes(encode_rgb8(patches()))
    clip = open_clip(tmp_path / "in")
    times = FrameTimes.at_rate(Fraction(30), 1)
    options = EncodingOptions(extra=(("qp", "0"),))
    plan = check_writing(clip, tmp_path / "out.mp4", (SIZE, SIZE * len(PATCHES)), times, options, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in samples_of(clip):
            writer.write(frame)
        writer.finish()
    _, frame = frames(tmp_path / "out.mp4")[0]
    assert int(frame.colorspace) == 6
    assert np.abs(shown(frame, "smpte170m", full=False, depth=8) - PATCHES).max() <= 1.6


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16le"])
@pytest.mark.parametrize("spread", ["tv", "pc"])
def test_grey_levels_are_kept_exactly(pixel_format: str, spread: str, tmp_path: Path) -> None:
    ffmpeg(
        *("-f", "lavfi", "-i", "gradients=s=64x48:d=0.04", "-vf", f"format={pixel_format},setparams=range={spread}"),
        *("-c:v", "ffv1", "-color_range", spread, tmp_path / "in.mkv"),
    )
    clip = open_clip(tmp_path / "in.mkv")
    plan = check_writing(clip, tmp_path / "out.mkv", (48, 64), clip.times, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in samples_of(clip):
            writer.write(frame)
        writer.finish()
    before, after = (frames(tmp_path / name)[0][1].to_ndarray() for name in ("in.mkv", "out.mkv"))
    black, white = (16 / 256, 235 / 256) if spread == "tv" else (0, 1)
    depth = clip.bit_depth
    assert clip.channels == 1 and after.dtype == before.dtype
    assert np.abs(after.astype(int) - before.clip(int(black * 2**depth), white * 2**depth)).max() <= 0
