"""The quality of the real command: pictures x methods x kinds and levels of noise x seeds, in one table and one JSON.

A method is PRIOR:QUALITY (`pip:standard`; `pip:paper` runs the published one). Noise is made once a picture, kind,
level and seed, clipped to [0, 1] and rounded to 8 bit as the published one is, and every method gets the same file and,
unless --blind, its kind and level; the seed is that of the networks too. A row is one run: PSNR and SSIM of the file
that the command wrote, PSNR of the networks' picture alone, the oracle (from every network the estimate nearest to the
clean picture among those that this run passed through), what blind stopping lost against it, steps, why it stopped,
seconds. With --classics the classic methods have rows too; they are told the level even where the command is not.

Rows are written to --json as they come; with --resume those that are there are not measured again. Several processes
may measure side by side into files of their own: `quality_page.py` takes all of them.

    python benchmarks/quality.py DATA/gt --noise gaussian:25 poisson:255 --seeds 0 1 2 --crop 256 --json quality.json
    python benchmarks/quality.py DATA/gt --noisy DATA/noisy25 --noise gaussian:25 --classics --json published.json
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import pipcli
from common.about import about
from common.measuring import (
    IN_GREY_LEVELS,
    Floats,
    colour_block_matching,
    cropped,
    has_bm3d,
    median,
    non_local_means,
    run_watched,
    show_row,
    total_variation,
    values_of,
    write_noisy,
)
from common.summaries import means
from pipcli.metrics import psnr, ssim
from pipcli.settings import NoiseName

Row = dict[str, Any]
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".ppm")
# What makes two runs the same run, of the settings that a whole file shares.
KEY = ("picture", "noise", "level", "seed", "method")


def code_digest() -> str:
    """Return a short digest of the sources that were measured, so that rows of different code can be told apart."""
    folder = Path(pipcli.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


CODE = code_digest()


@dataclass(frozen=True)
class Case:
    """A clean and a noisy file, and what is said of them in a row."""

    clean: Path
    noisy: Path
    noise: NoiseName
    level: float
    row: Row

    @property
    def std(self) -> float:
        """The standard deviation in [0, 1] that the classic methods are told.

        Of noise that depends on the picture it is that of this very file, which no user knows: to their advantage.
        """
        if self.noise in IN_GREY_LEVELS:
            return self.level / 255
        return float(np.sqrt(np.square(values_of(self.noisy) - values_of(self.clean)).mean()))


def told(case: Case) -> list[str]:
    """Return the words that tell the command what the noise is; a JPEG file says itself how it was rounded."""
    words = ["--noise", str(case.noise)]
    if case.noise is NoiseName.JPEG:
        return words
    return [*words, "--sigma" if case.noise in IN_GREY_LEVELS else "--level", f"{case.level:g}"]


def row_of_networks(method: str, case: Case, arguments: argparse.Namespace, folder: Path) -> Row:
    """Run the real command on a case."""
    prior, quality = method.split(":")
    words = ["--prior", prior, *(["--paper"] if quality == "paper" else ["--quality", quality])]
    words += ["--seed", str(case.row["seed"]), "--device", arguments.device]
    words += [] if arguments.steps is None else ["--steps", str(arguments.steps)]
    words += [] if arguments.blind else told(case)
    output = folder / "output.png"
    lines, oracle = run_watched(case.noisy, case.clean, output, words)
    start, result = lines["start"], lines["result"]
    row = measured(method, case, values_of(output), result["seconds"])
    steps = result["steps"]
    return row | {
        "psnr_prior": result["metrics"]["psnr_prior"],
        "oracle": oracle,
        "loss": None if oracle is None else oracle - row["psnr"],
        "steps": [min(steps), max(steps)] if steps else None,
        "outcome": result["outcome"],
        "took": [start["noise"]["kind"], start["noise"]["level"]],
    }


def row_of_classic(method: str, case: Case) -> Row:
    """Run a classic method on a case, its result clipped and rounded like a file."""
    observed = values_of(case.noisy)
    ways: dict[str, Callable[[], Floats]] = {
        "nlm": lambda: non_local_means(observed, case.std),
        "tv": lambda: total_variation(observed, values_of(case.clean)),
        "median": lambda: median(observed),
        "cbm3d": lambda: colour_block_matching(observed, case.std),
    }
    began = time.perf_counter()
    picture = ways[method]()
    seconds = time.perf_counter() - began
    return measured(method, case, np.round(255 * picture.clip(0, 1)) / 255, seconds)


def measured(method: str, case: Case, picture: Floats, seconds: float) -> Row:
    """Return what every row says: of which run it is, and how far the picture and its input are from the clean one."""
    clean, noisy = values_of(case.clean), values_of(case.noisy)
    return case.row | {
        "method": method,
        "psnr_input": psnr(noisy, clean),
        "psnr": psnr(picture, clean),
        "ssim": ssim(picture, clean),
        "ssim_input": ssim(noisy, clean),
        "seconds": seconds,
        "code": CODE,
    }


def pictures_in(places: list[Path], names: list[str] | None) -> list[Path]:
    """Return the files of folders and single files, by name, all or those with the given names (without endings).

    Raises:
        SystemExit: a name is missing, or of two pictures.
    """
    files = [file for place in places for file in (sorted(place.iterdir()) if place.is_dir() else [place])]
    pictures = [file for file in files if file.suffix.lower() in PICTURE_ENDINGS and (not names or file.stem in names)]
    stems = [picture.stem for picture in pictures]
    missing, twice = set(names or ()) - set(stems), {stem for stem in stems if stems.count(stem) > 1}
    if missing or twice or not pictures:
        raise SystemExit(f"pictures missing: {sorted(missing)}, of one name: {sorted(twice)}, found: {len(stems)}")
    return pictures


def noisy_file(
    path: Path, noise: NoiseName, level: float, seed: int, arguments: argparse.Namespace, stem: Path
) -> Path:
    """Return the noisy file: made from the clean picture, or the one of its name in --noisy."""
    if arguments.noisy is None:
        return write_noisy(cropped(path, arguments.crop), noise, level, seed, stem)
    (published,) = pictures_in([arguments.noisy], [path.stem])
    Image.fromarray(cropped(published, arguments.crop)).save(stem.with_suffix(".png"))
    return stem.with_suffix(".png")


def case_of(path: Path, noise: NoiseName, level: float, seed: int, arguments: argparse.Namespace, folder: Path) -> Case:
    """Write the clean and the noisy file of a case."""
    samples = cropped(path, arguments.crop)
    clean = folder / "clean.png"
    Image.fromarray(samples).save(clean)
    noisy = noisy_file(path, noise, level, seed, arguments, folder / "noisy")
    height, width = samples.shape[:2]
    row = {"picture": path.stem, "size": [height, width], "noise": str(noise), "level": level, "seed": seed}
    return Case(clean, noisy, noise, level, row)


def classics_for(noise: NoiseName) -> list[str]:
    """Return the classic methods for a kind of noise; CBM3D where it happens to be installed."""
    return [*(["median"] if noise is NoiseName.IMPULSE else []), "nlm", "tv", *(["cbm3d"] if has_bm3d() else [])]


def measure(arguments: argparse.Namespace, known: set[tuple[Any, ...]]) -> Iterator[Row]:
    """Measure run after run, without those that are known."""
    pictures = pictures_in(arguments.places, arguments.pictures)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, (noise, level), seed in product(pictures, arguments.noise, arguments.seeds):
            classics = classics_for(noise) if arguments.classics else []
            ways: dict[str, Callable[[Case], Row]] = {
                **{method: partial(row_of_classic, method) for method in classics},
                **{
                    method: partial(row_of_networks, method, arguments=arguments, folder=folder)
                    for method in arguments.methods
                },
            }
            missing = [way for way in ways if (path.stem, str(noise), level, seed, way) not in known]
            if not missing:
                continue
            case = case_of(path, noise, level, seed, arguments, folder)
            for way in missing:
                yield ways[way](case)


class Results:
    """The JSON of a bench: what is there already, and every row as it comes."""

    def __init__(self, path: Path | None, head: Row) -> None:
        """Begin with what the file holds, if there is one.

        Raises:
            SystemExit: the file is of other settings.
        """
        self.path = path
        self.head = head
        self.rows: list[Row] = []
        if path is not None and path.exists():
            there = json.loads(path.read_text())
            differing = [name for name in head if name != "command" and there.get(name) != head[name]]
            if differing:
                raise SystemExit(f"{path} is of other settings ({', '.join(differing)}): take another file")
            self.rows = there["runs"]

    def known(self) -> set[tuple[Any, ...]]:
        """Return the keys of the rows."""
        return {tuple(row[name] for name in KEY) for row in self.rows}

    def add(self, row: Row) -> None:
        """Add a row, and write all of them by a rename: whoever reads sees the file before or after."""
        self.rows.append(row)
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = {**self.head, "means": means(self.rows), "runs": self.rows}
        beside = self.path.with_name(f"{self.path.name}.part")
        beside.write_text(json.dumps(whole, indent=1) + "\n")
        os.replace(beside, self.path)


def kind_and_level(text: str) -> tuple[NoiseName, float]:
    """Read KIND:LEVEL."""
    kind, level = text.split(":")
    if NoiseName(kind) is NoiseName.AUTO:
        raise ValueError
    return NoiseName(kind), float(level)


def head_of(arguments: argparse.Namespace) -> Row:
    """Return what holds for all rows of a file."""
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return {
        **about(automatic if arguments.device == "auto" else arguments.device),
        "title": arguments.title,
        "settings": {
            "crop": arguments.crop,
            "blind": arguments.blind,
            "noisy": None if arguments.noisy is None else arguments.noisy.name,
            "steps": arguments.steps,
        },
    }


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", type=Path, nargs="+", metavar="FOLDER", help="with clean pictures, or a single one")
    parser.add_argument("--pictures", nargs="*", metavar="NAME", help="without ending [default: all]")
    parser.add_argument("--methods", nargs="*", default=["pip:standard"], metavar="PRIOR:QUALITY")
    parser.add_argument(
        "--noise",
        nargs="*",
        type=kind_and_level,
        default=[(NoiseName.GAUSSIAN, 25.0)],
        metavar="KIND:LEVEL",
        help="the level in the unit of the command's --sigma or --level [default: gaussian:25]",
    )
    parser.add_argument("--noisy", type=Path, metavar="FOLDER", help="noisy files of the same names, of one --noise")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0], help="of the noise and the networks [default: 0]")
    parser.add_argument("--crop", type=int, metavar="PIXELS", help="side of the centre to measure on [default: all]")
    parser.add_argument("--blind", action="store_true", help="tell the command neither kind nor level")
    parser.add_argument("--steps", type=int, help="upper bound of steps, for a quick try")
    parser.add_argument("--classics", action="store_true", help="also classic methods on the same files")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--title", help="of the table that `quality_page.py` makes of this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--resume", action="store_true", help="add what is missing to --json")
    arguments = parser.parse_args()
    if arguments.noisy is not None and len(arguments.noise) != 1:
        parser.error("the files of --noisy have one --noise")
    if arguments.json is not None and arguments.json.exists() and not arguments.resume:
        parser.error(f"{arguments.json} exists: --resume adds what is missing, or take another name")
    return arguments


def main() -> None:
    """Measure, print a line a run and a line a kind, level and method, and write the JSON if asked."""
    arguments = parsed()
    results = Results(arguments.json, head_of(arguments))
    for row in measure(arguments, results.known()):
        show_row(row)
        results.add(row)
    for row in means(results.rows):
        print("mean: " + ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
