"""Make the example pictures of this folder: crops of scikit-image's pictures, and the cat with Gaussian noise.

The photographs are free: `chelsea` by Stefan van der Walt and `coffee` by Rachel Michetti, courtesy of Pikolo Espresso
Bar (both CC0), and the launch of a Falcon 9 by SpaceX (public domain). `fundus.png` is `microaneurysms`, a detail of a
photograph of a retina with the noise of its camera, as it was taken: from the High-Resolution Fundus Image Database of
Budai, Bock, Maier, Hornegger and Michelson (2013), CC0 given by its owner, Andreas Maier. `fundus_sheet.png` is made by

    pip-restore denoise examples/fundus.png --sheet examples/fundus_sheet.png -o cleaned.png

Run with the `benchmarks` extra installed, `python examples/make_example.py`; the results are kept in the repository, so
that nobody has to.
"""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

FOLDER = Path(__file__).parent
TOP, LEFT, SIDE = 10, 90, 256
SIGMA, SEED = 25, 2026


def main() -> None:
    """Write cat.png, cat_noisy25.png, coffee.png, rocket.png and fundus.png."""
    clean = skimage.data.chelsea()[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    noise = np.random.default_rng(SEED).normal(0, SIGMA, clean.shape)
    noisy = np.round(np.clip(clean + noise, 0, 255)).astype(np.uint8)
    Image.fromarray(clean).save(FOLDER / "cat.png", optimize=True)
    Image.fromarray(skimage.data.coffee()[60:316, 160:416]).save(FOLDER / "coffee.png", optimize=True)
    Image.fromarray(skimage.data.rocket()[150:406, 190:446]).save(FOLDER / "rocket.png", optimize=True)
    Image.fromarray(skimage.data.microaneurysms()).save(FOLDER / "fundus.png", optimize=True)
    Image.fromarray(noisy).save(FOLDER / f"cat_noisy{SIGMA}.png", optimize=True)


if __name__ == "__main__":
    main()
