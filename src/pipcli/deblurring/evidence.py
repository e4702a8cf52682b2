"""How well a kernel explains an observation, whatever the picture is.

Of all kernels, no blur explains an observation best together with a picture: its own. What tells kernels apart is how
probable the observation is over all pictures. With gradients g of the picture that are independent and sparse, each
normal with a variance of its own that is found with them, and noise of variance v, its negative logarithm is at most

    |k * g - y|^2 / v + sum g^2 / c + log(1 + c |k|^2 / v)

but for a constant, where the logarithm stands for a determinant whose matrix is taken as diagonal. Sources: Levin et
al., "Understanding blind deconvolution algorithms" (IEEE Transactions on Pattern Analysis and Machine Intelligence 33,
2011); the bound and its minimisation, Wipf and Zhang, "Revisiting Bayesian blind deconvolution" (Journal of Machine
Learning Research 15, 2014), algorithm 2 with a constant penalty.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.deblurring.convolution import Convolution
from pipcli.deblurring.sharpening import gradients

ROUNDS, STEPS = 6, 12
# The steps end before, when the residual is this share of what it was.
ENOUGH = 1e-5
LEAST_VARIANCE = 1e-10


def surprise(plane: Tensor, kernel: Tensor, noise_std: float) -> float:
    """Return the bound of how improbable an observation is, a gradient, in units of half a nat; lower is better.

    Args:
        plane: (h, w) in [0, 1], the observation.
        kernel: (kh, kw).
        noise_std: standard deviation of its noise, in [0, 1] units, above 0.
    """
    observed = gradients(plane)
    rows, columns = kernel.shape
    convolution = Convolution((observed.shape[-2], observed.shape[-1]), (rows, columns))
    spectrum, power = convolution.spectrum(kernel), float(kernel.square().sum())
    noise = 2 * noise_std**2  # a gradient has that of two samples
    top, left = rows - 1 - rows // 2, columns - 1 - columns // 2
    slopes = F.pad(observed, (left, columns // 2, top, rows // 2))
    variances = torch.full_like(slopes, max(2 * float(observed.square().mean()), LEAST_VARIANCE))
    for _ in range(ROUNDS):
        precision = noise / variances
        slopes = _explaining(observed, slopes, convolution, spectrum, precision, power)
        variances = (slopes.square() + noise / (power + precision)).clamp(min=LEAST_VARIANCE)
    residual = observed - convolution.product(convolution.spectrum(slopes), spectrum)
    # Outside of what the observation shows it says little, and how much there is of that hangs on the kernel's size.
    height, width = observed.shape[-2:]
    inside = (..., slice(top, top + height), slice(left, left + width))
    cost = slopes.square() / variances + torch.log1p(variances * power / noise)
    return float((residual.square() / noise + cost[inside]).mean())


def _explaining(
    observed: Tensor, slopes: Tensor, convolution: Convolution, spectrum: Tensor, precision: Tensor, power: float
) -> Tensor:
    """Return the gradients that solve (K^T K + precision) g = K^T y, by some steps of conjugate gradients from a start.

    The preconditioner is the diagonal, and both directions make their steps together.
    """

    def normal(planes: Tensor) -> Tensor:
        results = convolution.product(convolution.spectrum(planes), spectrum)
        return convolution.adjoint_for_planes(spectrum, results) + precision * planes

    scale = 1 / (power + precision)
    residual = convolution.adjoint_for_planes(spectrum, observed) - normal(slopes)
    scaled = scale * residual
    direction, square = scaled, (residual * scaled).sum()
    enough = ENOUGH**2 * square
    for _ in range(STEPS):
        if square <= enough:
            break
        mapped = normal(direction)
        length = square / (direction * mapped).sum()
        slopes = slopes + length * direction
        residual = residual - length * mapped
        scaled = scale * residual
        before, square = square, (residual * scaled).sum()
        direction = scaled + square / before * direction
    return slopes
