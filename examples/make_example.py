"""Make the example pictures of this folder: crops of scikit-image's pictures, and the cat with Gaussian noise.

The photographs are free: `chelsea` by Stefan van der Walt and `coffee` by Rachel Michetti, courtesy of Pikolo Espresso
Bar (both CC0), and the launch of a Falcon 9 by SpaceX (public domain). Run with the `benchmarks` extra
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
    """Write cat.png, cat_noisy25.png, coffee.png and rocket.png."""
    clean = skimage.data.chelsea()[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    noise = np.random.default_rng(SEED).normal(0, SIGMA, clean.shape)
    noisy = np.round(np.clip(clean + noise, 0, 255)).astype(np.uint8)
    Image.fromarray(clean).save(FOLDER / "cat.png", optimize=True)
    Image.fromarray(skimage.data.coffee()[60:316, 160:416]).save(FOLDER / "coffee.png", optimize=True)
    Image.fromarray(skimage.data.rocket()[150:406, 190:446]).save(FOLDER / "rocket.png", optimize=True)
    Image.fromarray(noisy).save(FOLDER / f"cat_noisy{SIGMA}.png", optimize=True)


if __name__ == "__main__":
    main()
