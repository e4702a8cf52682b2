"""Blur is a convolution, whatever lies beyond the edge; kernels sum to one and lie where they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipcli.simulation.blurring import blurred, gaussian_kernel, kept, motion_kernel, normalised
from pipcli.simulation.names import Border

SHAPES = [(1, 1), (3, 3), (5, 1), (2, 4), (4, 7)]


def kernel_of(shape: tuple[int, int]) -> NDArray[np.float64]:
    return normalised(np.random.default_rng(1).random(shape))


def direct(plane: NDArray[np.float64], kernel: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    """The definition, y(p) = sum over q of k(c + q) x(p - q), term by term."""
    height, width = plane.shape
    centre_y, centre_x = kernel.shape[0] // 2, kernel.shape[1] // 2
    margin = max(kernel.shape)
    padded = np.pad(plane, margin, mode=mode)
    total = np.zeros_like(plane)
    for y in range(kernel.shape[0]):
        for x in range(kernel.shape[1]):
            top, left = margin - (y - centre_y), margin - (x - centre_x)
            total += kernel[y, x] * padded[top : top + height, left : left + width]
    return total


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("border", "mode"), [(Border.MIRROR, "symmetric"), (Border.WRAP, "wrap")])
@pytest.mark.parametrize("size", [(9, 13), (1, 1), (2, 7)])
def test_it_is_the_convolution_of_each_channel(
    size: tuple[int, int], border: Border, mode: str, shape: tuple[int, int]
) -> None:
    picture, kernel = np.random.default_rng(0).random((*size, 3)), kernel_of(shape)
    expected = np.stack([direct(picture[:, :, channel], kernel, mode) for channel in range(3)], axis=2)
    assert np.allclose(blurred(picture, kernel, border), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_cropped_it_is_the_part_that_no_border_touches(shape: tuple[int, int]) -> None:
    picture, kernel = np.random.default_rng(0).random((9, 13, 1)), kernel_of(shape)
    rows, columns = kept((9, 13), kernel)
    cropped = blurred(picture, kernel, Border.CROP)
    assert cropped.shape == picture[rows, columns].shape == (9 - shape[0] + 1, 13 - shape[1] + 1, 1)
    assert np.allclose(cropped, blurred(picture, kernel, Border.WRAP)[rows, columns])
    assert np.allclose(cropped, blurred(picture, kernel, Border.MIRROR)[rows, columns])


@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("kernel", [gaussian_kernel(1.5), motion_kernel(9, 20), kernel_of((4, 7))])
def test_an_even_picture_stays_even(kernel: NDArray[np.float64], border: Border) -> None:
    assert np.allclose(blurred(np.full((20, 30, 1), 0.7), kernel, border), 0.7, atol=1e-12)


def test_black_and_white_areas_stay_exactly_so() -> None:
    picture = np.repeat([0.0, 1.0], 40)[None, :, None].repeat(60, axis=0)
    result = blurred(picture, motion_kernel(9, 20), Border.MIRROR)
    assert (result.min(), result.max()) == (0, 1)


def test_it_is_linear() -> None:
    first, second = np.random.default_rng(0).random((2, 12, 8, 1))
    kernel = kernel_of((3, 5))
    both = blurred(2 * first - second, kernel, Border.MIRROR)
    assert np.allclose(both, 2 * blurred(first, kernel, Border.MIRROR) - blurred(second, kernel, Border.MIRROR))


def test_a_point_becomes_the_kernel() -> None:
    point = np.zeros((11, 11, 1))
    point[5, 5] = 1
    kernel = kernel_of((3, 5))
    assert np.allclose(blurred(point, kernel, Border.MIRROR)[4:7, 3:8, 0], kernel)


@pytest.mark.parametrize("std", [0.05, 0.5, 2.0, 7.3])
def test_a_gaussian_has_its_width(std: float) -> None:
    kernel = gaussian_kernel(std)
    assert kernel.sum() == pytest.approx(1)
    assert np.allclose(kernel, kernel.T)
    if std >= 1:  # a narrower one is sampled too coarsely to have one
        offsets = np.arange(len(kernel)) - len(kernel) // 2
        assert np.sqrt((kernel.sum(axis=0) * offsets**2).sum()) == pytest.approx(std, rel=0.01)


@given(length=st.floats(1, 60), angle=st.floats(-360, 360))
def test_a_motion_of_any_length_and_angle_sums_to_one_around_its_middle(length: float, angle: float) -> None:
    kernel = motion_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1)
    assert (kernel >= 0).all()
    assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
    y, x = np.mgrid[: kernel.shape[0], : kernel.shape[1]]
    assert (kernel * (y - kernel.shape[0] // 2)).sum() == pytest.approx(0, abs=1e-6)
    assert (kernel * (x - kernel.shape[1] // 2)).sum() == pytest.approx(0, abs=1e-6)


def test_motion_along_the_axes_is_even() -> None:
    assert np.allclose(motion_kernel(5, 0), np.full((1, 5), 0.2))
    assert np.allclose(motion_kernel(4, 90), np.array([[0.125, 0.25, 0.25, 0.25, 0.125]]).T)
    assert np.allclose(motion_kernel(1, 0), [[1]])


def test_an_angle_turns_counter_clockwise() -> None:
    kernel = motion_kernel(9, 30)
    assert kernel[0, -1] + kernel[1, -1] > 0  # up on the right
    assert kernel[-1, -1] == kernel[0, 0] == 0
    assert np.allclose(kernel, motion_kernel(9, 210))


def test_a_black_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="black"):
        normalised(np.zeros((3, 3)))
