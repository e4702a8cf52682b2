"""Check and time the fit on a device in one call: meant for a GPU, and runs on any device.

Written to one JSON with the device's name:
  * numerics: the default networks fitted in float32 with torch's own operations, step by step, and as the command does
    it here (precision, kernels, recorded steps); how far loss curves and the PSNR of finished pictures lie apart;
  * fast paths: the kernels of Triton and the recorded step each switched off, in milliseconds a step of the default
    group of networks;
  * steps: milliseconds of a step against the published algorithm, as in `speed.py`;
  * members: network steps a second of one network at a time against as many as the device takes together;
  * quality: seconds to a better picture than the published algorithm's last output, as in `speed.py --quality`;
  * finish: the filters, and the branch, over a smoothed picture as the networks' one: their PSNR and seconds on the
    device in its precision, and on the CPU in float32;
  * maps: what follows the fit where a linear map stands between picture and observation (a quarter of the size, half
    of the pixels missing, a blur), from what a user has without us: as above;
  * clip: networks of a short clip, a window that moves over the picture, and the filters along the motion: PSNR of
    both after the same steps and seconds, as above;
  * pictures: the real command on several pictures at once against one after the other;
  * profile: the operations that take most of the device's time;
  * the peak of the device's memory.

    python benchmarks/gpu.py NOISY CLEAN --device cuda --json results/gpu.json
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

import speed
from common.about import about
from pipcli import restoration
from pipcli.degradations import Blur, Degradation, Downsample, Identity
from pipcli.fit.device import Device, choose_device, keep_freed_memory, members_together
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.motion import estimate_motion
from pipcli.noise import Gaussian
from pipcli.priors import batched
from pipcli.refine.denoising import finish
from pipcli.refine.observation import Degraded, Observation
from pipcli.restoration.frame_networks import ClipNetworks
from pipcli.restoration.networks import Networks
from pipcli.restoration.problem import Problem
from pipcli.settings import (
    CLIP_FINISH,
    CLIP_PRESETS,
    FINISH,
    PIP,
    TASK_FINISH,
    KernelName,
    PriorName,
    Quality,
    StopName,
)
from pipcli.tiles import Window, blend

NOISE = Gaussian.known(25 / 255)
CURVE_STEPS, SEEDS = 150, (0, 1, 2)
CROP, CROPS = 256, 8
BLUR_SIDE = 7
# One window of the networks of clips.
CLIP_FRAMES, CLIP_SIDE, CLIP_STEPS = 5, 128, 60
CPU = Device(torch.device("cpu"), torch.float32, "to compare with")


def networks(noisy: Tensor, device: Device, seed: int = 0) -> Networks:
    """Lay the default networks over a picture."""
    return Networks(PIP, Problem(noisy, Identity(NOISE), NOISE), device, StopName.NONE, seed)


@contextmanager
def without(*, kernels: bool = False, recording: bool = False) -> Iterator[None]:
    """Switch fast paths off."""
    with ExitStack() as stack:
        if kernels:
            stack.enter_context(patch.object(batched, "kernel_problem", lambda device: "switched off"))
        if recording:
            stack.enter_context(patch.object(restoration.networks, "recorder_for", lambda device: None))
        yield


def curve(noisy: Tensor, device: Device) -> list[float]:
    """Return the residuals of the first window's network, step by step."""
    return list(networks(noisy, device).build_fit([0], 1.0).advance(CURVE_STEPS)[0].residuals())


def finished(noisy: Tensor, clean: Tensor, device: Device, seed: int) -> float:
    """Return the PSNR of the picture that the default networks arrive at with a fixed number of steps."""
    laid = networks(noisy, device, seed)
    numbers = range(len(laid.windows))
    together = members_together(device)
    parts: list[tuple[Window, Tensor]] = []
    for start in numbers[::together]:
        group = list(numbers[start : start + together])
        fit = laid.build_fit(group, 1.0)
        fit.advance(CURVE_STEPS)
        parts += zip([laid.windows[number] for number in group], fit.estimates().cpu().split(1), strict=True)
    return psnr(blend((noisy.shape[-2], noisy.shape[-1]), parts), clean)


def numerics(noisy: Tensor, clean: Tensor, device: Device) -> dict[str, Any]:
    """Compare the command's way with float32 and torch's own operations on the same device."""
    single = dataclasses.replace(device, precision=torch.float32)
    with without(kernels=True, recording=True):
        exact = curve(noisy, single)
        exact_psnr = [finished(noisy, clean, single, seed) for seed in SEEDS]
    fast = curve(noisy, device)
    fast_psnr = [finished(noisy, clean, device, seed) for seed in SEEDS]
    third = CURVE_STEPS // 3  # single steps jump; the mean over a third does not
    ratios = [sum(fast[at : at + third]) / sum(exact[at : at + third]) for at in range(0, CURVE_STEPS, third)]
    difference = statistics.mean(fast_psnr) - statistics.mean(exact_psnr)
    return {
        "precision": str(device.precision),
        "loss_ratios": ratios,
        "psnr_exact": exact_psnr,
        "psnr_fast": fast_psnr,
        "mean_psnr_difference": difference,
    }


def fast_paths(noisy: Tensor, device: Device) -> dict[str, Any]:
    """Return the milliseconds of a step of a full group of networks with fast paths and without each."""

    def group_milliseconds() -> float:
        laid = networks(noisy, device)
        fit = laid.build_fit([number % len(laid.windows) for number in range(members_together(device))], 1.0)
        fit.advance(speed.WARM_UP)[0].residuals()
        started = time.perf_counter()
        fit.advance(speed.BLOCK)[0].residuals()
        return 1000 * (time.perf_counter() - started) / speed.BLOCK

    times = {"all": group_milliseconds(), "kernel_problem": batched.kernel_problem(device.torch_device)}
    with without(kernels=True):
        times["without_kernels"] = group_milliseconds()
    with without(recording=True):
        times["without_recording"] = group_milliseconds()
    with without(kernels=True, recording=True):
        times["without_both"] = group_milliseconds()
    return times


def top_operations(noisy: Tensor, device: Device) -> list[str]:
    """Return the operations that take most of the device's time, with their share of it."""
    laid = networks(noisy, device)
    numbers = [number % len(laid.windows) for number in range(members_together(device))]
    with without(recording=True):
        fit = laid.build_fit(numbers, 1.0)
    fit.advance(3)[0].residuals()
    with torch.profiler.profile() as profile:
        fit.advance(3)[0].residuals()
    on_gpu = device.torch_device.type == "cuda"
    times = {
        entry.key: entry.self_device_time_total if on_gpu else entry.self_cpu_time_total
        for entry in profile.key_averages()
    }
    total = sum(times.values())
    return [f"{100 * times[key] / total:.1f}% {key}" for key in sorted(times, key=times.__getitem__, reverse=True)[:12]]


def network_steps_per_second(noisy: Tensor, device: Device, together: int, seconds: float = 10.0) -> float:
    """Return the rate of the default networks, some at a time."""
    laid = networks(noisy, device)
    numbers = [number % len(laid.windows) for number in range(together)]
    fit = laid.build_fit(numbers, 1.0)
    fit.advance(speed.WARM_UP)[0].residuals()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        fit.advance(speed.BLOCK)[0].residuals()  # waits for the device
        steps += speed.BLOCK
    return steps * together / (time.perf_counter() - started)


def seconds_of(pictures: list[Path], device: str) -> float:
    """Return the seconds of fitting that one call of the command takes for all pictures."""
    command = [sys.executable, "-m", "pipcli", "denoise", *map(str, pictures), "--sigma", "25", "--device", device]
    printed = subprocess.run([*command, "--json", "-q", "--overwrite"], check=True, capture_output=True, text=True)
    lines = map(json.loads, printed.stdout.splitlines())
    return float(next(line["fitting_seconds"] for line in lines if line["type"] == "summary"))


def throughput(noisy: Path, device: str) -> dict[str, float]:
    """Return pictures a minute, of crops of a picture, one call each and all in one call."""
    photo = read_photo(noisy)
    side = min(CROP, photo.height, photo.width)
    with tempfile.TemporaryDirectory() as folder:
        crops = [Path(folder) / f"{number}.png" for number in range(CROPS)]
        for number, path in enumerate(crops):
            top, left = (number * (length - side) // CROPS for length in (photo.height, photo.width))
            Image.fromarray(photo.samples[top : top + side, left : left + side]).save(path)
        alone = sum(seconds_of([path], device) for path in crops)
        together = seconds_of(crops, device)
    return {"alone": 60 * CROPS / alone, "together": 60 * CROPS / together, "ratio": alone / together}


def finishing(noisy: Tensor, clean: Tensor, device: Device) -> dict[str, dict[str, float]]:
    """Return PSNR and seconds of what follows the fit, on the device and on the CPU, without and with the branch."""
    pilot = avg_pool2d(noisy, 5, 1, 2, count_include_pad=False)
    found: dict[str, dict[str, float]] = {}
    for name, place in {"device": device, "cpu": CPU}.items():
        for quality in (Quality.STANDARD, Quality.BEST):
            started = time.perf_counter()
            image = finish(pilot, Observation(noisy, NOISE), FINISH[quality], place, seed=0).image
            seconds = time.perf_counter() - started
            found[f"{name} {quality}"] = {"psnr": psnr(image, clean), "seconds": seconds}
    return found


def _filled(observation: Tensor, known: Tensor) -> Tensor:
    """Fill what is not known of a picture by the mean of what is known around it."""
    samples, counts = (avg_pool2d(values, 5, 1, 2) for values in (observation, known.float()))
    return torch.where(known, observation, samples / counts.clamp(min=1e-3))


def of_maps(clean: Tensor, device: Device) -> dict[str, dict[str, float]]:
    """Return PSNR and seconds of the draft rounds of each task with a linear map, on the device and on the CPU."""
    noise, kernel = Gaussian.of_rounding(8), torch.ones(BLUR_SIDE, BLUR_SIDE) / BLUR_SIDE**2
    known = torch.rand(1, 1, *clean.shape[-2:], generator=torch.Generator().manual_seed(0)) < 0.5
    maps: dict[str, tuple[Degradation, Tensor | None]] = {
        "sr": (Downsample(noise, Fraction(4), KernelName.LANCZOS), None),
        "inpaint": (Identity(noise), known),
        "deblur": (Blur(noise, kernel), None),
    }
    found: dict[str, dict[str, float]] = {}
    for name, place in {"device": device, "cpu": CPU}.items():
        for task, (degradation, observed) in maps.items():
            observation = degradation(clean) if observed is None else clean * observed
            start = degradation.naive(observation) if observed is None else _filled(observation, observed)
            degraded = Degraded(degradation.to(place.torch_device), degradation.naive, observed)
            started = time.perf_counter()
            known = Observation(observation, noise, degraded)
            image = finish(start, known, TASK_FINISH[task][Quality.DRAFT], place, seed=0).image
            seconds = time.perf_counter() - started
            truth = degradation.visible(clean) if task != "sr" else clean[..., : image.shape[-2], : image.shape[-1]]
            found[f"{name} {task}"] = {"psnr": psnr(degradation.visible(image), truth), "seconds": seconds}
            degradation.to("cpu")
    return found


def of_clip(clean: Tensor, device: Device) -> dict[str, dict[str, float]]:
    """Return PSNR and seconds of networks of blocks of frames and of their filters, on the device and on the CPU."""
    frames = torch.cat([clean[..., at : at + CLIP_SIDE, at : at + CLIP_SIDE] for at in range(0, 3 * CLIP_FRAMES, 3)])
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
    noisy = (frames + NOISE.std * noise).clamp(0, 1)
    settings, motion = CLIP_PRESETS[PriorName.PIP], estimate_motion(noisy)
    problem = Problem(noisy, Identity(NOISE), NOISE, motion_of=lambda frames: motion)
    found: dict[str, dict[str, float]] = {}
    for name, place in {"device": device, "cpu": CPU}.items():
        laid = ClipNetworks(settings, problem, place, StopName.NONE, 0)
        started = time.perf_counter()
        fit = laid.build_fit([0], 1.0)
        fit.advance(CLIP_STEPS)
        pilot = laid.as_pictures(fit.estimates().cpu())
        fitted = time.perf_counter()
        known = Observation(noisy, NOISE, motion_of=estimate_motion)
        image = finish(pilot, known, CLIP_FINISH[Quality.DRAFT], place, seed=0).image
        found[name] = {
            "psnr_networks": psnr(pilot, frames),
            "psnr": psnr(image, frames),
            "seconds_networks": fitted - started,
            "seconds_filters": time.perf_counter() - fitted,
        }
    return found


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do everything that the head of this file lists."""
    keep_freed_memory()
    device = choose_device(arguments.device)
    noisy, clean = read_photo(arguments.noisy).pixels(), read_photo(arguments.clean).pixels()
    results: dict[str, Any] = {"numerics": numerics(noisy, clean, device)}
    results["fast_paths"] = fast_paths(noisy, device)
    results["steps"] = speed.step_ratios(arguments, noisy)
    together = members_together(device)
    alone, grouped = (network_steps_per_second(noisy, device, count) for count in (1, together))
    results["members"] = {"together": together, "alone": alone, "grouped": grouped, "ratio": grouped / alone}
    results["quality"] = speed.quality_ratios(arguments, noisy, clean)
    results["finish"] = finishing(noisy, clean, device)
    results["maps"] = of_maps(clean, device)
    results["clip"] = of_clip(clean, device)
    results["pictures"] = throughput(arguments.noisy, arguments.device)
    results["profile"] = top_operations(noisy, device)
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
    parser.add_argument("--qualities", nargs="*", default=["draft", "standard"])
    parser.add_argument("--prior", default="pip", help="of the quality")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    written = json.dumps({**about(arguments.device), **measure(arguments)}, indent=1)
    print(written)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(written + "\n")


if __name__ == "__main__":
    main()
