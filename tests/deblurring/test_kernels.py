"""Kernels and convolutions: adjoints, the simplex, the fit, specks, and where the centre is."""

import pytest
import torch
from torch.nn import functional as F

from pipcli.deblurring.kernels import centred, delta, fitted, on_simplex, resized, trimmed, without_specks
from pipcli.linear.convolution import Convolution, quick_length


def kernel_of(rows: int, columns: int, generator: torch.Generator) -> torch.Tensor:
    kernel = torch.rand(rows, columns, generator=generator)
    return kernel / kernel.sum()


@pytest.mark.parametrize("length", [1, 2, 7, 11, 97, 287])
def test_a_quick_length_is_the_next_with_small_factors(length: int) -> None:
    quick = {2**a * 3**b * 5**c for a in range(10) for b in range(7) for c in range(5)}
    assert quick_length(length) == min(number for number in quick if number >= length)


def test_the_product_is_the_convolution_as_sums(generator: torch.Generator) -> None:
    planes, kernel = torch.rand(2, 14, 11, generator=generator), kernel_of(3, 4, generator)
    convolution = Convolution((12, 8), (3, 4))
    product = convolution.product(convolution.spectrum(planes), convolution.spectrum(kernel))
    expected = F.conv2d(planes[:, None], kernel.flip(0, 1)[None, None])[:, 0]
    assert torch.allclose(product, expected, atol=1e-5)


def test_both_adjoints_are_adjoint(generator: torch.Generator) -> None:
    planes, kernel = torch.rand(2, 14, 11, generator=generator), kernel_of(3, 4, generator)
    results = torch.rand(2, 12, 8, generator=generator)
    convolution = Convolution((12, 8), (3, 4))
    spectra, spectrum = convolution.spectrum(planes), convolution.spectrum(kernel)
    expected = (convolution.product(spectra, spectrum) * results).sum()
    assert torch.allclose((convolution.adjoint_for_kernel(spectra, results) * kernel).sum(), expected, rtol=1e-4)
    assert torch.allclose((convolution.adjoint_for_planes(spectrum, results) * planes).sum(), expected, rtol=1e-4)


def test_nothing_on_the_simplex_is_nearer(generator: torch.Generator) -> None:
    weights = torch.randn(5, 4, generator=generator)
    nearest = on_simplex(weights)
    assert nearest.min() >= 0
    assert nearest.sum() == pytest.approx(1, abs=1e-5)
    for _ in range(50):
        other = kernel_of(5, 4, generator)
        assert (weights - nearest).square().sum() <= (weights - other).square().sum()
    assert torch.allclose(on_simplex(nearest), nearest, atol=1e-6)


def test_the_fit_finds_the_kernel_that_was_there(generator: torch.Generator) -> None:
    sharp, kernel = torch.randn(2, 44, 40, generator=generator), kernel_of(5, 3, generator)
    convolution = Convolution((40, 38), (5, 3))
    observed = convolution.product(convolution.spectrum(sharp), convolution.spectrum(kernel))
    found = fitted(delta(5, 3), sharp, observed, ridge=0.0, steps=60)
    assert (found - kernel).abs().max() < 1e-3


def test_the_fit_to_nothing_stays_a_kernel() -> None:
    found = fitted(delta(3, 3), torch.zeros(2, 12, 12), torch.zeros(2, 10, 10), ridge=0.0, steps=5)
    assert found.sum() == pytest.approx(1)


def test_specks_go_and_the_stroke_stays() -> None:
    kernel = torch.zeros(9, 9)
    kernel[3, 2:7] = 0.19
    kernel[4, 7] = 0.03  # a neighbour by the corner
    kernel[8, 0] = 0.02
    cleaned = without_specks(kernel, 0.05)
    assert cleaned[8, 0] == 0
    assert cleaned[4, 7] > 0
    assert cleaned.sum() == pytest.approx(1)


@pytest.mark.parametrize("size", [(9, 9), (9, 12)])
def test_the_centre_of_gravity_comes_to_the_centre(size: tuple[int, int]) -> None:
    kernel = torch.zeros(size)
    kernel[1, 1:4] = 1 / 3
    moved = centred(kernel)
    assert moved[size[0] // 2, size[1] // 2 - 1 : size[1] // 2 + 2].sum() == pytest.approx(1)
    assert torch.equal(centred(moved), moved)


def test_trimming_keeps_the_centre_and_all_weights() -> None:
    kernel = torch.zeros(9, 11)
    kernel[4, 3], kernel[3, 5] = 0.4, 0.6
    small = trimmed(kernel)
    assert small.shape == (3, 5)
    assert small[1, 0] == pytest.approx(0.4)
    assert small[0, 2] == pytest.approx(0.6)
    assert trimmed(delta(7, 7)).shape == (1, 1)


@pytest.mark.parametrize("side", [3, 5, 13])
def test_another_grid_keeps_the_sum(side: int, generator: torch.Generator) -> None:
    scaled = resized(kernel_of(5, 5, generator), side, side)
    assert scaled.shape == (side, side)
    assert scaled.min() >= 0
    assert scaled.sum() == pytest.approx(1)
