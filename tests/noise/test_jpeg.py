"""The intervals of JPEG's coefficients."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipcli.errors import UnusableInputError
from pipcli.jpeg_tables import BlockCoding, Plane
from pipcli.media import decode_photo
from pipcli.noise import Evidence
from pipcli.noise.jpeg import Jpeg, foi_std, project, quality_of, steps_of
from support.noise_pictures import photo


def coded(clean: Tensor, quality: int, subsampling: str = "4:4:4", orientation: int = 1) -> Evidence:
    """Return a picture as a JPEG of a quality, read from its file."""
    samples = (255 * clean[0].permute(1, 2, 0)).round().byte().numpy().squeeze()
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(samples).save(stream, "JPEG", quality=quality, subsampling=subsampling, exif=exif)
    read = decode_photo(stream.getvalue(), "picture")
    return Evidence(read.pixels(), read.coding)


def middling(channels: int) -> Tensor:
    """Return a photo away from black and white, where nothing is clipped, of an odd size."""
    return 0.25 + 0.5 * photo(72, channels)[:, :, :69, :70]


def changed(first: Tensor, second: Tensor) -> float:
    """Return the largest difference in grey levels."""
    return 255 * float((first - second).abs().max())


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_clean_picture_lies_in_the_intervals(subsampling: str, channels: int, orientation: int) -> None:
    clean = middling(channels)
    evidence = coded(clean, 20, subsampling, orientation)
    turned = clean.transpose(2, 3) if orientation > 4 else clean
    upright = turned.flip({3: (2, 3), 7: (2, 3), 4: (2,), 8: (2,), 2: (3,), 6: (3,)}.get(orientation, ()))
    assert evidence.coding is not None
    assert len(evidence.coding.planes) == channels
    moved = (project(evidence.observation, evidence.coding, upright) - upright).abs()
    # Up to the rounding of pixels; chroma that was smoothed on the way up is not exact.
    assert 255 * float(moved.mean()) < (0.2 if channels == 1 or subsampling == "4:4:4" else 1.5)
    assert 255 * float((upright - evidence.observation).abs().mean()) > 2


def test_projecting_twice_is_projecting_once_and_brings_it_near() -> None:
    evidence = coded(middling(3), 10, "4:2:0")
    assert evidence.coding is not None
    far = torch.full_like(evidence.observation, 0.5)
    once = project(evidence.observation, evidence.coding, far)
    assert changed(once, far) > 20
    assert changed(project(evidence.observation, evidence.coding, once), once) < 0.5
    assert changed(project(evidence.observation, evidence.coding, evidence.observation), evidence.observation) < 0.1


def test_a_picture_without_a_whole_block_is_left_alone() -> None:
    evidence = coded(middling(3)[..., :7, :5], 20)
    assert evidence.coding is not None
    other = torch.full_like(evidence.observation, 0.5)
    assert changed(project(evidence.observation, evidence.coding, other), other) < 0.01


@pytest.mark.parametrize("quality", [5, 10, 20, 50, 75, 95, 100])
def test_the_quality_is_read_from_the_tables(quality: int) -> None:
    evidence = coded(middling(1), quality)
    noise = Jpeg.of(evidence, None)
    assert (noise.level, noise.origin, noise.estimated) == (quality, "from file", False)
    assert evidence.coding == BlockCoding((Plane(steps_of(quality)),))
    assert quality_of(steps_of(quality)) == quality


def test_lower_quality_is_more_noise() -> None:
    assert foi_std(steps_of(10)) > foi_std(steps_of(20)) > foi_std(steps_of(90)) > 0


def test_a_picture_that_was_a_jpeg_needs_the_quality_and_a_jpeg_does_not() -> None:
    observation = torch.from_numpy(np.full((1, 3, 16, 16), 0.5, np.float32))
    with pytest.raises(UnusableInputError, match="give --level"):
        Jpeg.of(Evidence(observation), None)
    assert Jpeg.of(Evidence(observation), 20.0).level == 20
    with pytest.raises(UnusableInputError, match="leave out --level"):
        Jpeg.of(coded(middling(3), 20), 20.0)
