"""Measures of quality."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipcli.metrics import luma, mse_to_psnr, psnr, ssim


def test_a_hundredth_of_the_range_is_forty_decibels() -> None:
    reference = torch.full((1, 3, 4, 5), 0.5)
    assert psnr(reference + 0.01, reference) == pytest.approx(40, abs=1e-4)


def test_equal_pictures_have_infinite_psnr() -> None:
    picture = torch.rand(1, 1, 3, 3)
    assert psnr(picture, picture) == math.inf


def test_ten_times_the_error_is_ten_decibels_less() -> None:
    assert mse_to_psnr(1e-3) - mse_to_psnr(1e-2) == pytest.approx(10)


def textured(height: int, width: int, channels: int, seed: int) -> NDArray[np.float64]:
    """A picture of smooth content under noise, so that its windows differ in mean, variance and covariance."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    smooth = np.stack([np.sin(9 * x + channel) * np.cos(7 * y) for channel in range(channels)], axis=-1)
    return (0.5 + 0.3 * smooth + np.random.default_rng(seed).normal(0, 0.1, smooth.shape)).clip(0, 1)


def test_luma_goes_from_16_to_235_and_is_what_matlab_has() -> None:
    corners = np.array([[[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]], np.float64)
    # rgb2ycbcr of the pure colours, in grey levels of 255
    assert (luma(corners) * 255).round(3).tolist() == [[16, 235, 81.481, 144.553, 40.966]]
    assert luma(np.ones((1, 1, 1)))[0, 0] * 255 == pytest.approx(235)


def test_the_same_error_counts_less_in_luma_which_has_a_smaller_range() -> None:
    grey = np.full((5, 5, 3), 0.5)
    gain = psnr(luma(grey + 0.01), luma(grey)) - psnr(grey + 0.01, grey)
    assert gain == pytest.approx(20 * math.log10(255 / 219))


@pytest.mark.parametrize("size", [(11, 11), (40, 33), (100, 15)])
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_what_scikit_image_measures(size: tuple[int, int], channels: int) -> None:
    measures = pytest.importorskip("skimage.metrics", reason="needs scikit-image: pip install '.[benchmarks]'")
    picture, reference = (textured(*size, channels, seed) for seed in (0, 1))
    theirs = measures.structural_similarity(
        picture, reference, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(picture, reference) == pytest.approx(theirs, abs=1e-9)


def test_ssim_of_a_known_pair() -> None:
    """What scikit-image 0.26 measures, for where it is not installed."""
    y, x = np.mgrid[0:24, 0:31]
    picture = np.stack([0.5 + 0.4 * np.sin(0.9 * x + 0.3 * y + channel) for channel in range(3)], axis=-1)
    other = 0.5 + 0.8 * (picture - 0.5) + 0.1 * np.cos(1.7 * y)[:, :, None]
    assert ssim(picture, other) == pytest.approx(0.9338626635965, abs=1e-12)


def test_ssim_of_a_picture_with_itself_is_one_and_falls_with_noise() -> None:
    picture = textured(30, 20, 3, 0)
    noise = np.random.default_rng(1).normal(0, 1, picture.shape)
    values = [ssim(picture + std * noise, picture) for std in (0, 0.02, 0.1)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True)
    assert ssim(noise, picture) == ssim(picture, noise)


def test_ssim_of_flat_pictures_is_their_likeness_in_brightness() -> None:
    first, second = np.full((12, 12, 1), 0.4), np.full((12, 12, 1), 0.6)
    assert ssim(first, second) == pytest.approx((2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4))


@pytest.mark.parametrize("size", [(10, 50), (50, 10), (1, 1)])
def test_a_picture_smaller_than_the_window_has_no_ssim(size: tuple[int, int]) -> None:
    assert ssim(np.zeros((*size, 1)), np.zeros((*size, 1))) is None
