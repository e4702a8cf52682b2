"""The examination of `doctor`: device, precision and threads on this machine, and the speed of a short fit."""

import math
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version

import torch
import typer

from pipcli import __version__
from pipcli.console import print_json
from pipcli.degradations import Identity
from pipcli.fit.device import Device, choose_device, keep_freed_memory, members_together, workers_for
from pipcli.jobs.interruption import Interruption
from pipcli.noise import Gaussian
from pipcli.priors.batched import kernel_problem
from pipcli.refine.denoising import finish
from pipcli.refine.observation import Observation
from pipcli.restoration.loop import restore
from pipcli.restoration.members import Concurrency, Limits
from pipcli.restoration.networks import Networks
from pipcli.restoration.problem import Problem
from pipcli.settings import FINISH, PIP, TYPICAL_STEPS, Quality, StopName
from pipcli.watch import Unwatched

LIBRARIES = ("torch", "numpy", "pillow", "imagecodecs", "typer", "rich")
PROBE_SIZE, FINISHED_SIZE = (384, 384), (192, 192)
EXPECTED_SIZES = {"256x256": (256, 256), "512x512": (512, 512), "12 megapixels": (3000, 4000)}
NOISE = Gaussian.known(25 / 255)


@dataclass(frozen=True)
class _Watch(Unwatched):
    """Ignores progress and passes an interruption on."""

    interruption: Interruption

    def must_end(self) -> bool:
        """Return whether Ctrl-C or SIGTERM came."""
        return self.interruption.came


def _networks(size: tuple[int, int], device: Device) -> Networks:
    """Lay the default networks over a made-up noisy picture."""
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    return Networks(PIP, Problem(picture, Identity(NOISE), NOISE), device, StopName.NONE, 0)


def network_steps_per_second(device: Device, seconds: float, interruption: Interruption) -> float:
    """Fit a made-up picture with the default settings for some seconds and return the rate of all networks together."""
    networks = _networks(PROBE_SIZE, device)
    with workers_for(len(networks.windows), device) as workers:
        (solution,) = restore(
            [networks.picture()],
            networks.build_fit,
            limits=Limits(10**9, seconds),
            watch=_Watch(interruption),
            concurrency=Concurrency(workers, members_together(device)),
        )
    return sum(solution.steps_done) / solution.seconds


def finishing_pixels_per_second(device: Device) -> float:
    """Finish a made-up picture as the default quality does, and return the rate."""
    picture = torch.rand(1, 3, *FINISHED_SIZE, generator=torch.Generator().manual_seed(0))
    began = time.perf_counter()
    finish(picture, Observation(picture, NOISE), FINISH[Quality.STANDARD], device, seed=0)
    return math.prod(FINISHED_SIZE) / (time.perf_counter() - began)


def expected_seconds(device: Device, steps_rate: float, pixels_rate: float) -> dict[str, float]:
    """Return the seconds that pictures of some sizes will typically take at rates of network steps and of finishing."""
    return {
        name: len(_networks(size, device).windows) * TYPICAL_STEPS / steps_rate + math.prod(size) / pixels_rate
        for name, size in EXPECTED_SIZES.items()
    }


def _fast_paths(device: Device) -> list[str]:
    low = device.precision == torch.bfloat16
    processor = device.torch_device.type == "cpu"
    paths = [
        f"activations in {str(device.precision).removeprefix('torch.')}: "
        + ("this device multiplies bfloat16 natively" if low else "this device has no fast bfloat16"),
        f"{members_together(device)} networks a step",
    ]
    if device.torch_device.type == "cuda":
        problem = kernel_problem(device.torch_device)
        paths.append("steps recorded as CUDA graphs")
        paths.append("kernels of Triton" if problem is None else f"no kernels of Triton: {problem}")
    if processor:
        kept = "kept between steps (glibc)" if keep_freed_memory() else "left to the system's allocator (no glibc)"
        paths.append(f"freed memory {kept}")
    return paths


def examine(name: str, seconds: float, *, json_lines: bool, interruption: Interruption) -> None:
    """Look at the machine, time a short fit, and tell.

    Args:
        name: the device as typed by the user.
        seconds: of the probe.
        json_lines: tell in a JSON line in place of words.
        interruption: ends the probe early.

    Raises:
        UnusableInputError: there is no such device here.
    """
    device = choose_device(name)
    versions = {"pip-restore": __version__, "python": platform.python_version()}
    versions |= {library: version(library) for library in LIBRARIES}
    paths, threads, processors = _fast_paths(device), torch.get_num_threads(), os.cpu_count()
    rate = network_steps_per_second(device, seconds, interruption)
    expected = expected_seconds(device, rate, finishing_pixels_per_second(device))
    if json_lines:
        print_json(
            {
                "type": "doctor",
                "device": str(device.torch_device),
                "device_reason": device.reason,
                "precision": str(device.precision).removeprefix("torch."),
                "fast_paths": paths,
                "threads": threads,
                "processors": processors,
                "versions": versions,
                "network_steps_per_second": round(rate, 1),
                "expected_seconds": {size: round(typical, 1) for size, typical in expected.items()},
            }
        )
        return
    rows = [("device", f"{device.torch_device} ({device.reason})"), *(("", path) for path in paths)]
    rows.append(("threads", f"{threads}, of {processors} logical processors"))
    rows.append(("versions", ", ".join(f"{library} {number}" for library, number in versions.items())))
    rows.append(("speed", f"{rate:.0f} network steps a second in a probe of {seconds:g} s; denoising typically takes"))
    rows += [("", f"{_duration(typical)} for {size}") for size, typical in expected.items()]
    for title, text in rows:
        typer.echo(f"{title:10}{text}")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
