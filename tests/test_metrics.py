"""Measures of quality."""

import math

import pytest
import torch

from pipcli.metrics import mse_to_psnr, psnr


def test_a_hundredth_of_the_range_is_forty_decibels() -> None:
    reference = torch.full((1, 3, 4, 5), 0.5)
    assert psnr(reference + 0.01, reference) == pytest.approx(40, abs=1e-4)


def test_equal_pictures_have_infinite_psnr() -> None:
    picture = torch.rand(1, 1, 3, 3)
    assert psnr(picture, picture) == math.inf


def test_ten_times_the_error_is_ten_decibels_less() -> None:
    assert mse_to_psnr(1e-3) - mse_to_psnr(1e-2) == pytest.approx(10)
