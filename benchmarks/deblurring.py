"""Blind deblurring: blurred pictures x kernels (estimated, and the true one where there is), in one table and one JSON.

A folder holds NAME_KERNEL_img.png, and in gt/ NAME.png and KERNEL.png. Blind, a kernel and a picture may both be
shifted, against each other, so that PSNR is that of the best shift within five pixels, in steps of a quarter, without
the 15 outermost pixels. A row is one picture and kernel: PSNR of the blurred picture and of the deblurred one, seconds.
The picture is that of a classic method, with either kernel the same: gradients with a hyper-Laplacian distribution, as
in Krishnan and Fergus, "Fast image deconvolution using hyper-Laplacian priors" (NIPS 2009), by reweighted least
squares, so that rows compare kernels and nothing else. Of the true kernel and the same turned by half a turn, which is
how some releases keep theirs, the better one counts.

    python benchmarks/deblurring.py DATA --json deblurring.json
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from common.about import about
from common.measuring import show_row, values_of
from pipcli.deblurring import KernelEstimate, estimate_kernel
from pipcli.linear.conjugate_gradients import conjugate_gradients
from pipcli.linear.convolution import Convolution, margins
from pipcli.noise.gaussian import estimate_noise_std
from pipcli.settings import KERNEL

Row = dict[str, Any]
BORDER, REACH, FRACTIONS = 15, 5, 4

# Of the gradients' distribution exp(-weight |g|^power), how small a gradient is as good as none, and of its solution.
POWER, SMALLEST, ROUNDS, STEPS = 0.8, 1e-4, 5, 25
WEIGHT_AT_ONE_PERCENT = 2.5e-3
LEAST_STD = 0.006


def psnr_of_best_shift(picture: Tensor, clean: Tensor) -> tuple[float, tuple[float, float]]:
    """Return the PSNR of a (H, W) picture at its best shift, and that shift downwards and to the right in pixels."""
    middle = picture.mean()
    spectrum = torch.fft.fft2(picture - middle)
    down, right = (torch.fft.fftfreq(length, dtype=picture.dtype) for length in picture.shape)
    inside = slice(BORDER, -BORDER)

    def error(shift: tuple[float, float]) -> float:
        turned = torch.polar(torch.ones(()).to(picture), -2 * math.pi * (down[:, None] * shift[0] + right * shift[1]))
        moved = torch.fft.ifft2(spectrum * turned).real + middle
        return float((moved - clean)[inside, inside].square().mean())

    pixels = range(-REACH, REACH + 1)
    nearest = min(((y, x) for y in pixels for x in pixels), key=error)
    parts = [part / FRACTIONS for part in range(-FRACTIONS, FRACTIONS + 1)]
    shifts = [(nearest[0] + y, nearest[1] + x) for y in parts for x in parts]
    best = min((shift for shift in shifts if max(map(abs, shift)) <= REACH), key=error)
    return -10 * math.log10(error(best)), best


def deconvolved(observation: Tensor, kernel: Tensor, std: float) -> Tensor:
    """Return the (H, W) picture of a (H, W) observation with noise of a standard deviation, for a (kh, kw) kernel."""
    rows, columns = kernel.shape
    convolution = Convolution((observation.shape[0], observation.shape[1]), (rows, columns))
    spectrum = convolution.spectrum(kernel)
    weight = WEIGHT_AT_ONE_PERCENT * (std / 0.01) ** 2
    around = margins((rows, columns))
    left, _, top, _ = around
    picture = F.pad(observation[None, None], around, mode="replicate")[0, 0]
    target = convolution.adjoint_for_planes(spectrum, observation)
    weights = [torch.ones(()), torch.ones(())]
    for _ in range(ROUNDS):

        def normal(plane: Tensor, weights: list[Tensor] = weights) -> Tensor:
            result = convolution.product(convolution.spectrum(plane), spectrum)
            result = convolution.adjoint_for_planes(spectrum, result)
            for axis in (0, 1):
                slopes = weight * weights[axis] * plane.diff(dim=axis)
                none = torch.zeros_like(plane.narrow(axis, 0, 1))
                result = result - torch.cat([slopes, none], axis) + torch.cat([none, slopes], axis)
            return result

        picture = conjugate_gradients(normal, picture, target - normal(picture), steps=STEPS, tolerance=0.0)
        weights = [POWER * (picture.diff(dim=axis).square() + SMALLEST) ** (POWER / 2 - 1) for axis in (0, 1)]
    return picture[top : top + observation.shape[0], left : left + observation.shape[1]].clamp(0, 1)


def grey(path: Path) -> Tensor:
    """Return the (H, W) float32 mean of the channels of a file, in [0, 1]."""
    return torch.from_numpy(values_of(path).mean(2)).float()


def row_of(path: Path, size: int | None) -> Row:
    """Estimate the kernel of a file, and compare what comes of it with what comes of the true one."""
    name, kernel_name, _ = path.stem.split("_")
    observation, clean = grey(path), grey(path.parent / "gt" / f"{name}.png")
    std = estimate_noise_std(observation[None, None])
    began = time.perf_counter()
    estimate = estimate_kernel(observation[None, None], KERNEL, size, std)
    seconds = time.perf_counter() - began
    value, shift = psnr_of_best_shift(deconvolved(observation, estimate.kernel, max(std, LEAST_STD)), clean)
    return {
        "picture": path.stem,
        "psnr_input": psnr_of_best_shift(observation, clean)[0],
        "psnr": value,
        "psnr_true_kernel": psnr_of_true(observation, clean, path.parent / "gt" / f"{kernel_name}.png", std),
        "shift": list(shift),
        **said_of(estimate),
        "seconds": seconds,
    }


def psnr_of_true(observation: Tensor, clean: Tensor, path: Path, std: float) -> float:
    """Return the PSNR with the kernel of a file, as it stands or turned by half a turn."""
    kernel = grey(path) / grey(path).sum()
    turns = (kernel, kernel.flip(0, 1))
    return max(psnr_of_best_shift(deconvolved(observation, way, max(std, LEAST_STD)), clean)[0] for way in turns)


def said_of(estimate: KernelEstimate) -> Row:
    """Return what a row says of an estimate."""
    return {
        "kernel": list(estimate.kernel.shape),
        "outcome": str(estimate.outcome),
        "surprise": estimate.surprise,
        "sharp_surprise": estimate.sharp_surprise,
    }


def main() -> None:
    """Measure, print a line a picture and their means, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kernel-size", type=int, help="odd; estimated where it is not given")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for path in sorted(arguments.folder.glob("*_img.png")):
        rows.append(row_of(path, arguments.kernel_size))
        show_row(rows[-1])
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("psnr_input", "psnr", "psnr_true_kernel")}
    means |= {"worst": min(row["psnr"] for row in rows), "seconds": float(np.mean([row["seconds"] for row in rows]))}
    print("mean: " + ", ".join(f"{name} {value:.2f}" for name, value in means.items()))
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        whole = {**about("cpu"), "means": means, "runs": rows}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
