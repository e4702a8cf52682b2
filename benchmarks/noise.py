"""Measure the blind noise estimate: add clipped Gaussian noise of a known level to clean pictures and estimate it.

python benchmarks/noise.py DATA/denoise/gt
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from pipcli.media import read_photo
from pipcli.noise import estimate_noise_std

LEVELS = (10, 25, 50)


def estimates(path: Path, sigma: int, seeds: int) -> list[float]:
    """Return the estimated levels, in grey levels of 255, of one picture with 8-bit noise of several seeds."""
    clean = read_photo(path).pixels()
    found = []
    for seed in range(seeds):
        noise = np.random.default_rng(seed).normal(0, sigma / 255, tuple(clean.shape)).astype(np.float32)
        noisy = ((clean + torch.from_numpy(noise)).clamp(0, 1) * 255).round() / 255
        found.append(255 * estimate_noise_std(noisy))
    return found


def main() -> None:
    """Print the worst estimate of each picture and level with its error in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for path in sorted(arguments.folder.glob("*.png")):
        cells = []
        for sigma in LEVELS:
            worst = max(estimates(path, sigma, arguments.seeds), key=lambda value, sigma=sigma: abs(value - sigma))
            cells.append(f"sigma {sigma}: {worst:.1f} ({100 * (worst / sigma - 1):+.1f} %)")
        print(f"{path.stem}: " + ", ".join(cells))


if __name__ == "__main__":
    main()
