"""The hourglass: its published size, its shapes, its alignment, its numbers."""

import dataclasses

import pytest
import torch
from torch import nn

from pipcli.priors.hourglass import ConcatenationMerge, Hourglass, SumMerge
from pipcli.priors.layers import Convolution, Normalisation
from pipcli.settings import DIP, PIP, PUBLISHED_DIP, PUBLISHED_PIP, Settings

ROWS = {"pip": PIP, "dip": DIP, "published pip": PUBLISHED_PIP, "published dip": PUBLISHED_DIP}


def small(settings: Settings, generator: torch.Generator, outputs: int = 3) -> Hourglass:
    shape = dataclasses.replace(settings.network, widths=(8, 8, 8), skip_widths=(4, 4, 4))
    return Hourglass(shape, 6, outputs, generators=[generator])


@pytest.mark.parametrize(("settings", "count"), [(PUBLISHED_PIP, 329_575), (PUBLISHED_DIP, 2_217_831)])
def test_published_networks_have_exactly_the_published_parameter_counts(
    settings: Settings, count: int, generator: torch.Generator
) -> None:
    network = Hourglass(settings.network, 32, 3, generators=[generator])
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (5, 7), (16, 24), (33, 31)])
def test_the_output_has_the_size_of_the_input_and_finite_gradients(
    row: str, size: tuple[int, int], generator: torch.Generator
) -> None:
    network = small(ROWS[row], generator)
    output = network(torch.rand(1, 6, *size, generator=generator))
    assert output.shape == (1, 3, *size)
    output.square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("row", ROWS)
def test_bfloat16_activations_agree_with_float64_to_their_precision(row: str, generator: torch.Generator) -> None:
    network = small(ROWS[row], generator)
    maps = torch.rand(1, 6, 24, 40, generator=generator)
    low = network(maps.bfloat16()).double()
    exact = network.double()(maps.double())
    assert (low - exact).square().mean().sqrt() < 0.06 * exact.std()


def test_the_same_generator_state_gives_the_same_network() -> None:
    networks = [small(PIP, torch.Generator().manual_seed(7)) for _ in range(2)]
    states = [network.state_dict() for network in networks]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_pointwise_convolution_is_the_convolution_of_torch(generator: torch.Generator) -> None:
    ours = Convolution(5, 7, 1, bias=True, generators=[generator], stride=2)
    theirs = nn.functional.conv2d
    assert ours.bias is not None
    maps = torch.rand(1, 5, 6, 9, generator=generator)
    torch.testing.assert_close(ours(maps), theirs(maps, ours.weight[0], ours.bias[0], stride=2))


@pytest.mark.parametrize("stride", [1, 2])
def test_three_by_three_convolution_reflects_at_the_edges(stride: int, generator: torch.Generator) -> None:
    ours = Convolution(2, 3, 3, bias=True, generators=[generator], stride=stride)
    theirs = nn.Conv2d(2, 3, 3, stride=stride, padding=1, padding_mode="reflect")
    assert ours.bias is not None
    theirs.weight, theirs.bias = nn.Parameter(ours.weight[0]), nn.Parameter(ours.bias[0])
    maps = torch.rand(1, 2, 8, 5, generator=generator)
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_convolution_before_up_sampling_equals_convolution_after_it(generator: torch.Generator) -> None:
    merge = SumMerge(3, 4, 5, 1, generators=[generator])
    skip, deep = torch.rand(1, 3, 11, 8, generator=generator), torch.rand(1, 4, 6, 4, generator=generator)
    doubled = nn.functional.interpolate(deep, scale_factor=2, mode="bilinear")[:, :, :11]
    torch.testing.assert_close(merge(skip, deep, (11, 8)), merge.deep(doubled) + merge.skip(skip))


def test_both_merges_keep_a_ramp_in_place_at_odd_sizes(generator: torch.Generator) -> None:
    # A ramp over pixel centres, halved by 2x2 means and doubled again, is the same ramp away from the edges.
    ramp = torch.arange(13.0).view(1, 1, 1, 13).expand(1, 1, 13, 13)
    halved = nn.functional.avg_pool2d(ramp, 2, ceil_mode=True)
    merge = SumMerge(1, 1, 1, 1, generators=[generator])
    with torch.no_grad():
        merge.deep.weight.fill_(1)
        merge.skip.weight.zero_()
    merged = merge(torch.zeros(1, 1, 13, 13), halved, (13, 13))
    torch.testing.assert_close(merged[..., 2:10], ramp[..., 2:10])


def test_normalisation_leaves_zero_mean_and_unit_variance(generator: torch.Generator) -> None:
    maps = 5 + 3 * torch.randn(1, 4, 32, 32, generator=generator)
    normalised = Normalisation(4, 1)(maps)
    torch.testing.assert_close(normalised.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised.var((0, 2, 3), unbiased=False), torch.ones(4), atol=1e-4, rtol=0)


def test_concatenation_puts_the_skip_branch_first(generator: torch.Generator) -> None:
    merge = ConcatenationMerge(1, 1, 1, 1, bias=False, generators=[generator])
    with torch.no_grad():
        merge.convolution.weight.copy_(torch.tensor([1.0, 0.0]).view(1, 1, 2, 1, 1))
    skip, deep = torch.rand(1, 1, 4, 4, generator=generator), torch.rand(1, 1, 2, 2, generator=generator)
    expected = Normalisation(1, 1)(skip)
    torch.testing.assert_close(merge(skip, deep, (4, 4)), expected)


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("row", ROWS)
def test_members_side_by_side_are_the_networks_alone(row: str, memory_format: torch.memory_format) -> None:
    shape = dataclasses.replace(ROWS[row].network, widths=(8, 8, 8), skip_widths=(4, 4, 4))
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2, 3)]
    maps = torch.rand(1, 6, 20, 13, generator=generators[0]).contiguous(memory_format=memory_format)
    generators[0].manual_seed(1)
    together = Hourglass(shape, 6, 3, generators=generators)
    outputs = together(maps)
    outputs.square().sum().backward()
    for member, seed in enumerate((1, 2, 3)):
        alone = Hourglass(shape, 6, 3, generators=[torch.Generator().manual_seed(seed)])
        output = alone(maps)
        output.square().sum().backward()
        torch.testing.assert_close(outputs[member : member + 1], output, rtol=1e-4, atol=1e-5)
        for ours, own in zip(together.parameters(), alone.parameters(), strict=True):
            assert ours.grad is not None
            assert own.grad is not None
            assert torch.equal(ours[member], own[0])
            scale = float(own.grad.abs().max())
            torch.testing.assert_close(ours.grad[member], own.grad[0], rtol=1e-3, atol=1e-4 * scale + 1e-5)
