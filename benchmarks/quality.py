"""The quality of the real command: pictures x priors x qualities x noise levels x seeds, in one table and one JSON.

Noise is made once a picture, level and seed, clipped to [0, 1] and rounded to 8 bit as the published one is, and every
method gets the same file. A row holds what the command wrote: PSNR and SSIM of its file, PSNR of the networks' picture
alone, seconds of fitting, steps, why it stopped, the oracle of `denoise.py`, the input, and non-local means and total
variation on the same input. The second table has the mean over pictures and seeds of each method and level.

    python benchmarks/quality.py DATA/denoise/gt --sigmas 10 25 50 --priors pip --seeds 0 1 2 --crop 256 --json q.json
"""

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from about import about
from denoise import classics, run_command
from pipcli.media import read_photo
from pipcli.metrics import psnr

NUMBERS = ("input", "prior_alone", "psnr", "oracle", "loss", "ssim", "seconds", "nlm", "tv_best_weight")


def cropped(path: Path, side: int | None) -> NDArray[np.uint8]:
    """Return the samples (h, w, 3) of the centre of a clean picture, or of all of it."""
    samples = np.asarray(Image.open(path).convert("RGB"))
    if side is None:
        return samples
    top, left = (max(0, (length - side) // 2) for length in samples.shape[:2])
    return samples[top : top + side, left : left + side]


def with_noise(clean: NDArray[np.uint8], sigma: float, seed: int) -> NDArray[np.uint8]:
    """Add Gaussian noise of a level in grey levels of 255, clip and round."""
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.round(clean + noise), 0, 255).astype(np.uint8)


def similarity(first: Path, second: Path) -> float:
    """Return the SSIM of two files."""
    pictures = [np.asarray(read_photo(path).pixels()[0].permute(1, 2, 0)) for path in (first, second)]
    return float(structural_similarity(*pictures, channel_axis=2, data_range=1.0))


def rows_of(path: Path, sigma: float, seed: int, arguments: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Measure all methods on one noisy picture."""
    clean, noisy, output = (folder / f"{role}.png" for role in ("clean", "noisy", "output"))
    samples = cropped(path, arguments.crop)
    Image.fromarray(samples).save(clean)
    Image.fromarray(with_noise(samples, sigma, seed)).save(noisy)
    others = classics(noisy, clean, sigma)
    rows = []
    for prior, quality in product(arguments.priors, arguments.qualities):
        output.unlink(missing_ok=True)
        told = argparse.Namespace(
            prior=prior, quality=quality, seed=seed, sigma=None if arguments.blind else sigma, device=arguments.device
        )
        result = run_command(noisy, clean, output, told)
        row = {
            "picture": path.stem,
            "sigma": sigma,
            "seed": seed,
            "prior": prior,
            "quality": quality,
            "input": psnr(read_photo(noisy).pixels(), read_photo(clean).pixels()),
            "prior_alone": result["metrics"]["psnr_prior"],
            "psnr": result["metrics"]["psnr"],
            "oracle": result["oracle"],
            "loss": result["oracle"] - result["metrics"]["psnr"],
            "ssim": similarity(output, clean),
            "seconds": result["seconds"],
            "outcome": result["outcome"],
            "steps": [min(result["steps"]), max(result["steps"])],
            **others,
        }
        print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}))
        sys.stdout.flush()
        rows.append(row)
    return rows


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean of every number over pictures and seeds, a row a method and level."""
    found = []
    for method in sorted({(row["sigma"], row["prior"], row["quality"]) for row in rows}):
        same = [row for row in rows if (row["sigma"], row["prior"], row["quality"]) == method]
        mean = {name: sum(row[name] for row in same) / len(same) for name in NUMBERS}
        worst = {
            "worst_loss": max(row["loss"] for row in same),
            "least_gain": min(r["psnr"] - r["input"] for r in same),
        }
        found.append(
            dict(zip(("sigma", "prior", "quality"), method, strict=True)) | {"count": len(same)} | mean | worst
        )
    return found


def main() -> None:
    """Measure, print a line a run and a line a method, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="clean pictures, NAME.png")
    parser.add_argument("--pictures", nargs="*", help="names without .png [default: all]")
    parser.add_argument("--sigmas", nargs="*", type=float, default=[25.0])
    parser.add_argument("--priors", nargs="*", default=["pip"])
    parser.add_argument("--qualities", nargs="*", default=["standard"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--crop", type=int, help="side of the centre to measure on [default: all of it]")
    parser.add_argument("--blind", action="store_true", help="leave sigma to the command's estimate")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    names = arguments.pictures or sorted(path.stem for path in arguments.folder.glob("*.png"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, sigma, seed in product(names, arguments.sigmas, arguments.seeds):
            rows += rows_of(arguments.folder / f"{name}.png", sigma, seed, arguments, Path(folder))
    summary = means(rows)
    for row in summary:
        print("mean: " + ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    if arguments.json:
        device = "cpu" if arguments.device == "auto" and not torch.cuda.is_available() else arguments.device
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**about(device), "means": summary, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
