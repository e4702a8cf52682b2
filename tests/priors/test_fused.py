"""The kernels for GPUs, run by Triton's interpreter, against float64 arithmetic of torch."""

import pytest
import torch
from torch.nn import functional as F

fused = pytest.importorskip("pipcli.priors.fused", reason="Triton is not installed: there are no kernels to test")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EPSILON = 1e-5
SHAPES = [(1, 3, 16, 16), (3, 2, 7, 9), (2, 4, 1, 1), (1, 1, 1, 50), (2, 3, 70, 61)]
# Of the largest value: what one rounding to the type can move, with some room for the sums.
TOLERANCES = {torch.float32: 2e-5, torch.bfloat16: 2**-7}


def expected(maps: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, slope: float) -> torch.Tensor:
    planes = maps.flatten(0, 1)[None]
    normalised = torch.batch_norm(
        planes, weight.flatten(), bias.flatten(), None, None, True, 0.0, EPSILON, False
    ).view_as(maps)
    return F.leaky_relu(normalised, slope)


def close(result: torch.Tensor, reference: torch.Tensor, tolerance: float) -> bool:
    return bool((result.double() - reference).abs().max() <= tolerance * reference.abs().max().clamp(min=1))


@pytest.mark.parametrize("dtype", list(TOLERANCES))
@pytest.mark.parametrize("slope", [0.2, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_float64(
    shape: tuple[int, ...], slope: float, dtype: torch.dtype, generator: torch.Generator
) -> None:
    maps = (3 + torch.randn(shape, generator=generator)).to(dtype)
    weight, bias = (torch.randn(shape[:2], generator=generator) for _ in range(2))
    pull = torch.randn(shape, generator=generator).to(dtype)
    ours = [tensor.to(DEVICE).requires_grad_() for tensor in (maps, weight, bias)]
    exact = [tensor.detach().double().requires_grad_() for tensor in (maps, weight, bias)]
    result = fused.normalise_planes(*ours, slope=slope, epsilon=EPSILON)
    reference = expected(*exact, slope)
    assert result.dtype == dtype
    assert close(result.cpu(), reference, TOLERANCES[dtype])
    result.backward(pull.to(DEVICE))
    reference.backward(pull.double())
    for mine, other in zip(ours, exact, strict=True):
        assert close(mine.grad.cpu(), other.grad, 4 * TOLERANCES[dtype])


def test_a_large_mean_does_not_swallow_the_variance(generator: torch.Generator) -> None:
    maps = 1000 + torch.randn(1, 2, 40, 40, generator=generator)
    one, zero = torch.ones(1, 2), torch.zeros(1, 2)
    result = fused.normalise_planes(maps.to(DEVICE), one.to(DEVICE), zero.to(DEVICE), slope=1.0, epsilon=EPSILON)
    assert close(result.cpu(), expected(maps.double(), one.double(), zero.double(), 1.0), 1e-3)
