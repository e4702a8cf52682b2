"""Every generator on every task, through the real commands, in one table and one JSON.

A task is what degrades a clean picture and what restores it, as one would type them after `pip-restore`:

    "degrade noise --sigma 25 -> denoise --sigma 25"
    "degrade downsample --scale 4 --truth {truth} -> sr --scale 4"
    "degrade mask --share 0.5 --mask {folder}/mask.png -> inpaint --mask {folder}/mask.png"

The degraded file is made once a picture and task, with the seed, and every prior gets the same; {folder} is where it
lies, and {truth} the file that results are measured against: the clean picture, unless the command writes another. A
row is one run: PSNR of the file that was written and of the networks' picture alone, seconds, steps, and the numbers
that one network learns. What cannot be run has a row that says so.

    python benchmarks/priors.py examples/cat.png OTHER.png --json priors.json
    python benchmarks/priors.py FOLDER --priors pip siren hash --paper --crop 128
"""

import argparse
import io
import json
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image

from common.about import about
from common.measuring import cropped, show_row
from pipcli.cli import app
from pipcli.restoration.members import Picture
from pipcli.restoration.networks import Networks
from pipcli.settings import PriorName
from quality import pictures_in

Row = dict[str, Any]
# Exit codes above this are of Ctrl-C and of an end that was asked for.
SIGNALLED = 128
DRAWN = ("noise", "mask", "haze")
DENOISE = "degrade noise --sigma 25 -> denoise --sigma 25"


def run(words: Sequence[str]) -> tuple[int, dict[str, Row], str]:
    """Run `pip-restore` in this process; return its exit code, its JSON lines by their type, and its last words."""
    printed, said = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(said):
        code = app.run([*words, "--json"])
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    errors = [line["message"] for line in lines if line["type"] == "error"] or said.getvalue().splitlines()[-1:]
    return code, {line["type"]: line for line in lines}, " ".join(errors)


class Counted:
    """Counts the parameters of one of the networks that a command fits."""

    def __init__(self) -> None:
        self.parameters: int | None = None

    def picture(self, networks: Networks) -> Picture:
        """Count, and lay out the networks as they do it themselves."""
        window = networks.windows[0]
        size = networks.degradation.target_size((window.height, window.width))
        prior = networks.build_prior(size, [torch.Generator()])
        self.parameters = sum(parameter.numel() for parameter in prior.parameters())
        return PICTURE(networks)


PICTURE = Networks.picture


def restored(task: str, prior: PriorName, degraded: Path, truth: Path, arguments: argparse.Namespace) -> Row:
    """Run the second half of a task with a prior and return what came of it."""
    output = degraded.with_name("restored.png")
    words = [*filled(task.split(" -> ")[1], degraded.parent, truth), str(degraded), "-o", str(output), "--overwrite"]
    words += ["--prior", str(prior), "--seed", str(arguments.seed), "--device", arguments.device, "-q"]
    words += ["--paper"] if arguments.paper else []
    words += [] if arguments.steps is None else ["--steps", str(arguments.steps)]
    counted = Counted()
    with patch.object(Networks, "picture", lambda networks: counted.picture(networks)):
        code, lines, reason = run([*words, "--reference", str(truth)])
    if code > SIGNALLED:
        raise SystemExit(code)
    if code:
        return {"exit_code": code, "reason": reason}
    result = lines["result"]
    metrics, steps = result["metrics"], result["steps"]
    return {
        "psnr_input": metrics["psnr_input"],
        "psnr_prior": metrics["psnr_prior"],
        "psnr": metrics["psnr"],
        "seconds": result["seconds"],
        "fitting_seconds": result["fitting_seconds"],
        "parameters": counted.parameters,
        "steps": [min(steps), max(steps)] if steps else None,
        "outcome": result["outcome"],
    }


def filled(words: str, folder: Path, truth: Path) -> list[str]:
    """Return the words of a command with the places in them."""
    return [word.format(folder=folder, truth=truth) for word in shlex.split(words)]


def degraded_file(task: str, clean: Path, truth: Path, arguments: argparse.Namespace) -> Path:
    """Run the first half of a task and return the file.

    Raises:
        SystemExit: it cannot be done.
    """
    output = clean.with_name("degraded.png")
    words = [*filled(task.split(" -> ")[0], clean.parent, truth), str(clean), "-o", str(output)]
    # Only what draws at random takes a seed.
    seed = ["--seed", str(arguments.seed)] if words[1] in DRAWN else []
    code, _, reason = run([*words, *seed, "--overwrite"])
    if code:
        raise SystemExit(f"{task}: {reason}")
    return output


def measure(arguments: argparse.Namespace) -> Iterator[Row]:
    """Measure run after run."""
    pictures = pictures_in(arguments.places, arguments.pictures)
    for task, path in product(arguments.tasks, pictures):
        with tempfile.TemporaryDirectory() as name:
            clean, truth = Path(name) / "clean.png", Path(name) / "truth.png"
            samples = cropped(path, arguments.crop)
            for file in (clean, truth):
                Image.fromarray(samples).save(file)
            degraded = degraded_file(task, clean, truth, arguments)
            for prior in arguments.priors:
                row = restored(task, prior, degraded, truth, arguments)
                head = {"task": task, "picture": path.stem, "size": list(samples.shape[:2]), "prior": str(prior)}
                yield head | row


def table(rows: list[Row]) -> Iterator[str]:
    """Make a table of a line a task and prior, in Markdown; of several pictures PSNR and seconds one after another."""
    yield "| task | prior | networks alone, dB | file, dB | seconds | parameters |"
    yield "|---|---|---|---|---|---|"
    for task, prior in dict.fromkeys((row["task"], row["prior"]) for row in rows):
        own = [row for row in rows if (row["task"], row["prior"]) == (task, prior)]
        done = [row for row in own if "psnr" in row]
        if len(done) < len(own):
            yield f"| {task} | {prior} | {own[0].get('reason')} | | | |"
            continue
        alone, file, seconds = (
            ", ".join(f"{row[name]:.{digits}f}" for row in done)
            for name, digits in (("psnr_prior", 2), ("psnr", 2), ("seconds", 0))
        )
        yield f"| {task} | {prior} | {alone} | {file} | {seconds} | {done[0]['parameters']:,} |"


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", type=Path, nargs="+", metavar="FOLDER", help="with clean pictures, or a single one")
    parser.add_argument("--pictures", nargs="*", metavar="NAME", help="without ending [default: all]")
    parser.add_argument("--tasks", nargs="*", default=[DENOISE], metavar="'DEGRADE -> RESTORE'")
    parser.add_argument("--priors", nargs="*", type=PriorName, default=list(PriorName), metavar="PRIOR")
    parser.add_argument("--paper", action="store_true", help="the published settings, where there are any")
    parser.add_argument("--steps", type=int, help="upper bound of steps, for a quick try")
    parser.add_argument("--crop", type=int, metavar="PIXELS", help="side of the centre to measure on [default: all]")
    parser.add_argument("--seed", type=int, default=0, help="of the degradation and the networks [default: 0]")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    for task in arguments.tasks:
        if task.count(" -> ") != 1:
            parser.error(f"a task is 'degrade ... -> ...', not {task!r}")
    return arguments


def main() -> None:
    """Measure, print a line a run and the table, and write the JSON if asked, after every run."""
    arguments = parsed()
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    head = about(automatic if arguments.device == "auto" else arguments.device)
    rows: list[Row] = []
    for row in measure(arguments):
        show_row(row)
        rows.append(row)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps({**head, "runs": rows}, indent=1) + "\n")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
