"""A task of the real command on files with known truth: files x methods, in one table and one JSON.

INPUT files are given to the command with the words after --words; {stem} in --truth and in those words is the name of
the input without its ending (and without --strip, if it ends in that), {first} and {last} what is before and behind its
first underscore. A method is PRIOR:QUALITY (`pip:paper` runs the
published one). What is measured is the file that the command wrote:

- rgb: PSNR over all samples.
- luma: PSNR of BT.601 luma in studio range, without a border of --border pixels, as papers on super-resolution do.
- hole: PSNR over the pixels that --mask says are to be filled.
- shifted: PSNR of the best shift without a border, as papers on blind deblurring do; see `deblurring.py`.

Beside each: the same measure of the input as it is (enlarged bicubically where it is smaller), the PSNR of the networks
alone over all samples, steps, why they stopped, and the seconds that the command reports.

    python benchmarks/tasks.py DATA/sr/lr_x4/*.png --truth 'DATA/sr/hr/{stem}.png' --measure luma --border 4 \\
        --json benchmarks/results/sr-x4.json --words sr --scale 4
    python benchmarks/tasks.py DATA/inpaint/random50/*_masked.png --strip _masked \\
        --truth 'DATA/inpaint/random50/{stem}_gt.png' --json benchmarks/results/inpaint-50.json \\
        --words inpaint --mask 'DATA/inpaint/random50/{stem}_hole.png'
    python benchmarks/tasks.py DATA/deblur/*_img.png --strip _img --truth 'DATA/deblur/gt/{first}.png' \
        --measure shifted --json benchmarks/results/deblur.json --words deblur
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from common.about import about
from common.measuring import Floats, run_task, show_row, values_of
from common.summaries import mean
from deblurring import psnr_of_best_shift
from pipcli.metrics import luma, psnr

Row = dict[str, Any]


def clean_rgb(path: Path, channels: int, folder: Path) -> Path:
    """Write a picture without its alpha and return the file: some research files carry an opaque one."""
    output = folder / "truth.png"
    Image.open(path).convert("L" if channels == 1 else "RGB").save(output)
    return output


def bare(path: Path, folder: Path) -> Path:
    """Write a picture without its alpha and return the file; one without is returned as it is."""
    with Image.open(path) as image:
        if image.mode not in ("RGBA", "LA"):
            return path
        image.convert(image.mode[:-1]).save(folder / "input.png")
    return folder / "input.png"


def enlarged(path: Path, like: Floats) -> Floats:
    """Return the values of a file, made as large as others by bicubic interpolation where it is smaller."""
    values = values_of(path)
    if values.shape == like.shape:
        return values
    height, width = like.shape[:2]
    planes = [Image.fromarray(values[:, :, channel].astype(np.float32)) for channel in range(values.shape[2])]
    large = [np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC), np.float64) for plane in planes]
    return np.stack(large, axis=2).clip(0, 1)


def measure_of(arguments: argparse.Namespace, picture: Floats, truth: Floats, filled: Floats | None) -> float:
    """Return how near a picture is to its truth."""
    if arguments.measure == "luma":
        cut = slice(arguments.border, -arguments.border or None)
        return psnr(luma(picture)[cut, cut], luma(truth)[cut, cut])
    if arguments.measure == "shifted":
        return psnr_of_best_shift(torch.from_numpy(picture.mean(axis=2)), torch.from_numpy(truth.mean(axis=2)))[0]
    if arguments.measure == "hole":
        if filled is None:
            raise SystemExit("--measure hole wants --mask among the --words")
        return psnr(picture[filled[:, :] > 0], truth[filled[:, :] > 0])
    return psnr(picture, truth)


def holes(words: list[str]) -> Floats | None:
    """Return where the mask among the words is to be filled, (H, W) of 0 and 1."""
    if "--mask" not in words:
        return None
    white = values_of(Path(words[words.index("--mask") + 1])).mean(axis=2) >= 0.5
    return (~white if "--invert-mask" in words else white).astype(np.float64)


def row_of(source: Path, method: str, arguments: argparse.Namespace, folder: Path) -> Row:
    """Run the real command on one file and measure what it wrote."""
    stem = source.stem.removesuffix(arguments.strip)
    first, _, last = stem.partition("_")
    words = [word.format(stem=stem, first=first, last=last) for word in arguments.words]
    given = bare(source, folder)
    truth_file = clean_rgb(
        Path(arguments.truth.format(stem=stem, first=first, last=last)), values_of(given).shape[2], folder
    )
    prior, quality = method.split(":")
    more = ["--prior", prior, *(["--paper"] if quality == "paper" else ["--quality", quality])]
    more += ["--seed", str(arguments.seed), "--device", arguments.device]
    more += [] if arguments.steps is None else ["--steps", str(arguments.steps)]
    output = folder / "output.png"
    lines = run_task(words[0], given, truth_file, output, [*words[1:], *more])
    result, truth, filled = lines["result"], values_of(truth_file), holes(words)
    steps = result["steps"]
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        (arguments.keep / f"{stem}_{prior}_{quality}.png").write_bytes(output.read_bytes())
    return {
        "picture": stem,
        "size": list(truth.shape[:2]),
        "method": method,
        "seed": arguments.seed,
        "input": measure_of(arguments, enlarged(given, truth), truth, filled),
        arguments.measure: measure_of(arguments, values_of(output), truth, filled),
        "psnr": result["metrics"]["psnr"],
        "psnr_prior": result["metrics"]["psnr_prior"],
        "steps": [min(steps), max(steps)] if steps else None,
        "outcome": result["outcome"],
        "seconds": result["seconds"],
    }


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", type=Path, nargs="+", metavar="INPUT")
    parser.add_argument("--truth", required=True, metavar="PATTERN")
    parser.add_argument("--strip", default="", help="what the names of inputs end in beyond {stem}")
    parser.add_argument("--measure", choices=["rgb", "luma", "hole", "shifted"], default="rgb")
    parser.add_argument("--border", type=int, default=0, help="pixels that --measure luma leaves out")
    parser.add_argument("--methods", nargs="*", default=["pip:standard"], metavar="PRIOR:QUALITY")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="upper bound of steps, for a quick try")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to leave the written pictures")
    parser.add_argument("--words", nargs=argparse.REMAINDER, required=True, help="the task and its options; last")
    return parser.parse_args()


def main() -> None:
    """Measure, print a line a run and the means, and write the JSON if asked."""
    arguments = parsed()
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    head = about(automatic if arguments.device == "auto" else arguments.device)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        for source in arguments.inputs:
            for method in arguments.methods:
                rows.append(row_of(source, method, arguments, Path(name)))
                show_row(rows[-1])
                means = [
                    {"method": of} | {key: mean(row[key] for row in rows if row["method"] == of) for key in keys}
                    for of in arguments.methods
                    for keys in [("input", arguments.measure, "psnr", "psnr_prior", "seconds")]
                ]
                if arguments.json is not None:
                    whole = {**head, "measure": arguments.measure, "means": means, "runs": rows}
                    arguments.json.write_text(json.dumps(whole, indent=1) + "\n")
    for row in means:
        print("mean:", end=" ")
        show_row(row)


if __name__ == "__main__":
    main()
