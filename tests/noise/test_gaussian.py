"""The blind noise estimate: accuracy on pictures of known noise, and sanity on degenerate ones."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipcli.noise import Gaussian, clipped_noise_variance, estimate_noise_std, undo_clipping

DENOISE_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "denoise"
PICTURES = ("baboon", "f16", "house", "kodim02", "peppers")


def gradient(channels: int = 3, side: int = 128) -> Tensor:
    """(1, channels, side, side) slanted ramp from 0 to 1, so that both ends are clipped by noise."""
    ramp = torch.linspace(0, 1, side)
    return ((ramp[:, None] + ramp[None, :]) / 2).expand(1, channels, side, side)


def sine_texture(channels: int = 3, side: int = 128) -> Tensor:
    """(1, channels, side, side) waves of period 12 by 9 pixels whose height falls from 0.3 to 0 across the picture."""
    position = torch.arange(side, dtype=torch.float32)
    waves = torch.sin(position[:, None] * 2 * torch.pi / 12) * torch.sin(position[None, :] * 2 * torch.pi / 9)
    return (0.5 + 0.3 * torch.linspace(1, 0, side) * waves).expand(1, channels, side, side)


def add_noise(clean: Tensor, level: float, seed: int = 0, eight_bit: bool = False) -> Tensor:
    """Add noise of `level` in 8-bit units, clip, and round to 8 bits where asked."""
    noise = np.random.default_rng(seed).normal(0, level / 255, tuple(clean.shape))
    noisy = (clean + torch.from_numpy(noise)).clamp(0, 1)
    return ((noisy * 255).round() / 255 if eight_bit else noisy).float()


@pytest.mark.parametrize("level", [2, 10, 25, 50])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("picture", [gradient, sine_texture])
def test_right_within_ten_percent(picture, channels, level):
    estimate = estimate_noise_std(add_noise(picture(channels), level)) * 255
    assert estimate == pytest.approx(level, rel=0.10)


@pytest.mark.parametrize("base", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("level", [10, 50])
def test_clipping_is_undone_on_flat_dark_and_bright_pictures(base, level):
    noisy = add_noise(torch.full((1, 3, 96, 96), base), level)
    assert estimate_noise_std(noisy) * 255 == pytest.approx(level, rel=0.15)


def test_a_saturated_half_does_not_hide_the_noise():
    clean = gradient().clone()
    clean[..., :64] = 3.0
    assert estimate_noise_std(add_noise(clean, 25)) * 255 == pytest.approx(25, rel=0.10)


def test_grows_with_the_noise():
    estimates = [estimate_noise_std(add_noise(sine_texture(), level)) for level in (0, 2, 10, 25, 50)]
    assert estimates == sorted(estimates)


def test_the_same_however_the_picture_lies_and_on_every_call():
    noisy = add_noise(sine_texture(), 25)
    reference = estimate_noise_std(noisy)
    assert estimate_noise_std(noisy) == reference
    for turned in (noisy.flip(2), noisy.flip(3), noisy.transpose(2, 3)):
        assert estimate_noise_std(turned) == pytest.approx(reference, rel=0.04)


def test_grey_stored_as_colour_reads_as_grey():
    grey = add_noise(gradient(1), 25)
    assert estimate_noise_std(grey.expand(1, 3, -1, -1)) == pytest.approx(estimate_noise_std(grey), rel=0.05)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 8), (40, 64)])
def test_a_constant_picture_has_none(size, value):
    assert estimate_noise_std(torch.full((1, 3, *size), value)) == 0.0


@pytest.mark.parametrize("clean", [gradient(), sine_texture()])
def test_a_clean_picture_has_next_to_none(clean):
    assert estimate_noise_std((clean * 255).round() / 255) * 255 < 1.0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 9), (9, 1), (3, 5), (8, 8), (7, 40), (1, 400)])
def test_any_size_gives_a_sane_number(size, channels):
    for level in (1, 25, 200):
        estimate = estimate_noise_std(add_noise(torch.full((1, channels, *size), 0.5), level))
        assert 0.0 <= estimate <= min(1.0, 8 * level / 255)


def test_one_row_is_measured():
    assert estimate_noise_std(add_noise(torch.full((1, 1, 1, 4000), 0.5), 25)) * 255 == pytest.approx(25, rel=0.2)


@pytest.mark.skipif(not DENOISE_DATA.is_dir(), reason=f"no released pictures at {DENOISE_DATA}")
@pytest.mark.parametrize("level", [10, 25, 50])
@pytest.mark.parametrize("name", PICTURES)
def test_right_within_fifteen_percent_on_the_released_pictures(name, level):
    pixels = np.asarray(Image.open(DENOISE_DATA / "gt" / f"{name}.png").convert("RGB"), dtype=np.float32) / 255
    clean = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    estimate = estimate_noise_std(add_noise(clean, level, seed=7, eight_bit=True)) * 255
    assert estimate == pytest.approx(level, rel=0.15)


@pytest.mark.skipif(not DENOISE_DATA.is_dir(), reason=f"no released pictures at {DENOISE_DATA}")
@pytest.mark.parametrize("name", PICTURES)
def test_right_within_fifteen_percent_on_the_released_noise(name):
    pixels = np.asarray(Image.open(DENOISE_DATA / "noisy25" / f"{name}.png").convert("RGB"), dtype=np.float32) / 255
    estimate = estimate_noise_std(torch.from_numpy(pixels).permute(2, 0, 1)[None]) * 255
    assert estimate == pytest.approx(25, rel=0.15)


@pytest.mark.parametrize("level", [0.0, 0.02, 0.5, 0.97, 1.0])
def test_undoing_clipping_brings_the_mean_of_clipped_noise_back_to_the_level(level: float) -> None:
    generator = torch.Generator().manual_seed(3)
    clean = torch.full((1, 1, 200, 200), level)
    observation = (clean + 0.1 * torch.randn(clean.shape, generator=generator)).clamp(0, 1)
    estimate = observation.mean().expand_as(clean)
    restored = undo_clipping(estimate, observation, 0.1)
    assert restored.dtype == torch.float32
    assert float((restored - clean).abs().max()) < 0.01


def test_noise_that_was_not_clipped_is_left_alone() -> None:
    generator = torch.Generator().manual_seed(3)
    observation = (0.02 + 0.1 * torch.randn(1, 1, 50, 50, generator=generator)).abs().clamp(0.001, 0.999)
    estimate = torch.full_like(observation, 0.08)
    assert torch.equal(undo_clipping(estimate, observation, 0.1), estimate)


def test_without_noise_there_is_nothing_to_undo() -> None:
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(undo_clipping(picture, picture.round(), 0.0), picture)


def test_clipping_takes_variance_off_dark_pictures_and_none_off_middling_ones() -> None:
    assert clipped_noise_variance(torch.full((1, 3, 32, 32), 0.5), 0.1) == pytest.approx(0.01, rel=1e-3)
    assert clipped_noise_variance(torch.full((1, 3, 32, 32), 0.04), 0.1) < 0.005
    assert clipped_noise_variance(torch.rand(1, 1, 1, 1), 0.0) == 0.0


@pytest.mark.parametrize("coded", [True, False])
def test_what_is_estimated_in_a_jpeg_file_is_not_called_gaussian(coded: bool) -> None:
    noise = dataclasses.replace(Gaussian.known(0.1), coded=coded)
    picture = torch.full((1, 3, 8, 8), 0.5)
    assert noise.whitened(picture, picture).gaussian_std == (0.0 if coded else 0.1)
