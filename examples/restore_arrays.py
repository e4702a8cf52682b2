"""Restores arrays with `pipcli.restore`: a noisy picture, a picture with a hole, and a small clip.

    python examples/restore_arrays.py

Takes under a minute on a CPU with the few steps that are asked for here; leave `steps` out for the best result.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from pipcli import restore

FOLDER = Path(__file__).parent


def main() -> None:
    """Restore and print what was gained."""
    clean = np.asarray(Image.open(FOLDER / "cat.png").convert("RGB"))[:128, :128]
    noisy = (clean + np.random.default_rng(0).normal(0, 25, clean.shape)).clip(0, 255).astype(np.uint8)

    denoised = restore(noisy, sigma=25, quality="draft", steps=200, reference=clean)
    print(f"denoise: {denoised.metrics}, {denoised.reason}, {denoised.seconds:.1f} s")

    hole = np.zeros(clean.shape[:2], bool)
    hole[40:60, 30:70] = True
    filled = restore(clean, "inpaint", mask=hole, quality="draft", steps=200)
    print(f"inpaint: {np.abs(filled.image[hole].astype(int) - clean[hole]).mean():.1f} grey levels off in the hole")

    clip = np.stack([np.roll(noisy, shift, axis=1) for shift in range(4)])[:, :64, :64]
    steady = restore(clip, sigma=25, quality="draft", steps=100)
    print(f"clip: {steady.image.shape} {steady.image.dtype}, {steady.reason}")


if __name__ == "__main__":
    main()
