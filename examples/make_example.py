"""Make the example picture of this folder: a crop of scikit-image's `chelsea`, and the same with Gaussian noise.

The photograph is by Stefan van der Walt, who put it into the public domain (CC0). Run with the `benchmarks` extra
installed, `python examples/make_example.py`; the results are kept in the repository, so that nobody has to.
"""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

FOLDER = Path(__file__).parent
TOP, LEFT, SIDE = 10, 90, 256
SIGMA, SEED = 25, 2026


def main() -> None:
    """Write cat.png and cat_noisy25.png."""
    clean = skimage.data.chelsea()[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    noise = np.random.default_rng(SEED).normal(0, SIGMA, clean.shape)
    noisy = np.round(np.clip(clean + noise, 0, 255)).astype(np.uint8)
    Image.fromarray(clean).save(FOLDER / "cat.png", optimize=True)
    Image.fromarray(noisy).save(FOLDER / f"cat_noisy{SIGMA}.png", optimize=True)


if __name__ == "__main__":
    main()
