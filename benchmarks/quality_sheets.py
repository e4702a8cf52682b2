"""Draw docs/quality-*.png: noisy, non-local means, `--quality standard`, `--quality best` and clean, side by side.

The pictures are parts of some that come with scikit-image and may be shown by anybody: `astronaut` (Eileen Collins,
NASA, public domain), `coffee` (Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0) and `rocket` (SpaceX, public
domain). Noise is of seed 0, its kind and level are told, and the files are those that the real command writes.

    python benchmarks/quality_sheets.py --out docs
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from common.measuring import IN_GREY_LEVELS, Samples, non_local_means, run_command, values_of, write_noisy
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.settings import NoiseName
from pipcli.sheet import Panel, side_by_side

# Five panels of more pixels, one of them noise, would make a larger file than a page should have.
SIDE = 224
LARGEST_BYTES = 500_000
SEED = 0


@dataclass(frozen=True)
class Sheet:
    """A picture of scikit-image by its name, the corner of the part that is shown, and the noise."""

    picture: str
    top: int
    left: int
    noise: NoiseName
    level: float

    def clean(self) -> Samples:
        """Return the (SIDE, SIDE, 3) samples."""
        whole = np.asarray(getattr(skimage.data, self.picture)())
        return whole[self.top : self.top + SIDE, self.left : self.left + SIDE]


SHEETS = (
    Sheet("astronaut", 0, 110, NoiseName.GAUSSIAN, 25),
    Sheet("coffee", 60, 170, NoiseName.GAUSSIAN, 50),
    Sheet("rocket", 200, 200, NoiseName.POISSON, 30),
)


def drawn(sheet: Sheet, more: list[str], folder: Path) -> bytes:
    """Return the PNG of a sheet, its restored pictures made by the command with more words."""
    clean = folder / "clean.png"
    Image.fromarray(sheet.clean()).save(clean)
    noisy = write_noisy(sheet.clean(), sheet.noise, sheet.level, SEED, folder / "noisy")
    files = {"noisy": noisy, "NLM": folder / "means.png"}
    truth, observed = values_of(clean), values_of(noisy)
    std = float(np.sqrt(np.square(observed - truth).mean()))
    means = non_local_means(observed, sheet.level / 255 if sheet.noise in IN_GREY_LEVELS else std)
    Image.fromarray(np.round(255 * means.clip(0, 1)).astype(np.uint8)).save(files["NLM"])
    strength = "--sigma" if sheet.noise in IN_GREY_LEVELS else "--level"
    words = ["--noise", str(sheet.noise), strength, f"{sheet.level:g}", "--seed", str(SEED), *more]
    for quality in ("standard", "best"):
        files[quality] = folder / f"{quality}.png"
        run_command(noisy, clean, files[quality], [*words, "--quality", quality])
    panels = [
        Panel(f"{label}, {psnr(values_of(path), truth):.2f} dB", read_photo(path).samples)
        for label, path in files.items()
    ]
    return side_by_side([*panels, Panel("clean", sheet.clean())])


def main() -> None:
    """Draw all sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--steps", type=int, help="upper bound of steps, for a quick try")
    arguments = parser.parse_args()
    more = [] if arguments.steps is None else ["--steps", str(arguments.steps)]
    for sheet in SHEETS:
        with tempfile.TemporaryDirectory() as folder:
            data = drawn(sheet, more, Path(folder))
        if len(data) > LARGEST_BYTES:
            raise SystemExit(f"the sheet of {sheet.picture} has {len(data)} bytes, more than {LARGEST_BYTES}")
        path = arguments.out / f"quality-{sheet.noise}-{sheet.level:g}.png"
        path.write_bytes(data)
        print(path, len(data))


if __name__ == "__main__":
    main()
