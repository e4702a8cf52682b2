"""The kinds of noise: the kind that a picture has, named to the real command, against plain Gaussian least squares.

Noise is made once a picture, level and seed, clipped to [0, 1] and rounded to 8 bit; every way gets the same file, and
estimates the level itself. A row holds the PSNR of the input, of what the command wrote for `--noise gaussian`, for the
kind by name, and for `--noise auto`, which kind that took, and the levels.

    python benchmarks/noise_kinds.py FOLDER --pictures astronaut coffee --crop 128 --json noise-kinds.json
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from common.about import about
from common.measuring import cropped, run_command, show_row, write_noisy
from pipcli.settings import NoiseName

# The levels of the table.
LEVELS = {
    NoiseName.GAUSSIAN: (25.0,),
    NoiseName.POISSON: (30.0, 255.0),
    NoiseName.LAPLACE: (25.0,),
    NoiseName.IMPULSE: (0.1, 0.3),
    NoiseName.SPECKLE: (0.2,),
    NoiseName.JPEG: (10.0, 20.0),
}


def row_of(
    path: Path, kind: NoiseName, level: float, seed: int, arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Measure all ways on one file."""
    samples = cropped(path, arguments.crop)
    clean = folder / "clean.png"
    Image.fromarray(samples).save(clean)
    noisy = write_noisy(samples, kind, level, seed, folder / "noisy")
    row: dict[str, Any] = {"picture": path.stem, "kind": str(kind), "level": level, "seed": seed}
    for way in dict.fromkeys((NoiseName.GAUSSIAN, kind, NoiseName.AUTO)):
        words = ["--noise", way, "--quality", arguments.quality, "--device", arguments.device]
        # The file is written without loss, whatever the input's format.
        lines = run_command(noisy, clean, folder / "output.png", words)
        metrics, name = lines["result"]["metrics"], "named" if way is kind else str(way)
        row |= {"input": metrics["psnr_input"], name: metrics["psnr"], f"{name}_prior": metrics["psnr_prior"]}
        row |= {f"{name}_level": lines["start"]["noise"]["level"], f"{name}_seconds": lines["result"]["seconds"]}
        if way is NoiseName.AUTO:
            row["took"] = lines["start"]["noise"]["kind"]
    row["gain_over_gaussian"] = row["named"] - row.get("gaussian", row["named"])
    show_row(row)
    return row


def main() -> None:
    """Measure, print a line a run, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="clean pictures, NAME.png")
    parser.add_argument("--pictures", nargs="*", help="names without .png [default: all]")
    parser.add_argument("--kinds", nargs="*", type=NoiseName, default=list(LEVELS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--crop", type=int, help="side of the centre to measure on [default: all of it]")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    names = arguments.pictures or sorted(path.stem for path in arguments.folder.glob("*.png"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, seed in product(names, arguments.kinds, arguments.seeds):
            path = arguments.folder / f"{name}.png"
            rows += [row_of(path, kind, level, seed, arguments, Path(folder)) for level in LEVELS[kind]]
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**about("cpu"), "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
