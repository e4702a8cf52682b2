"""What we wrote, read by imageio, which shares no code of ours: the samples, the depth and the size are the same."""

import io
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from pipcli.cli.app import run
from pipcli.media import encode_photo
from support.builders import photo
from support.clip_making import clip

# imageio reads 16-bit PNG in colour as 8 bit, so that those are left to TIFF here (docs/decisions.md).
WRITTEN = [
    *[("PNG", "uint8", channels, alpha) for channels in (1, 3) for alpha in (False, True)],
    ("PNG", "uint16", 1, False),
    *[("TIFF", dtype, channels, False) for dtype in ("uint8", "uint16", "float32") for channels in (1, 3)],
    ("BMP", "uint8", 3, False),
    ("PNM", "uint8", 3, False),
    ("WebP", "uint8", 3, True),
]
EXTENSIONS = {"PNG": ".png", "TIFF": ".tif", "BMP": ".bmp", "PNM": ".ppm", "WebP": ".webp"}


@pytest.mark.parametrize(("file_format", "dtype", "channels", "alpha"), WRITTEN)
def test_a_photo_has_the_samples_that_were_written(file_format: str, dtype: str, channels: int, alpha: bool) -> None:
    before = photo(7, 9, channels, dtype, alpha=alpha)
    data = encode_photo(before.pixels(), before, file_format)
    read = np.asarray(imageio.imread(io.BytesIO(data), extension=EXTENSIONS[file_format]))
    expected = before.samples if before.alpha is None else np.dstack([before.samples, before.alpha])
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read.reshape(expected.shape), expected)


def test_a_clip_has_the_frames_that_were_written(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", frames=4)
    assert run(["degrade", "noise", str(source), "--sigma", "10", "-o", str(tmp_path / "out.mkv"), "-q"]) == 0
    before, after = (imageio.imread(tmp_path / name, plugin="pyav").astype(float) for name in ("in.mkv", "out.mkv"))
    assert after.shape == before.shape == (4, 32, 48, 3)
    assert 8 < (after - before).std() < 11  # the noise, less what clipping took
