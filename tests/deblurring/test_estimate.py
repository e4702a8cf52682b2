"""The estimate: the kernel of a blurred drawing is found, nothing is found where nothing is, and any size is taken."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from pipcli.deblurring import KernelEstimate, KernelOutcome, estimate_kernel, refit_kernel
from pipcli.deblurring.evidence import more_probable, surprise
from pipcli.deblurring.kernels import delta
from pipcli.settings import KERNEL
from support.watches import Ending

QUICK = replace(KERNEL, tries=KERNEL.tries[:1], sizes=(9,))


def drawing(height: int, width: int, channels: int, generator: torch.Generator) -> torch.Tensor:
    """Return a (1, C, H, W) picture of overlapping rectangles."""
    picture = torch.full((1, channels, height, width), 0.5)
    for _ in range(40):
        top, left = (int(torch.randint(length, (), generator=generator)) for length in (height, width))
        tall, wide = (int(torch.randint(8, 30, (), generator=generator)) for _ in range(2))
        colour = torch.rand(1, channels, 1, 1, generator=generator)
        picture[..., top : top + tall, left : left + wide] = colour
    return picture


def stroke() -> torch.Tensor:
    kernel = torch.zeros(7, 7)
    kernel[5, 1:4] = 1 / 6
    for step in range(3):
        kernel[4 - step, 4] = 1 / 6
    return kernel


def blurred(picture: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    channels = picture.shape[1]
    weights = kernel.flip(0, 1).expand(channels, 1, *kernel.shape)
    return F.conv2d(picture, weights, groups=channels)


def found_in(observation: torch.Tensor, size: int | None = 9) -> KernelEstimate:
    return estimate_kernel(observation, QUICK, size, noise_std=0.005)


def likeness(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return the highest correlation of two kernels at any shift."""
    padded = [F.pad(kernel, (0, 32 - kernel.shape[1], 0, 32 - kernel.shape[0])) for kernel in (first, second)]
    spectra = [torch.fft.rfft2(kernel) for kernel in padded]
    products = torch.fft.irfft2(spectra[0].conj() * spectra[1], (32, 32))
    return float(products.max() / (first.norm() * second.norm()))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_kernel_of_a_drawing_is_found(channels: int, generator: torch.Generator) -> None:
    observation = blurred(drawing(120, 110, channels, generator), stroke())
    observation = observation + 0.005 * torch.randn(observation.shape, generator=generator)
    estimate = found_in(observation)
    assert estimate.outcome is KernelOutcome.FOUND
    assert likeness(estimate.kernel, stroke()) > 0.9
    assert estimate.surprise < estimate.sharp_surprise
    assert torch.equal(found_in(observation).kernel, estimate.kernel)


def test_what_is_found_is_a_kernel_with_its_weight_in_the_middle(generator: torch.Generator) -> None:
    kernel = found_in(blurred(drawing(100, 110, 1, generator), stroke())).kernel
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    for axis, length in enumerate(kernel.shape):
        assert length % 2 == 1
        gravity = (kernel.sum(1 - axis) * torch.arange(length)).sum()
        assert abs(float(gravity) - length // 2) <= 0.75


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (8, 8), (9, 30), (31, 9), (17, 64)])
def test_any_size_gives_a_kernel(size: tuple[int, int], generator: torch.Generator) -> None:
    estimate = found_in(torch.rand(1, 3, *size, generator=generator), None)
    assert estimate.kernel.sum() == pytest.approx(1, abs=1e-5)
    assert max(estimate.kernel.shape) <= max(1, min(size) // 3)


def test_a_picture_too_small_says_so() -> None:
    estimate = found_in(torch.full((1, 1, 8, 8), 0.5))
    assert estimate.outcome is KernelOutcome.TOO_SMALL
    assert torch.equal(estimate.kernel, torch.ones(1, 1))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_flat_picture_gives_a_kernel(value: float) -> None:
    estimate = found_in(torch.full((1, 3, 40, 40), value))
    assert estimate.kernel.isfinite().all()
    assert estimate.kernel.sum() == pytest.approx(1, abs=1e-5)


def test_the_true_kernel_surprises_least(generator: torch.Generator) -> None:
    observation = blurred(drawing(90, 90, 1, generator), stroke())
    observation = observation + 0.005 * torch.randn(observation.shape, generator=generator)
    plane = observation[0, 0]
    true = surprise(plane, stroke(), 0.005)
    for other in (delta(7, 7), torch.full((7, 7), 1 / 49), stroke().flip(0, 1)):
        assert true < surprise(plane, other, 0.005)


def test_a_kernel_becomes_more_probable_and_more_like_the_true_one(generator: torch.Generator) -> None:
    observation = blurred(drawing(90, 90, 1, generator), stroke())
    plane = (observation + 0.005 * torch.randn(observation.shape, generator=generator))[0, 0]
    rough = F.avg_pool2d(stroke()[None], 3, stride=1, padding=1, divisor_override=9)[0]
    rough = rough / rough.sum()
    better = more_probable(plane, rough, 0.005, rounds=6, fit_steps=40)
    assert surprise(plane, better, 0.005) < surprise(plane, rough, 0.005)
    assert likeness(better, stroke()) > likeness(rough, stroke())


def test_a_kernel_is_told_by_the_picture_that_is_known(generator: torch.Generator) -> None:
    picture = drawing(90, 80, 3, generator)
    refit = refit_kernel(torch.full((7, 7), 1 / 49), picture, blurred(picture, stroke()), KERNEL)
    assert likeness(refit, stroke()) > 0.95
    assert refit.sum() == pytest.approx(1, abs=1e-5)


def test_only_the_busiest_part_of_a_large_picture_is_looked_at(generator: torch.Generator) -> None:
    small = drawing(70, 70, 1, generator)
    large = F.pad(small, (60, 40, 30, 80), value=float(small[0, 0, 0, 0]))
    settings = replace(QUICK, side=60)
    estimate = estimate_kernel(blurred(large, stroke()), settings, 9, 0.005)
    assert estimate.kernel.sum() == pytest.approx(1, abs=1e-5)


def test_asked_to_end_it_gives_the_first_kernel(generator: torch.Generator) -> None:
    observation = blurred(drawing(60, 60, 1, generator), stroke())
    watch = Ending()
    settings = replace(KERNEL, sizes=(7, 9))
    assert estimate_kernel(observation, settings, None, 0.005, watch).kernel.sum() == pytest.approx(1, abs=1e-5)
    assert watch.asked == 1
