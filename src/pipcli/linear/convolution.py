"""The part of a convolution for which everything is known, and its adjoints, by way of spectra.

A kernel of (kh, kw) and planes of (h + kh - 1, w + kw - 1) give (h, w): nothing is assumed of what lies outside.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

SMALL_FACTORS = (2, 3, 5)


def quick_length(length: int) -> int:
    """Return the least length from this one on that has no prime factor above five."""
    while True:
        rest = length
        for factor in SMALL_FACTORS:
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1


def margins(kernel_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return by how much planes reach beyond what their convolution shows: left, right, top and bottom, in pixels.

    The centre of a kernel is its pixel (kh // 2, kw // 2), and a convolution looks behind by what the kernel reaches
    ahead of it.
    """
    rows, columns = kernel_size
    return columns - 1 - columns // 2, columns // 2, rows - 1 - rows // 2, rows // 2


class Convolution:
    """Convolutions that give planes of one size with kernels of one size."""

    def __init__(self, size: tuple[int, int], kernel_size: tuple[int, int]) -> None:
        """Remember the sizes of what results and of the kernel."""
        self.size = size
        self.kernel_size = kernel_size
        self.input_size = (size[0] + kernel_size[0] - 1, size[1] + kernel_size[1] - 1)
        self._padded = (quick_length(self.input_size[0]), quick_length(self.input_size[1]))

    def spectrum(self, planes: Tensor) -> Tensor:
        """Return the spectra of (..., H, W) planes or kernels."""
        spectra: Tensor = torch.fft.rfft2(planes, self._padded)
        return spectra

    def product(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the (..., h, w) convolution of which two spectra are given."""
        (rows, columns), (height, width) = self.kernel_size, self.size
        whole: Tensor = torch.fft.irfft2(first * second, self._padded)
        return whole[..., rows - 1 : rows - 1 + height, columns - 1 : columns - 1 + width]

    def adjoint_for_kernel(self, planes: Tensor, results: Tensor) -> Tensor:
        """Return the (kh, kw) adjoint of `product` as a map of the kernel, summed over the planes.

        Args:
            planes: spectra of (..., H, W) planes.
            results: (..., h, w).
        """
        rows, columns = self.kernel_size
        products = planes.conj() * self._lifted(results)
        adjoint: Tensor = torch.fft.irfft2(products.flatten(0, -3).sum(0), self._padded)
        return adjoint[:rows, :columns]

    def adjoint_for_planes(self, kernel: Tensor, results: Tensor) -> Tensor:
        """Return the (..., H, W) adjoint of `product` as a map of the planes, for the spectrum of a kernel."""
        height, width = self.input_size
        adjoint: Tensor = torch.fft.irfft2(kernel.conj() * self._lifted(results), self._padded)
        return adjoint[..., :height, :width]

    def _lifted(self, results: Tensor) -> Tensor:
        """Return the spectra of (..., h, w) results that lie where `product` takes them from."""
        (rows, columns), (height, width) = self.kernel_size, self.size
        after = (self._padded[1] - width - columns + 1, self._padded[0] - height - rows + 1)
        return self.spectrum(F.pad(results, (columns - 1, after[0], rows - 1, after[1])))
