"""The kinds of noise: the kind that a picture has, named to the real command, against plain Gaussian least squares.

Noise is made once a picture, level and seed, clipped to [0, 1] and rounded to 8 bit; every way gets the same file, and
estimates the level itself. A row holds the PSNR of the input, of what the command wrote for `--noise gaussian`, for the
kind by name, and for `--noise auto`, which kind that took, and the levels.

    python benchmarks/noise_kinds.py FOLDER --pictures astronaut coffee --crop 128 --json noise-kinds.json
"""

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from about import about
from pipcli.cli import app
from pipcli.settings import NoiseName
from quality import cropped

Floats = NDArray[np.float64]
Spoil = Callable[[Floats, float, np.random.Generator], Floats]


def with_impulses(clean: Floats, share: float, draw: np.random.Generator) -> Floats:
    """Replace a share of the samples by black or white."""
    chance = draw.random(clean.shape)
    return np.where(chance < share / 2, 0.0, np.where(chance < share, 1.0, clean))


# How each kind spoils samples in [0, 1], and the levels of the table; JPEG does it in the file.
SPOILERS: dict[NoiseName, Spoil] = {
    NoiseName.GAUSSIAN: lambda clean, level, draw: clean + draw.normal(0, level / 255, clean.shape),
    NoiseName.POISSON: lambda clean, level, draw: draw.poisson(clean * level) / level,
    NoiseName.LAPLACE: lambda clean, level, draw: clean + draw.laplace(0, level / 255 / np.sqrt(2), clean.shape),
    NoiseName.IMPULSE: with_impulses,
    NoiseName.SPECKLE: lambda clean, level, draw: clean * (1 + draw.normal(0, level, clean.shape)),
}
LEVELS = {
    NoiseName.GAUSSIAN: (25.0,),
    NoiseName.POISSON: (30.0, 255.0),
    NoiseName.LAPLACE: (25.0,),
    NoiseName.IMPULSE: (0.1, 0.3),
    NoiseName.SPECKLE: (0.2,),
    NoiseName.JPEG: (10.0, 20.0),
}


def spoiled(clean: NDArray[np.uint8], kind: NoiseName, level: float, seed: int, stem: Path) -> Path:
    """Write a picture with noise of a kind beside a stem, and return the file."""
    if kind is NoiseName.JPEG:
        Image.fromarray(clean).save(stem.with_suffix(".jpg"), quality=round(level))
        return stem.with_suffix(".jpg")
    noisy = SPOILERS[kind](clean / 255, level, np.random.default_rng(seed))
    Image.fromarray(np.clip(np.round(255 * noisy), 0, 255).astype(np.uint8)).save(stem.with_suffix(".png"))
    return stem.with_suffix(".png")


def restored(noisy: Path, clean: Path, kind: NoiseName, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the real command and return its start and result lines, the file having been written without loss."""
    output = noisy.with_name("output.png")
    output.unlink(missing_ok=True)
    command = ["denoise", str(noisy), "-o", str(output), "--reference", str(clean), "--json", "-q", "--noise", kind]
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = app.run([*command, "--quality", arguments.quality, "--device", arguments.device])
    if code:
        raise SystemExit(code)
    return {line["type"]: line for line in map(json.loads, printed.getvalue().splitlines())}


def row_of(
    path: Path, kind: NoiseName, level: float, seed: int, arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Measure all ways on one file."""
    samples = cropped(path, arguments.crop)
    clean = folder / "clean.png"
    Image.fromarray(samples).save(clean)
    noisy = spoiled(samples, kind, level, seed, folder / "noisy")
    row: dict[str, Any] = {"picture": path.stem, "kind": str(kind), "level": level, "seed": seed}
    for way in dict.fromkeys((NoiseName.GAUSSIAN, kind, NoiseName.AUTO)):
        lines = restored(noisy, clean, way, arguments)
        metrics, name = lines["result"]["metrics"], "named" if way is kind else str(way)
        row |= {"input": metrics["psnr_input"], name: metrics["psnr"], f"{name}_prior": metrics["psnr_prior"]}
        row |= {f"{name}_level": lines["start"]["noise"]["level"], f"{name}_seconds": lines["result"]["seconds"]}
        if way is NoiseName.AUTO:
            row["took"] = lines["start"]["noise"]["kind"]
    row["gain_over_gaussian"] = row["named"] - row.get("gaussian", row["named"])
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}))
    sys.stdout.flush()
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
