"""Do no harm: the real command, told nothing, on thirty clean drawings, on JPEGs of them, and on them with noise.

Clean ones should come back as they are (40 dB of themselves or better, JPEGs 33 dB), and noise of sigma 5, 10 and 20 be
told within 25 percent and the file be better than its input by 3 dB or more at 10 and 20. The noisy rows are those
where the drawing has no noise of its own: all but the JPEGs.

    python benchmarks/clean_pictures.py --json clean-pictures.json
"""

import argparse
import io
import json
import math
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from common.about import about
from common.drawings import DRAWINGS, Samples, drawn
from common.measuring import show_row, write_noisy
from pipcli.cli import app
from pipcli.settings import NoiseName

SIGMAS = (5, 10, 20)
QUALITIES = (60, 90)
LEAST_CLEAN, LEAST_JPEG, LEAST_GAIN, MOST_OFF = 40.0, 33.0, 3.0, 0.25
MUST_GAIN = (10, 20)


def decibels(first: Samples, second: Samples) -> float:
    """Return the PSNR of two 8-bit pictures; infinite where they are equal."""
    error = float(np.square(first.astype(float) - second).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def denoised(source: Path, words: list[str]) -> tuple[Samples, dict[str, Any]]:
    """Return what the real command wrote for a file, and what it said of it."""
    output = source.with_stem("output")
    output.unlink(missing_ok=True)
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = app.run(["denoise", str(source), "-o", str(output), "--json", "-q", *words])
    if code:
        raise SystemExit(code)
    lines = {line["type"]: line for line in map(json.loads, printed.getvalue().splitlines())}
    start, result = lines["start"], lines["result"]
    said = {"kind": start["noise"]["kind"], "sigma": start["sigma"], "outcome": result["outcome"]}
    return np.asarray(Image.open(output).convert("RGB")), said


def clean_row(name: str, source: Path, least: float, words: list[str]) -> dict[str, Any]:
    """Measure how far a clean file comes back as it was."""
    before = np.asarray(Image.open(source).convert("RGB"))
    after, said = denoised(source, words)
    value = decibels(before, after)
    identical = math.isinf(value)
    return {"picture": name, **said, "identical": identical, "of_itself": None if identical else value} | {
        "held": value >= least
    }


def noisy_row(name: str, sigma: float, folder: Path, words: list[str]) -> dict[str, Any]:
    """Measure the estimate and the gain on a drawing with noise."""
    clean = drawn(name)
    source = write_noisy(clean, NoiseName.GAUSSIAN, sigma, 0, folder / "noisy")
    before = decibels(np.asarray(Image.open(source)), clean)
    after, said = denoised(source, words)
    gain, off = decibels(after, clean) - before, said["sigma"] / sigma - 1
    held = abs(off) <= MOST_OFF and (sigma not in MUST_GAIN or gain >= LEAST_GAIN)
    return {"picture": f"{name} sigma {sigma:g}", **said, "off": off, "input": before, "gain": gain, "held": held}


def rows_of(name: str, folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all rows of one drawing."""
    words = ["--quality", arguments.quality, "--device", "cpu"]
    clean = folder / "clean.png"
    Image.fromarray(drawn(name)).save(clean)
    rows = [clean_row(name, clean, LEAST_CLEAN, words)]
    for quality in QUALITIES:
        coded = folder / "coded.jpg"
        Image.fromarray(drawn(name)).save(coded, quality=quality)
        rows.append(clean_row(f"{name} JPEG {quality}", coded, LEAST_JPEG, words))
    rows += [noisy_row(name, sigma, folder, words) for sigma in SIGMAS]
    for row in rows:
        show_row(row)
    return rows


def main() -> None:
    """Measure, print a line a run, write the JSON if asked, and end with 1 where anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", nargs="*", choices=list(DRAWINGS), default=list(DRAWINGS))
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.pictures:
            rows += rows_of(name, Path(folder), arguments)
            if arguments.json:
                arguments.json.write_text(json.dumps({**about("cpu"), "runs": rows}, indent=1) + "\n")
    fell = [row["picture"] for row in rows if not row["held"]]
    print(f"{len(rows) - len(fell)} of {len(rows)} held" + "".join(f"\n  not: {name}" for name in fell))
    raise SystemExit(bool(fell))


if __name__ == "__main__":
    main()
