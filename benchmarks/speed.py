"""Time a step, and a whole picture, against the published algorithm in the same run.

The milliseconds of one step of one network on the whole picture: the published network as its authors run it
(`baseline.py`, in a process of its own), our engine with a network of the same widths (five scales of 128 channels),
and our engine with the network of the preset. Or, with --quality, whole restorations: the baseline to its last step,
and the real command as a process of its own, from its start to the written file.

    python benchmarks/speed.py NOISY CLEAN --json speed.json
    python benchmarks/speed.py NOISY CLEAN --quality --json quality.json
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from torch import Tensor

import baseline
from common.about import about
from pipcli.degradations import Identity
from pipcli.fit.device import choose_device, keep_freed_memory
from pipcli.media import read_photo
from pipcli.noise import Gaussian
from pipcli.restoration.networks import Networks
from pipcli.restoration.problem import Problem
from pipcli.settings import DIP, PIP, PUBLISHED_DIP, PUBLISHED_PIP, Merge, PriorName, Sampling, Settings, StopName

PUBLISHED_STEPS = {"pip": 1800, "dip": 3000}
WARM_UP = 5  # steps, among them the one that a GPU records
BLOCK = 5


def same_widths(published: Settings) -> Settings:
    """Return a published row with the engine's ways of halving and joining, which its kernels are made for."""
    shape = dataclasses.replace(published.network, sampling=Sampling.MEAN, merge=Merge.SUM, redundant_biases=False)
    return dataclasses.replace(published, network=shape)


def milliseconds(settings: Settings, noisy: Tensor, device: str, steps: int) -> float:
    """Return the median time of a step of one network on the whole picture, over blocks as the command makes them."""
    where = choose_device(device)
    noise = Gaussian.known(25 / 255)
    whole = dataclasses.replace(settings, tiles=None)
    fit = Networks(whole, Problem(noisy, Identity(noise), noise), where, StopName.NONE, 0).build_fit([0], 1.0)
    fit.advance(WARM_UP)[0].residuals()
    times = []
    for _ in range(max(3, steps // BLOCK)):
        started = time.perf_counter()
        fit.advance(BLOCK)[0].residuals()  # waits for the device
        times.append(1000 * (time.perf_counter() - started) / BLOCK)
    return statistics.median(times)


def reference_milliseconds(prior: str, arguments: argparse.Namespace) -> float:
    """Return the baseline's time of a step, in a process of its own with the allocator as its authors have it."""
    command = [sys.executable, baseline.__file__, str(arguments.noisy), str(arguments.clean), "--prior", prior]
    command += ["--steps", str(arguments.steps + WARM_UP), "--device", arguments.device]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: float = json.loads(printed)["milliseconds"]
    return measured


def step_ratios(arguments: argparse.Namespace, noisy: Tensor) -> dict[str, Any]:
    """Return the milliseconds of a step of the baseline and of ours, for both priors."""
    keep_freed_memory()
    device, steps = arguments.device, arguments.steps
    results: dict[str, Any] = {}
    for prior, published, own in (("pip", PUBLISHED_PIP, PIP), ("dip", PUBLISHED_DIP, DIP)):
        reference = reference_milliseconds(prior, arguments)
        same = milliseconds(same_widths(published), noisy, device, steps)
        preset = milliseconds(own, noisy, device, steps)
        results[prior] = {
            "baseline_ms": reference,
            "same_widths_ms": same,
            "same_widths_ratio": reference / same,
            "preset_network_ms": preset,
            "preset_network_ratio": reference / preset,
        }
    return results


def cold_process(noisy: Path, clean: Path, quality: str, prior: PriorName, device: str) -> dict[str, float]:
    """Run the command as a process of its own; return its seconds from start to end and the PSNR of its file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipcli", "denoise", str(noisy), "-o", f"{folder}/out.png", "--sigma", "25"]
        command += [
            "--quality",
            quality,
            "--prior",
            prior,
            "--device",
            device,
            "--reference",
            str(clean),
            "--json",
            "-q",
        ]
        started = time.perf_counter()
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - started
    result = next(line for line in map(json.loads, printed.splitlines()) if line["type"] == "result")
    return {"seconds": seconds, "psnr": result["metrics"]["psnr"]}


def quality_ratios(arguments: argparse.Namespace, noisy: Tensor, clean: Tensor) -> dict[str, Any]:
    """Return the baseline's time and quality at its last step, and those of the command's qualities."""
    steps = PUBLISHED_STEPS[arguments.prior]
    started = time.perf_counter()
    reference = baseline.run(arguments.prior, noisy, clean, steps, arguments.device, warm_up=0)
    seconds = time.perf_counter() - started
    results: dict[str, Any] = {"baseline": {"steps": steps, "seconds": seconds, "psnr": reference.raw}}
    for quality in arguments.qualities:
        ours = cold_process(arguments.noisy, arguments.clean, quality, PriorName(arguments.prior), arguments.device)
        results[quality] = {**ours, "ratio": seconds / ours["seconds"], "better": ours["psnr"] > reference.raw}
    return results


def main() -> None:
    """Measure, print and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--steps", type=int, default=20, help="timed for the milliseconds of one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quality", action="store_true", help="whole pictures in place of steps: many minutes")
    parser.add_argument("--qualities", nargs="*", default=["draft", "standard"])
    parser.add_argument("--prior", choices=list(PUBLISHED_STEPS), default="pip", help="of --quality")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    noisy, clean = read_photo(arguments.noisy).pixels(), read_photo(arguments.clean).pixels()
    results = quality_ratios(arguments, noisy, clean) if arguments.quality else step_ratios(arguments, noisy)
    print(json.dumps(results, indent=1))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        result = {**about(arguments.device), "size": list(noisy.shape[-2:]), "results": results}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
