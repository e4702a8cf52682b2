"""Check and time the fit on a device in one call: meant for a GPU, and runs on any device.

Written to one JSON with the device's name:
  * numerics: the default network fitted from one seed in float32 and in the device's own precision; how far the loss
    curves and the estimates' PSNR lie apart;
  * steps: milliseconds of a step against the published algorithm, as in `speed.py`;
  * members: network steps a second of one network at a time against as many as the device takes together;
  * pictures: the real command from its cold start to the written file, for every quality;
  * the peak of the device's memory.

    python benchmarks/gpu.py NOISY CLEAN --device cuda --json results/gpu.json
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import speed
from about import about
from pipcli.cli.photo_networks import Networks
from pipcli.cli.report import NoiseLevel
from pipcli.degradations import Identity
from pipcli.fit.device import Device, choose_device, keep_freed_memory, members_together
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.settings import PIP, PriorName, StopName

NOISE = NoiseLevel(25 / 255, estimated=False)
CURVE_STEPS = 150


def networks(noisy: Tensor, device: Device) -> Networks:
    """Lay the default networks over a picture."""
    return Networks(PIP, noisy, Identity(NOISE.std), NOISE, device, StopName.NONE, 0)


def curve(noisy: Tensor, clean: Tensor, device: Device) -> tuple[list[float], float]:
    """Return the residuals of the first window's network, step by step, and the PSNR of its last estimate."""
    laid = networks(noisy, device)
    fit = laid.build_fit([0], 1.0)
    residuals = [float(fit.step()[0].residual) for _ in range(CURVE_STEPS)]
    return residuals, psnr(fit.estimates().cpu(), laid.windows[0].cut(clean))


def numerics(noisy: Tensor, clean: Tensor, device: Device) -> dict[str, Any]:
    """Compare the device's precision with float32 on the same device."""
    exact, exact_psnr = curve(noisy, clean, dataclasses.replace(device, precision=torch.float32))
    fast, fast_psnr = curve(noisy, clean, device)
    tail = CURVE_STEPS // 3  # single steps jump; the mean over the last third does not
    ratio = sum(fast[-tail:]) / sum(exact[-tail:])
    return {"precision": str(device.precision), "loss_ratio": ratio, "psnr_difference": fast_psnr - exact_psnr}


def network_steps_per_second(noisy: Tensor, device: Device, together: int, seconds: float = 10.0) -> float:
    """Return the rate of the default networks, some at a time."""
    laid = networks(noisy, device)
    numbers = [number % len(laid.windows) for number in range(together)]
    fit = laid.build_fit(numbers, 1.0)
    float(fit.step()[0].residual)
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        float(fit.step()[0].residual)  # waits for the device
        steps += 1
    return steps * together / (time.perf_counter() - started)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do everything that the head of this file lists."""
    keep_freed_memory()
    device = choose_device(arguments.device)
    noisy, clean = read_photo(arguments.noisy).pixels(), read_photo(arguments.clean).pixels()
    results: dict[str, Any] = {"numerics": numerics(noisy, clean, device)}
    results["steps"] = speed.step_ratios(arguments, noisy)
    together = members_together(device)
    alone, grouped = (network_steps_per_second(noisy, device, count) for count in (1, together))
    results["members"] = {"together": together, "alone": alone, "grouped": grouped, "ratio": grouped / alone}
    results["pictures"] = {
        quality: speed.cold_process(arguments.noisy, arguments.clean, quality, PriorName.PIP, arguments.device)
        for quality in ("draft", "standard")
    }
    if device.torch_device.type == "cuda":
        results["peak_bytes"] = torch.cuda.max_memory_allocated()
    return results


def main() -> None:
    """Measure, print and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=20, help="timed for the milliseconds of one")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    written = json.dumps({**about(arguments.device), **measure(arguments)}, indent=1)
    print(written)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(written + "\n")


if __name__ == "__main__":
    main()
