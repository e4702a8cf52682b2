"""The kernel of an unknown blur, estimated from one picture."""

from pipcli.deblurring.estimate import KernelEstimate, KernelOutcome, estimate_kernel, refit_kernel

__all__ = ["KernelEstimate", "KernelOutcome", "estimate_kernel", "refit_kernel"]
