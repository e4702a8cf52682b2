"""Filtering noise of a known spectrum and curve."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.coloured import give_back, refine_coloured
from pipcli.refine.execution import Execution
from pipcli.refine.passes import refine
from pipcli.refine.spectrum import NoiseBounds
from pipcli.settings import Patches
from pipcli.spectra import NoiseSpectrum

SIDE = 64
PASSES = (Patches(side=4, stride=3, radius=8, similar=30, noise_factor=0.8),)
STD = 10 / 255


def spectrum(blur: float, std: float = STD, lights: float = 1.0) -> NoiseSpectrum:
    """Return the spectrum of white noise after a Gaussian blur, and so many times its variance in the lights."""
    radii = tuple(step / 64 for step in range(33))
    power = tuple(math.exp(-((2 * math.pi * blur * radius) ** 2)) for radius in radii)
    shape = NoiseSpectrum(radii, (power,), (0.4, 0.6), ((1.0,), (lights,)))
    return shape.scaled(std**2 / float(shape.variances()[0]))


def coloured_noise(blur: float, std: float = STD, seed: int = 0) -> Tensor:
    """Return (1, 1, SIDE, SIDE) noise with that spectrum."""
    white = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    squared = torch.fft.fftfreq(SIDE)[:, None] ** 2 + torch.fft.fftfreq(SIDE) ** 2
    noise = torch.fft.ifft2(torch.fft.fft2(white) * torch.exp(-2 * (math.pi * blur) ** 2 * squared)).real
    return (std * noise / noise.std())[None, None]


def clean() -> Tensor:
    """Return a (1, 1, SIDE, SIDE) picture with a slope, an edge and a bar."""
    line = torch.linspace(0.2, 0.6, SIDE)
    picture = ((line[:, None] + line) / 2)[None, None].clone()
    picture[..., 30:, :20] += 0.3
    picture[..., 10:14, 30:60] = 0.8
    return picture


def test_bands_of_white_noise_are_its_variance_and_fall_with_the_mean_of_pixels() -> None:
    white = NoiseSpectrum((0.0, 0.5), ((0.04, 0.04),), (0.0, 1.0), ((1.0,), (1.0,)))
    assert torch.allclose(white.bands(4), torch.full((1, 16), 0.04), rtol=1e-3)
    assert torch.allclose(white.bands(4, 2), torch.full((1, 16), 0.01), rtol=1e-3)


def test_bands_are_those_of_noise_that_was_made() -> None:
    noise = torch.cat([coloured_noise(1.0, seed=seed) for seed in range(40)])
    samples = F.unfold(noise, 4, stride=4).double()
    place = torch.arange(4)
    cosines = torch.cos(math.pi * (2 * place + 1) * place[:, None] / 8).double() / math.sqrt(2)
    cosines[0] /= math.sqrt(2)
    measured = (torch.kron(cosines, cosines) @ samples).square().mean((0, 2))
    assert torch.allclose(spectrum(1.0).bands(4)[0].double(), measured, rtol=0.2, atol=1e-6)


def test_a_filter_that_knows_the_spectrum_does_better_than_one_that_takes_the_noise_for_white() -> None:
    observation = (clean() + coloured_noise(1.2)).clamp(0, 1)
    coloured = refine_coloured(observation, spectrum(1.2), PASSES, Execution()).picture
    white = refine(observation, observation, NoiseBounds(STD**2, STD**2), PASSES, Execution()).picture
    errors = [float((picture - clean()).square().mean().sqrt()) for picture in (observation, white, coloured)]
    assert errors[2] < 0.6 * errors[0]
    assert errors[2] < 0.8 * errors[1]


def test_where_the_curve_says_that_there_is_no_noise_nothing_is_taken() -> None:
    observation = torch.cat([torch.full((1, 1, SIDE, 32), 0.2), torch.full((1, 1, SIDE, 32), 0.8)], dim=-1)
    observation = observation + coloured_noise(1.0)
    quiet = spectrum(1.0, lights=1e-4)
    taken = observation - refine_coloured(observation, quiet, PASSES, Execution()).picture
    dark, light = (float(part.square().mean().sqrt()) for part in torch.split(taken, 32, dim=-1))
    assert light < 0.4 * dark


def test_texture_that_was_taken_for_noise_is_given_back() -> None:
    texture = clean() + 0.1 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    flat = clean()
    back = give_back(flat, texture, spectrum(1.0))
    assert float((back - texture).square().mean()) < 0.15 * float((flat - texture).square().mean())
    noisy = clean() + coloured_noise(1.0)
    kept = give_back(flat, noisy, spectrum(1.0))
    assert float((kept - flat).square().mean()) < 0.1 * float((noisy - flat).square().mean())


@pytest.mark.parametrize("size", [(8, 8), (9, 31)])
def test_small_pictures_are_filtered(size: tuple[int, int]) -> None:
    observation = 0.5 + coloured_noise(1.0)[..., : size[0], : size[1]]
    result = refine_coloured(observation, spectrum(1.0), PASSES, Execution()).picture
    assert result.shape == observation.shape
    assert bool(result.isfinite().all())
