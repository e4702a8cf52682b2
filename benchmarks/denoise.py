"""Measure `pip-restore denoise` on pictures whose clean versions are known.

For every picture: the real command (PSNR of the file that it wrote, seconds of fitting), what its blind stop loses
against an oracle, and with --classics non-local means and total variation (best of four weights) on the same input.
The oracle takes of every network, among the estimates that the same run passed through, the one nearest to the clean
picture. The folder given holds `gt/NAME.png` and `noisy25/NAME.png`. Every figure is of one seed.

    python benchmarks/denoise.py DATA/denoise --json denoise.json
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from about import about
from measuring import non_local_means, run_watched, show_row, total_variation, values_of
from pipcli.metrics import psnr

Arguments = argparse.Namespace


def classics(noisy: Path, clean: Path, sigma: float) -> dict[str, float]:
    """Return the PSNR of non-local means and of total variation, the latter with the best of four weights."""
    observed, truth = values_of(noisy), values_of(clean)
    means, variation = non_local_means(observed, sigma / 255), total_variation(observed, truth)
    return {"nlm": psnr(means, truth), "tv_best_weight": psnr(variation, truth)}


def measure(name: str, arguments: Arguments, folder: Path) -> dict[str, Any]:
    """Measure one picture."""
    noisy, clean = arguments.data / "noisy25" / f"{name}.png", arguments.data / "gt" / f"{name}.png"
    words = ["--prior", arguments.prior, "--quality", arguments.quality, "--seed", str(arguments.seed)]
    words += ["--device", arguments.device]
    words += ["--sigma", str(arguments.sigma)] if arguments.sigma else []
    lines, oracle = run_watched(noisy, clean, folder / f"{name}.png", words)
    if oracle is None:
        raise SystemExit(f"{name}: next to no noise was found, and nothing was fitted")
    result = lines["result"]
    row = {
        "picture": name,
        "input": result["metrics"]["psnr_input"],
        "prior": result["metrics"]["psnr_prior"],
        "blind": result["metrics"]["psnr"],
        "oracle": oracle,
        "loss": oracle - result["metrics"]["psnr"],
        "steps": [min(result["steps"]), max(result["steps"])],
        "mean_steps_done": sum(result["steps_done"]) / len(result["steps_done"]),
        "networks": len(result["steps"]),
        "outcome": result["outcome"],
        "seconds": result["seconds"],
    }
    if arguments.classics:
        row |= classics(noisy, clean, arguments.sigma or 25.0)
    show_row(row)
    return row


def means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean of each numeric column."""
    keys = [key for key, value in rows[0].items() if isinstance(value, float)]
    return {key: sum(row[key] for row in rows) / len(rows) for key in keys}


def main() -> None:
    """Measure, print a row a picture and the means, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with gt/ and noisy25/")
    parser.add_argument("--pictures", nargs="*", help="names without .png [default: all]")
    parser.add_argument("--prior", default="pip")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--sigma", type=float, default=25.0, help="told to the command; 0: leave it to estimate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--classics", action="store_true", help="also non-local means and total variation")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    names = arguments.pictures or sorted(path.stem for path in (arguments.data / "noisy25").glob("*.png"))
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(name, arguments, Path(folder)) for name in names]
    summary = means(rows)
    print("mean: " + ", ".join(f"{key} {value:.2f}" for key, value in summary.items()))
    if arguments.json:
        result = {**about("cpu"), "seed": arguments.seed, "mean": summary, "pictures": rows}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
