"""The evidence of a kernel: the probability of the observation, marginalised over pictures.

Jointly with a picture, the delta kernel always explains an observation best. Kernels are therefore compared by the
probability of the observation, marginalised over pictures. With gradients g of the picture that are independent and
sparse, each normal with a variance of its own that is estimated with them, and noise of variance v, the negative
logarithm of that probability is bounded above by

    |k * g - y|^2 / v + sum g^2 / c + log(1 + c |k|^2 / v)

but for a constant, where the logarithm stands for a determinant whose matrix is taken as diagonal. Sources: Levin et
al., "Understanding blind deconvolution algorithms" (IEEE Transactions on Pattern Analysis and Machine Intelligence 33,
2011); the bound and its minimisation, Wipf and Zhang, "Revisiting Bayesian blind deconvolution" (Journal of Machine
Learning Research 15, 2014), algorithm 2 with a constant penalty.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.deblurring.kernels import fitted
from pipcli.deblurring.sharpening import gradients
from pipcli.linear.conjugate_gradients import conjugate_gradients
from pipcli.linear.convolution import Convolution, margins

FIRST_ROUNDS, ROUNDS, STEPS = 6, 2, 12
# The steps end before, when the residual is this share of what it was.
ENOUGH = 1e-5
LEAST_VARIANCE = 1e-10


def surprise(plane: Tensor, kernel: Tensor, noise_std: float) -> float:
    """Return the bound on the negative log evidence per gradient, in units of half a nat; lower is better.

    Args:
        plane: (h, w) in [0, 1], the observation.
        kernel: (kh, kw).
        noise_std: standard deviation of its noise, in [0, 1] units, above 0.
    """
    posterior = _Posterior(plane, kernel, noise_std)
    posterior.settle(kernel, FIRST_ROUNDS)
    return posterior.bound(kernel)


def more_probable(plane: Tensor, kernel: Tensor, noise_std: float, rounds: int, fit_steps: int) -> Tensor:
    """Return a kernel with higher evidence, by expectation maximisation from a nearby one.

    By turns the gradients follow from the kernel, with the variance that remains of each, and the kernel is fitted to
    them: the sum of those variances is the weight of its squares.

    Args:
        plane: (h, w) in [0, 1], the observation.
        kernel: (kh, kw).
        noise_std: standard deviation of its noise, in [0, 1] units, above 0.
        rounds: how many turns.
        fit_steps: of each fit of the kernel.
    """
    posterior = _Posterior(plane, kernel, noise_std)
    for turn in range(rounds):
        posterior.settle(kernel, ROUNDS if turn else FIRST_ROUNDS)
        kernel = fitted(kernel, posterior.slopes, posterior.observed, posterior.doubt(), fit_steps)
    return kernel


class _Posterior:
    """The posterior of the gradients of the picture, given a kernel.

    Attributes:
        observed: (2, h, w) gradients of the observation.
        slopes: (2, h + kh - 1, w + kw - 1), the most probable gradients of the picture.
    """

    def __init__(self, plane: Tensor, kernel: Tensor, noise_std: float) -> None:
        """Begin with the gradients of the observation itself, all of one variance."""
        self.observed = gradients(plane)
        rows, columns = kernel.shape
        height, width = self.observed.shape[-2:]
        self._convolution = Convolution((height, width), (rows, columns))
        self._noise = 2 * noise_std**2  # a gradient has that of two samples
        around = margins((rows, columns))
        left, _, top, _ = around
        self.slopes = F.pad(self.observed, around)
        square = 2 * float(self.observed.square().mean())
        self._variances = torch.full_like(self.slopes, max(square, LEAST_VARIANCE))
        # Outside of what the observation shows it says little, and the kernel's size decides how much there is of that.
        self._inside = (..., slice(top, top + height), slice(left, left + width))
        self._remaining = self._variances

    def settle(self, kernel: Tensor, rounds: int) -> None:
        """Estimate gradients and their variances alternately for a (kh, kw) kernel."""
        spectrum, power = self._convolution.spectrum(kernel), float(kernel.square().sum())
        for _ in range(rounds):
            precision = self._noise / self._variances
            self.slopes = _explaining(self.observed, self.slopes, self._convolution, spectrum, precision, power)
            self._remaining = self._noise / (power + precision)
            self._variances = (self.slopes.square() + self._remaining).clamp(min=LEAST_VARIANCE)

    def doubt(self) -> float:
        """Return the sum of the posterior variances."""
        return float(self._remaining[self._inside].sum())

    def bound(self, kernel: Tensor) -> float:
        """Return the bound for the current kernel."""
        spectra = self._convolution.spectrum(self.slopes), self._convolution.spectrum(kernel)
        residual = self.observed - self._convolution.product(*spectra)
        power = kernel.square().sum()
        cost = self.slopes.square() / self._variances + torch.log1p(self._variances * power / self._noise)
        return float((residual.square() / self._noise + cost[self._inside]).mean())


def _explaining(
    observed: Tensor, slopes: Tensor, convolution: Convolution, spectrum: Tensor, precision: Tensor, power: float
) -> Tensor:
    """Solve (K^T K + precision) g = K^T y for the gradients, by some conjugate-gradient steps.

    The preconditioner is the diagonal, and both directions make their steps together.
    """

    def normal(planes: Tensor) -> Tensor:
        results = convolution.product(convolution.spectrum(planes), spectrum)
        return convolution.adjoint_for_planes(spectrum, results) + precision * planes

    residual = convolution.adjoint_for_planes(spectrum, observed) - normal(slopes)
    return conjugate_gradients(normal, slopes, residual, steps=STEPS, tolerance=ENOUGH, scale=1 / (power + precision))
