"""Clips through the real command: denoised, enlarged or with frames in between; clips x methods, a table and a JSON.

What a clip decodes to is the truth, cut to its centre (--crop) and its first frames (--frames), as 8-bit pictures. The
test input is made of it by `degrade`: noise of --sigma (--task denoise), one of --scale (sr), or without every second
frame (interpolate). The command gets the input and nothing else, unless --words say more, and writes pictures; these
are what `compare` measures: volume PSNR, the worst frame, similarity in space and time, PSNR of the differences between
neighbouring frames, warping error. Of interpolation, the hidden frames alone are measured.

A method is PRIOR:QUALITY (`pip:paper` runs the published settings), and PRIOR:QUALITY:per-frame restores each frame by
itself. `input` is the input as it is: noisy, enlarged bicubically, or neighbours blended. With --resume, rows that are
in --json already are not measured again.

    python benchmarks/clips.py DATA/video/{bear,rollerblade}_gt.mp4 --crop 160 --frames 5 --json clips-denoise.json \\
        --methods input pip:standard pip:standard:per-frame pip:paper
    python benchmarks/clips.py DATA/video/bear_gt.mp4 --task sr --crop 160 --frames 5 --json clips-sr.json
    python benchmarks/clips.py DATA/video/{blackswan_gt,judo}.mp4 --task interpolate --json clips-interpolate.json
"""

import argparse
import io
import json
import tempfile
import time
from contextlib import redirect_stdout
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from common.about import about
from common.measuring import show_row
from common.summaries import mean
from pipcli.cli import app
from pipcli.media.clips import open_clip, read_frames

Row = dict[str, Any]
Samples = NDArray[np.uint8]

INPUT = "input"
MEASURES = ("psnr", "psnr_mean", "psnr_worst", "ssim_3d", "psnr_changes", "warping_error")


def decoded(path: Path, crop: int | None, frames: int | None, unit: int) -> list[Samples]:
    """Return the first frames of a clip, cut to their centre and to sides that are multiples of a unit."""
    clip = open_clip(path)
    height, width = ((min(length, crop or length)) // unit * unit for length in (clip.height, clip.width))
    top, left = (clip.height - height) // 2, (clip.width - width) // 2
    stop = min(clip.frame_count, frames or clip.frame_count)
    return [
        np.round(samples[top : top + height, left : left + width] / 257).astype(np.uint8)
        for samples in read_frames(clip, 0, stop)
    ]


def write_folder(folder: Path, frames: list[Samples]) -> Path:
    """Write frames as a folder of numbered pictures and return it."""
    folder.mkdir()
    for number, samples in enumerate(frames):
        Image.fromarray(samples).save(folder / f"{number:04}.png", compress_level=1)
    return folder


def pictures_of(folder: Path) -> list[Samples]:
    """Return the frames of a folder of numbered pictures."""
    return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]


def run(*words: str | Path) -> list[dict[str, Any]]:
    """Run the real command and return its JSON lines."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = app.run([str(word) for word in words])
    if code:
        raise SystemExit(code)
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def make_input(arguments: argparse.Namespace, truth: Path, folder: Path) -> Path:
    """Make the test input of a truth, and return it."""
    made = folder / "given"
    if arguments.task == "interpolate":
        return write_folder(made, pictures_of(truth)[::2])
    kind = ["noise", "--sigma", str(arguments.sigma), "--seed", str(arguments.seed)]
    words = kind if arguments.task == "denoise" else ["downsample", "--scale", str(arguments.scale)]
    run("degrade", words[0], truth, *words[1:], "-o", made, "--json", "-q")
    return made


def as_it_is(task: str, given: list[Samples], size: tuple[int, int]) -> list[Samples]:
    """Return what the input shows without any restoration, of the size and number of the result."""
    if task == "sr":
        return [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in given]
    if task == "interpolate":
        between = [(np.uint16(a) + b + 1) // 2 for a, b in pairwise(given)]
        together = [frame for pair in zip(given, between, strict=False) for frame in pair]
        return [np.asarray(frame, np.uint8) for frame in [*together, given[-1]]]
    return given


def restored(arguments: argparse.Namespace, method: str, given: Path, folder: Path) -> tuple[list[Samples], Row]:
    """Run the real command and return the frames that it wrote, with what it says of them."""
    prior, quality, *way = method.split(":")
    words = ["--prior", prior, *(["--paper"] if quality == "paper" else ["--quality", quality])]
    words += [f"--{word}" for word in way]
    words += ["--scale", str(arguments.scale)] if arguments.task == "sr" else []
    if arguments.task == "interpolate":
        words = ["--factor", "2"]
    words += ["--seed", str(arguments.seed), "--device", arguments.device, *arguments.words]
    output, began = folder / "restored", time.perf_counter()
    lines = run("video", given, "--task", arguments.task, "-o", output, "--json", "-q", *words)
    seconds = time.perf_counter() - began
    result = next(line for line in lines if line["type"] == "result")
    steps = result["steps"] or [0]
    said = {"seconds": round(seconds, 1), "outcome": result["outcome"], "steps": [min(steps), max(steps)]}
    frames = pictures_of(output)
    if arguments.keep is not None:
        kept = arguments.keep / f"{given.parent.name}_{method.replace(':', '_')}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        output.rename(kept)
    return frames, said


def row_of(source: Path, method: str, arguments: argparse.Namespace) -> Row:
    """Measure what a method makes of a clip."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / source.stem
        folder.mkdir()
        clean = decoded(source, arguments.crop, arguments.frames, arguments.scale if arguments.task == "sr" else 1)
        if arguments.task == "interpolate" and len(clean) % 2 == 0:
            clean.pop()  # behind which no frame is shown
        given = make_input(arguments, write_folder(folder / "truth", clean), folder)
        size = (clean[0].shape[1], clean[0].shape[0])
        if method == INPUT:
            frames, said = as_it_is(arguments.task, pictures_of(given), size), {"seconds": 0.0}
        else:
            frames, said = restored(arguments, method, given, folder)
        step = 2 if arguments.task == "interpolate" else 1
        measured = write_folder(folder / "measured", frames[: len(clean)][step - 1 :: step])
        truth = write_folder(folder / "reference", clean[step - 1 :: step])
        (line,) = run("compare", measured, truth, "--json")
    its = line["clips"][0]
    its["psnr_mean"] = round(mean(its["psnr_frames"]), 4)
    return {**key_of(source, method, arguments), **{key: its[key] for key in MEASURES}, **said}


def key_of(source: Path, method: str, arguments: argparse.Namespace) -> Row:
    """Return what tells a run from others."""
    strengths = {"denoise": arguments.sigma, "sr": arguments.scale, "interpolate": 2}
    return {
        "clip": source.stem,
        "task": arguments.task,
        "size": arguments.crop,
        "frames": arguments.frames,
        "strength": strengths[arguments.task],
        "seed": arguments.seed,
        "method": method,
        "words": arguments.words,
    }


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--task", choices=["denoise", "sr", "interpolate"], default="denoise")
    parser.add_argument("--crop", type=int, help="side of the centre that is taken")
    parser.add_argument("--frames", type=int, help="how many of the first frames are taken")
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--methods", nargs="*", default=[INPUT, "pip:standard"], metavar="PRIOR:QUALITY[:per-frame]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--resume", action="store_true", help="keep the rows that are in --json")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to leave the written pictures")
    parser.add_argument("--words", nargs=argparse.REMAINDER, default=[], help="further options of the command; last")
    return parser.parse_args()


def main() -> None:
    """Measure, print a line a run and the means, and write the JSON if asked."""
    arguments = parsed()
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    head = about(automatic if arguments.device == "auto" else arguments.device)
    rows: list[Row] = []
    if arguments.resume and arguments.json is not None and arguments.json.exists():
        rows = json.loads(arguments.json.read_text())["runs"]
    for source, method in product(arguments.clips, arguments.methods):
        key = key_of(source, method, arguments)
        if any(all(row[part] == value for part, value in key.items()) for row in rows):
            continue
        rows.append(row_of(source, method, arguments))
        show_row(rows[-1])
        if arguments.json is not None:
            arguments.json.write_text(json.dumps({**head, "runs": rows}, indent=1) + "\n")
    for method in arguments.methods:
        its = [row for row in rows if row["method"] == method and row["task"] == arguments.task]
        print("mean:", end=" ")
        show_row(
            {"method": method, "psnr": mean(row["psnr"] for row in its), "seconds": mean(r["seconds"] for r in its)}
        )


if __name__ == "__main__":
    main()
