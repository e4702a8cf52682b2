"""Show that tiles leave no seams, and what they cost or gain against one network on the whole picture.

For each way of laying tiles: PSNR of the finished picture; and the seam ratio, the gradient energy of the error across
the borders of windows over that everywhere else (1 where no seam shows). Beside it a constant picture, fitted without
noise: the largest deviation from its value, in grey levels.

    python benchmarks/seams.py NOISY CLEAN --json seams.json
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from common.about import about
from common.measuring import finished
from pipcli.degradations import Identity
from pipcli.fit.device import choose_device, keep_freed_memory, members_together, workers_for
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.noise import Gaussian, Origin
from pipcli.restoration.loop import restore
from pipcli.restoration.members import Concurrency, Limits
from pipcli.restoration.networks import Networks
from pipcli.restoration.problem import Problem
from pipcli.settings import HELD_OUT_FRACTION, PIP, SMALLEST_TILE, Settings, StopName, Tiles
from pipcli.watch import UNWATCHED

CONSTANT, CONSTANT_SIDE = 0.3, 256


def layouts() -> dict[str, Settings]:
    """Return the preset as it is, with the tiles that are laid when memory is short, and without tiles."""
    preset = dataclasses.replace(PIP, fit=dataclasses.replace(PIP.fit, held_out_fraction=HELD_OUT_FRACTION))
    halved = Tiles(SMALLEST_TILE, SMALLEST_TILE // 2)
    return {
        "preset": preset,
        "halved": dataclasses.replace(preset, tiles=halved),
        "whole": dataclasses.replace(preset, tiles=None),
    }


def solved(settings: Settings, noisy: Tensor, noise: Gaussian) -> tuple[Tensor, Networks]:
    """Return the finished picture and the networks that it is from."""
    device = choose_device("cpu")
    networks = Networks(settings, Problem(noisy, Identity(noise), noise), device, StopName.HELD_OUT, 0)
    with workers_for(len(networks.windows), device) as workers:
        (solution,) = restore(
            [networks.picture()],
            networks.build_fit,
            limits=Limits(settings.fit.steps, None),
            watch=UNWATCHED,
            concurrency=Concurrency(workers, members_together(device)),
        )
    return finished(networks, solution.image), networks


def seam_ratio(error: Tensor, networks: Networks) -> float | None:
    """Return the gradient energy of a (1, C, H, W) error across the borders of windows over that elsewhere."""
    down, right = error.diff(dim=2).square(), error.diff(dim=3).square()
    rows = {edge for window in networks.windows for edge in (window.top, window.top + window.height)}
    columns = {edge for window in networks.windows for edge in (window.left, window.left + window.width)}
    across = [down[:, :, row - 1] for row in rows if 0 < row < error.shape[2]]
    across += [right[..., column - 1] for column in columns if 0 < column < error.shape[3]]
    if not across:
        return None
    border = torch.cat([part.flatten() for part in across])
    total, count = down.sum() + right.sum() - border.sum(), down.numel() + right.numel() - border.numel()
    return float(border.mean() / (total / count))


def main() -> None:
    """Measure, print and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    noisy, clean = read_photo(arguments.noisy).pixels(), read_photo(arguments.clean).pixels()
    noise, none = Gaussian.known(arguments.sigma / 255), Gaussian(0.0, Origin.ESTIMATED, 0.0)
    constant = torch.full((1, 3, CONSTANT_SIDE, CONSTANT_SIDE), CONSTANT)
    results: dict[str, Any] = {}
    for name, settings in layouts().items():
        image, networks = solved(settings, noisy, noise)
        flat, _ = solved(settings, constant, none)
        results[name] = {
            "networks": len(networks.windows),
            "psnr": psnr(image, clean),
            "seam_ratio": seam_ratio(image - clean, networks),
            "constant_deviation": 255 * float((flat - constant).abs().max()),
        }
        print(name, json.dumps(results[name]))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**about("cpu"), "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
