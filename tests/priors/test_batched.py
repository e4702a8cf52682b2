"""The operations of several members at once, in both layouts, against one member at a time in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.priors import batched
from pipcli.priors.batched import EPSILON, convolve, in_rows, normalise, pointwise, pointwise_onto

MEMBERS, INPUTS, OUTPUTS, HEIGHT, WIDTH = 3, 5, 4, 6, 7
LAYOUTS = {"rows": torch.channels_last, "planes": torch.contiguous_format}
TOLERANCES = {torch.float64: 1e-5, torch.float32: 1e-5, torch.bfloat16: 0.05}


def made(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def gradients(result: Tensor, leaves: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return the gradients of a random linear function of a result, whose memory is in disorder on purpose."""
    direction = torch.randn(result.shape, generator=generator, dtype=torch.float64).to(result.dtype)
    return list(torch.autograd.grad(result, leaves, direction))


def compare(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], inputs: list[Tensor], dtype: torch.dtype, layout: str
) -> None:
    """Compare results and gradients; the first input holds maps, the others float32 parameters."""
    exact = [value.clone().requires_grad_() for value in inputs]
    maps = inputs[0].to(dtype).contiguous(memory_format=LAYOUTS[layout]).requires_grad_()
    own = [maps, *(value.float().requires_grad_() for value in inputs[1:])]
    result, expected = ours(*own), theirs(*exact)
    assert result.dtype == dtype
    seeds = [torch.Generator().manual_seed(5) for _ in range(2)]
    pairs = [
        (result, expected),
        *zip(gradients(result, own, seeds[0]), gradients(expected, exact, seeds[1]), strict=True),
    ]
    for mine, other in pairs:
        assert mine.shape == other.shape
        mine, other = mine.detach(), other.detach()
        scale = float(other.abs().max())
        assert float((mine.double() - other).abs().max()) <= TOLERANCES[dtype] * scale


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("many", [1, 10**9])
def test_pointwise_convolution(
    layout: str,
    dtype: torch.dtype,
    shared: bool,
    biased: bool,
    many: int,
    monkeypatch: pytest.MonkeyPatch,
    generator: torch.Generator,
) -> None:
    monkeypatch.setattr(batched, "MANY_PIXELS", many)
    maps = made(generator, 1 if shared else MEMBERS, INPUTS, HEIGHT, WIDTH)
    parameters = [made(generator, MEMBERS, OUTPUTS, INPUTS), *([made(generator, MEMBERS, OUTPUTS)] if biased else [])]

    def reference(maps: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        result = torch.einsum("koi,kihw->kohw", weight, maps.expand(MEMBERS, -1, -1, -1))
        return result if bias is None else result + bias[:, :, None, None]

    compare(
        lambda maps, weight, bias=None: pointwise(maps, weight, bias), reference, [maps, *parameters], dtype, layout
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("slope", [1.0, 0.2])
def test_normalisation(layout: str, dtype: torch.dtype, slope: float, generator: torch.Generator) -> None:
    maps = 2 + 3 * made(generator, MEMBERS, INPUTS, HEIGHT, WIDTH)
    parameters = [made(generator, MEMBERS, INPUTS), made(generator, MEMBERS, INPUTS)]
    # Numbers that bfloat16 holds: else the sign at the kink of the leaky ReLU is a matter of rounding.
    maps = maps.bfloat16().double()

    def reference(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        variance, mean = torch.var_mean(maps, (2, 3), correction=0, keepdim=True)
        normalised = (maps - mean) / (variance + EPSILON).sqrt() * weight[:, :, None, None] + bias[:, :, None, None]
        return F.leaky_relu(normalised, slope)

    compare(
        lambda maps, weight, bias: normalise(maps, weight, bias, slope=slope),
        reference,
        [maps, *parameters],
        dtype,
        layout,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shared", [False, True])
def test_convolution(layout: str, dtype: torch.dtype, stride: int, shared: bool, generator: torch.Generator) -> None:
    maps = made(generator, 1 if shared else MEMBERS, INPUTS, HEIGHT, WIDTH)
    parameters = [made(generator, MEMBERS, OUTPUTS, INPUTS, 3, 3), made(generator, MEMBERS, OUTPUTS)]

    def reference(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        parts = maps.expand(MEMBERS, -1, -1, -1)
        return torch.cat([F.conv2d(parts[k : k + 1], weight[k], bias[k], stride) for k in range(MEMBERS)])

    compare(
        lambda maps, weight, bias: convolve(maps, weight, bias, stride), reference, [maps, *parameters], dtype, layout
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_input_is_that_of_the_result(layout: str, generator: torch.Generator) -> None:
    maps = made(generator, MEMBERS, INPUTS, HEIGHT, WIDTH).contiguous(memory_format=LAYOUTS[layout])
    weight = made(generator, MEMBERS, OUTPUTS, INPUTS).float()
    scale = torch.ones(MEMBERS, INPUTS, dtype=torch.float64)
    for result in (pointwise(maps, weight, None), normalise(maps, scale, scale, slope=0.2)):
        assert in_rows(result) == (layout == "rows")


def test_a_single_pixel_has_finite_values_and_gradients() -> None:
    maps = torch.rand(MEMBERS, INPUTS, 1, 1).requires_grad_()
    scale = torch.ones(MEMBERS, INPUTS)
    result = normalise(maps, scale, torch.zeros(MEMBERS, INPUTS), slope=0.2)
    (gradient,) = torch.autograd.grad(result.sum(), maps)
    assert result.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adding_a_pointwise_convolution(layout: str, dtype: torch.dtype, generator: torch.Generator) -> None:
    sums = made(generator, MEMBERS, OUTPUTS, HEIGHT, WIDTH).to(dtype).contiguous(memory_format=LAYOUTS[layout])

    def ours(maps: Tensor, weight: Tensor) -> Tensor:
        return pointwise_onto(sums.clone(), maps, weight)

    def theirs(maps: Tensor, weight: Tensor) -> Tensor:
        return sums.double() + torch.einsum("koi,kihw->kohw", weight, maps)

    inputs = [made(generator, MEMBERS, INPUTS, HEIGHT, WIDTH), made(generator, MEMBERS, OUTPUTS, INPUTS)]
    compare(ours, theirs, inputs, dtype, layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_gradient_goes_on_to_what_is_added_to(layout: str, generator: torch.Generator) -> None:
    leaf = made(generator, MEMBERS, OUTPUTS, HEIGHT, WIDTH).float().requires_grad_()
    maps = made(generator, MEMBERS, INPUTS, HEIGHT, WIDTH).float().contiguous(memory_format=LAYOUTS[layout])
    weight = made(generator, MEMBERS, OUTPUTS, INPUTS).float()
    doubled = (2 * leaf).contiguous(memory_format=LAYOUTS[layout])
    direction = torch.randn(leaf.shape, generator=generator)
    (gradient,) = torch.autograd.grad(pointwise_onto(doubled, maps, weight), [leaf], direction)
    torch.testing.assert_close(gradient, 2 * direction)
