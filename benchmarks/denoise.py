"""Measure `pip-restore denoise` on pictures whose clean versions are known.

For every picture: the real command (PSNR of the file that it wrote, seconds of fitting), what its blind stop loses
against an oracle, and with --classics non-local means and total variation (best of four weights) on the same input.
The oracle takes of every network, among the estimates that the same run passed through, the one nearest to the clean
picture. The folder given holds `gt/NAME.png` and `noisy25/NAME.png`. Every figure is of one seed.

    python benchmarks/denoise.py DATA/denoise --json denoise.json
"""

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle
from torch import Tensor

from about import about
from pipcli.cli import app
from pipcli.cli.photo_networks import Networks
from pipcli.finishing import finish
from pipcli.fit.fit import Iterate
from pipcli.fit.stopping import StopRule
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.restore import CHECK_EVERY
from pipcli.settings import StopName
from pipcli.tiles import Window, blend

Arguments = argparse.Namespace


class Oracle(StopRule):
    """Remembers the estimate nearest to the clean picture among those that a run passes through; never stops it."""

    name = StopName.NONE

    def __init__(self, window: Window, clean: Tensor) -> None:
        self.window = window
        self.clean = window.cut(clean)
        self.best = (-1.0, torch.zeros_like(self.clean))

    def update(self, iterate: Iterate) -> bool:
        """Compare the estimate with the clean picture."""
        if iterate.step % CHECK_EVERY == 0:
            value = psnr(iterate.estimate.cpu(), self.clean)
            if value > self.best[0]:
                self.best = (value, iterate.estimate.cpu().clone())
        return False


class Watched:
    """Sets an oracle beside the rules of each network, and keeps the networks of the run."""

    def __init__(self, clean: Tensor) -> None:
        self.clean = clean
        self.oracles: list[Oracle] = []
        self.networks: Networks | None = None

    def rules(self) -> Callable[[Networks, Window], list[StopRule]]:
        """Return what takes the place of the networks' own `build_rules`."""
        build_rules = Networks.build_rules

        def build(networks: Networks, window: Window) -> list[StopRule]:
            self.networks = networks
            self.oracles.append(Oracle(window, self.clean))
            return [*build_rules(networks, window), self.oracles[-1]]

        return build

    def best(self) -> float:
        """Return the PSNR of the oracles' choices, joined and finished as the command does with its own."""
        if self.networks is None:
            raise RuntimeError("no network was fitted")
        size = (self.clean.shape[-2], self.clean.shape[-1])
        image = blend(size, ((oracle.window, oracle.best[1]) for oracle in self.oracles)).clamp(0, 1)
        networks = self.networks
        settings = networks.settings.finish
        # Its branch is left as it is: what is asked is what the stop rule of the networks loses.
        finished = finish(image, networks.observation, networks.noise, settings, networks.device, networks.seed)
        return psnr(finished.image, self.clean)


def run_command(noisy: Path, clean: Path, output: Path, arguments: Arguments) -> dict[str, Any]:
    """Run the real command and return its result line, with the PSNR of the oracle's choices joined."""
    command = ["denoise", str(noisy), "-o", str(output), "--reference", str(clean), "--json", "-q"]
    command += ["--prior", arguments.prior, "--quality", arguments.quality, "--seed", str(arguments.seed)]
    command += ["--device", arguments.device]
    command += ["--sigma", str(arguments.sigma)] if arguments.sigma else []
    truth = read_photo(clean).pixels()
    watched = Watched(truth)
    printed = io.StringIO()
    with patch.object(Networks, "build_rules", watched.rules()), redirect_stdout(printed):
        code = app.run(command)
    if code:
        raise SystemExit(code)
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    result = next(line for line in lines if line["type"] == "result")
    return {**result, "oracle": watched.best()}


def classics(noisy: Path, clean: Path, sigma: float) -> dict[str, float]:
    """Return the PSNR of non-local means and of total variation, the latter with the best of four weights."""
    observed = np.asarray(read_photo(noisy).pixels()[0].permute(1, 2, 0))
    reference = read_photo(clean).pixels()

    def measure(picture: Any) -> float:
        return psnr(torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1)[None], reference)

    std = sigma / 255
    means = denoise_nl_means(observed, patch_size=5, patch_distance=6, h=0.6 * std, sigma=std, channel_axis=2)
    weights = (0.05, 0.1, 0.15, 0.2)
    variation = max(measure(denoise_tv_chambolle(observed, weight=weight, channel_axis=2)) for weight in weights)
    return {"nlm": measure(means), "tv_best_weight": variation}


def measure(name: str, arguments: Arguments, folder: Path) -> dict[str, Any]:
    """Measure one picture."""
    noisy, clean = arguments.data / "noisy25" / f"{name}.png", arguments.data / "gt" / f"{name}.png"
    result = run_command(noisy, clean, folder / f"{name}.png", arguments)
    row = {
        "picture": name,
        "input": result["metrics"]["psnr_input"],
        "prior": result["metrics"]["psnr_prior"],
        "blind": result["metrics"]["psnr"],
        "oracle": result["oracle"],
        "loss": result["oracle"] - result["metrics"]["psnr"],
        "steps": [min(result["steps"]), max(result["steps"])],
        "mean_steps_done": sum(result["steps_done"]) / len(result["steps_done"]),
        "networks": len(result["steps"]),
        "outcome": result["outcome"],
        "seconds": result["seconds"],
    }
    if arguments.classics:
        row |= classics(noisy, clean, arguments.sigma or 25.0)
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}))
    sys.stdout.flush()
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
