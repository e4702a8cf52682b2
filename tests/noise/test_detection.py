"""The kind of noise is told when it is plain, and is Gaussian else."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipcli.media import decode_photo
from pipcli.noise import Evidence, detect
from pipcli.settings import NoiseName
from support.noise_pictures import noisy, photo, ramp

DENOISE_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "denoise"


def jpeg(picture: Tensor, quality: int) -> Evidence:
    """Return a picture that went through a JPEG file."""
    stream = io.BytesIO()
    samples = (255 * picture[0].permute(1, 2, 0)).round().byte().numpy()
    Image.fromarray(samples).save(stream, "JPEG", quality=quality)
    read = decode_photo(stream.getvalue(), "picture")
    return Evidence(read.pixels(), read.coding)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [0.5, 5, 10, 25, 50])
def test_gaussian_noise_is_gaussian(sigma: float, channels: int) -> None:
    for clean in (photo(channels=channels), ramp(channels=channels)):
        for seed in range(2):
            assert detect(Evidence(noisy(clean, NoiseName.GAUSSIAN, sigma, seed))) is NoiseName.GAUSSIAN


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (NoiseName.POISSON, 30.0),
        (NoiseName.POISSON, 100.0),
        (NoiseName.SPECKLE, 0.2),
        (NoiseName.LAPLACE, 15.0),
        (NoiseName.LAPLACE, 25.0),
        (NoiseName.IMPULSE, 0.1),
        (NoiseName.IMPULSE, 0.3),
    ],
)
def test_every_other_kind_is_told_where_it_is_plain(kind: NoiseName, level: float) -> None:
    assert detect(Evidence(noisy(ramp(), kind, level))) is kind


@pytest.mark.parametrize("clean", [photo(), photo(channels=1), ramp()])
def test_a_clean_picture_shows_no_other_kind(clean: Tensor) -> None:
    assert detect(Evidence((clean * 255).round() / 255)) is NoiseName.GAUSSIAN


def test_a_strongly_compressed_file_is_told_and_a_fine_or_noisy_one_is_not() -> None:
    assert detect(jpeg(photo(), 10)) is NoiseName.JPEG
    assert detect(jpeg(photo(), 90)) is NoiseName.GAUSSIAN
    for picture, level, quality in ((ramp(), 40, 75), (photo(), 25, 75), (photo(), 25, 90)):
        assert detect(jpeg(noisy(picture, NoiseName.GAUSSIAN, level), quality)) is NoiseName.GAUSSIAN


def test_a_small_picture_is_not_judged() -> None:
    assert detect(Evidence(torch.rand(1, 3, 20, 200).round())) is NoiseName.GAUSSIAN


@pytest.mark.skipif(not DENOISE_DATA.is_dir(), reason=f"no released pictures at {DENOISE_DATA}")
@pytest.mark.parametrize("sigma", [10, 25, 50])
@pytest.mark.parametrize("name", ["baboon", "f16", "house", "kodim02", "peppers"])
def test_white_noise_on_released_photos_is_gaussian(name: str, sigma: float) -> None:
    pixels = np.asarray(Image.open(DENOISE_DATA / "gt" / f"{name}.png").convert("RGB"), dtype=np.float64)
    noisy = pixels + np.random.default_rng(0).normal(0, sigma, pixels.shape)
    samples = torch.from_numpy((noisy.round().clip(0, 255) / 255).astype(np.float32))
    assert detect(Evidence(samples.permute(2, 0, 1)[None])) is NoiseName.GAUSSIAN
