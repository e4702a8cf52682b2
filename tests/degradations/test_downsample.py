"""Down-sampling is what `degrade` does by whole factors, and as good between them, and the same in parts."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from pipcli.degradations import Downsample, Identity
from pipcli.degradations import downsample as module
from pipcli.noise import Gaussian
from pipcli.settings import KernelName
from pipcli.simulation.downsampling import downsampled
from pipcli.simulation.names import KernelName as SimulatedKernelName

NOISE = Gaussian.known(0.1)
ALL = pytest.mark.parametrize("kernel", KernelName)


@ALL
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("size", [(1, 3), (12, 70)])
def test_whole_factors_are_those_of_the_simulation(kernel: KernelName, scale: int, size: tuple[int, int]) -> None:
    samples = np.random.default_rng(0).random((scale * size[0], scale * size[1], 2))
    ours = Downsample(NOISE, Fraction(scale), kernel)(torch.from_numpy(samples).movedim(2, 0)[None])
    theirs = downsampled(samples, scale, SimulatedKernelName(kernel.value))
    assert np.allclose(ours[0].movedim(0, 2).numpy(), theirs, atol=1e-12)


@ALL
@pytest.mark.parametrize("scale", [1.5, 2.25, 4.0, 5.3])
def test_a_ramp_keeps_its_place(kernel: KernelName, scale: float) -> None:
    degrade = Downsample(NOISE, Fraction(scale), kernel)
    ramp = torch.arange(degrade.target_size((1, 60))[1], dtype=torch.float64) + 0.5
    reduced = degrade(ramp.expand(1, 1, 8, -1))[0, 0, 0]
    wanted = (torch.arange(60) + 0.5) * scale
    # With a broken factor pixels lie unevenly about a centre: the mean of their places is off it by less than half one.
    assert (reduced - wanted)[4:-4].abs().max() < (1e-9 if scale == 4.0 else 0.5)


def test_by_one_nothing_changes() -> None:
    picture = torch.rand(1, 3, 9, 70, dtype=torch.float64)
    for kernel in (KernelName.LANCZOS, KernelName.BICUBIC, KernelName.BOX):
        assert torch.allclose(Downsample(NOISE, 1, kernel)(picture), picture, atol=1e-12)


@ALL
@pytest.mark.parametrize("scale", [1.7, 3.0])
def test_parts_leave_no_trace(kernel: KernelName, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    degrade = Downsample(NOISE, Fraction(scale), kernel)
    picture = torch.rand(1, 2, 100, 131, dtype=torch.float64)
    whole = degrade(picture)
    module._bands.cache_clear()
    monkeypatch.setattr(module, "ROWS", 5)
    assert torch.allclose(degrade(picture), whole, atol=1e-12)
    module._bands.cache_clear()


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(3, 2), Fraction(13, 5), Fraction(4)])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (16, 21)])
def test_sizes_go_there_and_back(scale: Fraction, size: tuple[int, int]) -> None:
    degradation = Downsample(Gaussian.known(0.0), scale, KernelName.BICUBIC)
    larger = degradation.target_size(size)
    assert degradation(torch.zeros(1, 3, *larger)).shape[-2:] == size


@pytest.mark.parametrize("scale", [Fraction(3, 2), Fraction(4)])
def test_a_part_that_begins_at_a_multiple_of_the_denominator_is_of_a_part_of_the_picture(scale: Fraction) -> None:
    degradation = Downsample(Gaussian.known(0.0), scale, KernelName.LANCZOS)
    size = (48, 48)
    picture = torch.rand(1, 1, *degradation.target_size(size), generator=torch.Generator().manual_seed(0))
    start = 8 * scale.denominator
    part = picture[..., int(start * scale) :, :]
    # Away from the edge, where weights are left out.
    assert torch.allclose(degradation(part)[..., 4:, :], degradation(picture)[..., start + 4 :, :], atol=1e-5)


def test_the_naive_enlargement_is_that_of_pillow() -> None:
    observation = torch.rand(1, 1, 12, 10, generator=torch.Generator().manual_seed(0))
    enlarged = Downsample(Gaussian.known(0.0), Fraction(3), KernelName.BOX).naive(observation)
    plane = Image.fromarray(observation[0, 0].numpy()).resize((30, 36), Image.Resampling.BICUBIC)
    assert np.allclose(enlarged[0, 0], np.asarray(plane).clip(0, 1), atol=1e-5)


def test_it_serves_pictures_that_became_small_in_the_same_way() -> None:
    one = Downsample(Gaussian.known(0.0), Fraction(2), KernelName.BOX)
    assert one.serves(Downsample(Gaussian.known(0.1), Fraction(2), KernelName.BOX))
    assert not one.serves(Downsample(Gaussian.known(0.0), Fraction(3), KernelName.BOX))
    assert not one.serves(Downsample(Gaussian.known(0.0), Fraction(2), KernelName.BICUBIC))
    assert not one.serves(Identity(Gaussian.known(0.0)))
