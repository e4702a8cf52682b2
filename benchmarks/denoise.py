"""Measure `pip-restore denoise` on pictures whose clean versions are known.

For every picture: the real command in a process of its own (PSNR of the file that it wrote, seconds of fitting, seconds
from start to file), two classics on the same input (non-local means, total variation), and, with --oracle, the same fit
once more to its step limit, to see what the blind stop loses against the best step of the run. The folder given holds
`gt/NAME.png` and `noisy25/NAME.png`. Every figure is of one seed; say so when you quote it.

    python benchmarks/denoise.py DATA/denoise --oracle --json benchmarks/results/denoise_cpu.json
"""

import argparse
import dataclasses
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from pipcli import __version__
from pipcli.cli.photo_job import build_fit
from pipcli.degradations import Identity
from pipcli.fit.device import choose_device, keep_freed_memory
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.settings import HELD_OUT_FRACTION, PriorName, Quality, preset

Arguments = argparse.Namespace


def run_command(noisy: Path, clean: Path, output: Path, arguments: Arguments) -> dict[str, Any]:
    """Run the real command and return its result line with the seconds of the whole process."""
    command = [sys.executable, "-m", "pipcli", "denoise", str(noisy), "-o", str(output), "--reference", str(clean)]
    command += ["--prior", arguments.prior, "--quality", arguments.quality, "--seed", str(arguments.seed)]
    command += ["--json", "-q"]
    command += ["--sigma", str(arguments.sigma)] if arguments.sigma else []
    started = time.perf_counter()
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    result = next(line for line in lines if line["type"] == "result")
    return {**result, "process_seconds": round(time.perf_counter() - started, 1)}


def oracle(noisy: Path, clean: Path, arguments: Arguments) -> dict[str, float]:
    """Fit to the step limit and return the best PSNR of any estimate looked at, and its step: no user can know them."""
    settings = preset("denoise", PriorName(arguments.prior), Quality(arguments.quality), published=False)
    shared = dataclasses.replace(settings.fit, held_out_fraction=HELD_OUT_FRACTION)
    settings = dataclasses.replace(settings, fit=shared)
    observation, reference = read_photo(noisy).pixels(), read_photo(clean).pixels()
    fit = build_fit(settings, observation, Identity(None), choose_device("auto"), arguments.seed)
    best = (0.0, 0)
    for _ in range(settings.fit.steps):
        iterate = fit.step()
        if iterate.step % 10 == 0:
            best = max(best, (psnr(iterate.estimate.cpu(), reference), iterate.step))
    return {"psnr": best[0], "step": best[1]}


def classics(noisy: Path, clean: Path, sigma: float) -> dict[str, float]:
    """Return the PSNR of non-local means and of total variation, the latter with the best of four weights."""
    observed = np.asarray(read_photo(noisy).pixels()[0].permute(1, 2, 0))
    reference = read_photo(clean).pixels()

    def measure(picture: Any) -> float:
        return psnr(torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1)[None], reference)

    std = sigma / 255
    means = denoise_nl_means(observed, patch_size=5, patch_distance=6, h=0.6 * std, sigma=std, channel_axis=2)
    weights = (0.05, 0.1, 0.15, 0.2)
    variation = max(measure(denoise_tv_chambolle(observed, weight=weight, channel_axis=2)) for weight in weights)
    return {"nlm": measure(means), "tv_best_weight": variation}


def measure(name: str, arguments: Arguments, folder: Path) -> dict[str, Any]:
    """Measure one picture."""
    noisy, clean = arguments.data / "noisy25" / f"{name}.png", arguments.data / "gt" / f"{name}.png"
    result = run_command(noisy, clean, folder / f"{name}.png", arguments)
    row = {
        "picture": name,
        "input": result["metrics"]["psnr_input"],
        "blind": result["metrics"]["psnr"],
        "step": result["steps"],
        "steps_done": result["steps_done"],
        "outcome": result["outcome"],
        "fit_seconds": result["seconds"],
        "process_seconds": result["process_seconds"],
        **classics(noisy, clean, arguments.sigma or 25.0),
    }
    if arguments.oracle:
        best = oracle(noisy, clean, arguments)
        row |= {"oracle": best["psnr"], "oracle_step": best["step"], "loss": best["psnr"] - row["blind"]}
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}))
    sys.stdout.flush()
    return row


def means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean of each numeric column."""
    keys = [key for key, value in rows[0].items() if isinstance(value, float)]
    return {key: sum(row[key] for row in rows) / len(rows) for key in keys}


def main() -> None:
    """Measure, print a row a picture and the means, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with gt/ and noisy25/")
    parser.add_argument("--pictures", nargs="*", help="names without .png [default: all]")
    parser.add_argument("--prior", default="pip")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--sigma", type=float, default=25.0, help="told to the command; 0: leave it to estimate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    names = arguments.pictures or sorted(path.stem for path in (arguments.data / "noisy25").glob("*.png"))
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(name, arguments, Path(folder)) for name in names]
    summary = means(rows)
    print("mean: " + ", ".join(f"{key} {value:.2f}" for key, value in summary.items()))
    if arguments.json:
        about = {
            "command": "python benchmarks/denoise.py " + " ".join(sys.argv[1:]),
            "version": __version__,
            "torch": torch.__version__,
            "machine": platform.machine(),
            "threads": torch.get_num_threads(),
            "seed": arguments.seed,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**about, "mean": summary, "pictures": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
