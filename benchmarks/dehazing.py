"""Dehazing: ten hazes of known transmission, made by `degrade haze` from scikit-image's pictures, and pairs of files.

A row is one picture: PSNR of the hazy file, of the scene that the fit arrives at, and of the classic one (He, Sun and
Tang, CVPR 2009: dark channel, guided filter, the airlight that the fit starts from), both rounded to 8 bit; where the
transmission is known, how far both are correlated with it; how far brightness depends on the transmission, which needs
no truth; both airlights, steps and seconds of the fit.

    python benchmarks/dehazing.py --json dehazing.json
    python benchmarks/dehazing.py --hazes 0 --pair hazy.png clean.png
"""

import argparse
import io
import json
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from common.about import about
from common.measuring import Floats, Samples, show_row, values_of
from pipcli.cli import app
from pipcli.dehazing import dehaze
from pipcli.dehazing.classic import classic_transmission, estimate_airlight
from pipcli.dehazing.guided import box_mean
from pipcli.dehazing.refinement import without_haze
from pipcli.dehazing.scaling import radius_of
from pipcli.fit.device import Device, choose_device, keep_freed_memory
from pipcli.metrics import psnr
from pipcli.settings import DEHAZE

Row = dict[str, Any]
# The radius within which brightness is local, as a share of the longer side, and where a logarithm ends.
DEPENDENCE_SHARE, LEAST_SEEN = 0.025, 0.1


@dataclass(frozen=True)
class Haze:
    """A haze to make: of which picture, how dense, of which colour; the seed of the depth is its place in `HAZES`."""

    picture: str
    beta: float
    airlight: tuple[float, float, float]


HAZES = (
    Haze("astronaut", 1.2, (0.85, 0.85, 0.85)),
    Haze("coffee", 0.8, (0.72, 0.70, 0.65)),
    Haze("chelsea", 1.0, (0.80, 0.80, 0.80)),
    Haze("rocket", 1.6, (0.90, 0.92, 0.95)),
    Haze("motorcycle", 1.4, (0.75, 0.77, 0.80)),
    Haze("astronaut", 0.8, (0.70, 0.72, 0.75)),
    Haze("coffee", 1.5, (0.90, 0.90, 0.90)),
    Haze("chelsea", 1.8, (0.88, 0.86, 0.80)),
    Haze("rocket", 1.0, (0.80, 0.80, 0.80)),
    Haze("motorcycle", 2.0, (0.95, 0.95, 0.95)),
)


def clean_picture(name: str) -> Samples:
    """Return the 8-bit RGB picture of a name that comes with scikit-image."""
    picture = skimage.data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(skimage.data, name)()
    return np.asarray(picture)


def make(haze: Haze, seed: int, folder: Path, side: int | None) -> tuple[Path, Path, Path]:
    """Make a haze with the real command; return the clean, the hazy and the transmission's file."""
    clean, hazy, transmission = (folder / f"{name}.png" for name in ("clean", "hazy", "transmission"))
    image = Image.fromarray(clean_picture(haze.picture))
    if side is not None:
        image.thumbnail((side, side))
    image.save(clean)
    airlight = ",".join(map(str, haze.airlight))
    words = ["degrade", "haze", clean, "--beta", haze.beta, "--airlight", airlight, "--seed", seed, "-o", hazy]
    with redirect_stdout(io.StringIO()):
        code = app.run([*map(str, words), "--transmission", str(transmission), "--overwrite", "--json", "-q"])
    if code:
        raise SystemExit(code)
    return clean, hazy, transmission


def as_tensor(values: Floats) -> Tensor:
    """Return (H, W, C) values as a (1, C, H, W) picture."""
    return torch.from_numpy(values).permute(2, 0, 1)[None].float()


def as_values(picture: Tensor) -> Floats:
    """Return a (1, C, H, W) picture as (H, W, C) values, rounded to 8 bit."""
    return np.round(255 * picture[0].permute(1, 2, 0).double().numpy()) / 255


def measured(hazy: Floats, clean: Floats, true_transmission: Floats | None, device: Device, seed: int) -> Row:
    """Dehaze a picture in both ways."""
    observation = as_tensor(hazy)
    result = dehaze(observation, DEHAZE, device, seed)
    begun = estimate_airlight(observation, DEHAZE)
    start = classic_transmission(observation, begun, DEHAZE)
    classic = without_haze(observation, start, begun).clamp(0, 1)
    row: Row = {
        "dependence": dependence(result.scene, result.transmission),
        "dependence_classic": dependence(classic, start),
        "psnr_input": psnr(hazy, clean),
        "psnr": psnr(as_values(result.scene), clean),
        "psnr_classic": psnr(as_values(classic), clean),
    }
    if true_transmission is not None:
        planes = {"correlation": result.transmission, "correlation_classic": start}
        row |= {name: correlation(plane[0, 0].double().numpy(), true_transmission) for name, plane in planes.items()}
    return row | {
        "airlight": [round(value, 3) for value in result.airlight.flatten().tolist()],
        "airlight_start": [round(value, 3) for value in begun.flatten().tolist()],
        "steps": result.steps_done,
        "outcome": result.outcome.name.lower(),
        "seconds": result.seconds,
    }


def dependence(scene: Tensor, transmission: Tensor) -> float:
    """Return how far the local brightness of a scene is correlated with the logarithm of the transmission.

    It needs no ground truth: how much is seen of a place says little of how bright it is, so a transmission that takes
    bright things for haze has more of it. Nothing that is fitted knows it.
    """
    radius = radius_of(scene, DEPENDENCE_SHARE)
    brightness = box_mean(scene.mean(1, keepdim=True), radius)
    planes = (plane[0, 0].double().numpy() for plane in (brightness, transmission.clamp(min=LEAST_SEEN).log()))
    return abs(correlation(*planes))


def correlation(plane: Floats, true: Floats) -> float:
    """Return the correlation of two (H, W) planes."""
    return float(np.corrcoef(plane.ravel(), true.ravel())[0, 1])


def transmission_of(path: Path) -> Floats:
    """Return the (H, W) values of a 16-bit grey file."""
    with Image.open(path) as image:
        return np.asarray(image, np.float64) / 65535


def central(values: Floats, size: tuple[int, ...]) -> Floats:
    """Return the middle of a picture, of a height and width."""
    top, left = ((whole - part) // 2 for whole, part in zip(values.shape[:2], size, strict=True))
    return values[top : top + size[0], left : left + size[1]]


def means(rows: list[Row]) -> Row:
    """Return the means over rows of what all of them have, and of the gain."""
    names = [name for name in rows[0] if isinstance(rows[0][name], float) and all(name in row for row in rows)]
    summary = {name: float(np.mean([row[name] for row in rows])) for name in names if name != "beta"}
    return summary | {
        f"gain{way}": float(np.mean([row[f"psnr{way}"] - row["psnr_input"] for row in rows]))
        for way in ("", "_classic")
    }


def main() -> None:
    """Measure, print a line a picture and the means over the hazes, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hazes", type=int, default=len(HAZES), help="how many of the ten to make [default: all]")
    parser.add_argument("--pair", type=Path, nargs=2, action="append", default=[], metavar=("HAZY", "CLEAN"))
    parser.add_argument("--side", type=int, help="longer side to which pictures are reduced first [default: as is]")
    parser.add_argument("--seed", type=int, default=0, help="of the generators")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    keep_freed_memory()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        for place, haze in enumerate(HAZES[: arguments.hazes]):
            clean, hazy, plane = make(haze, place, Path(name), arguments.side)
            row: Row = {"picture": haze.picture, "beta": haze.beta, "true_airlight": haze.airlight}
            true = transmission_of(plane)
            rows.append(row | measured(values_of(hazy), values_of(clean), true, device, arguments.seed))
            show_row(rows[-1])
    summary = means(rows) if rows else {}
    print("mean: " + ", ".join(f"{key} {value:.3f}" for key, value in summary.items()))
    pairs: list[Row] = []
    for hazy, clean in arguments.pair:
        values = values_of(hazy)
        reference = central(values_of(clean), values.shape[:2])
        pairs.append({"picture": hazy.stem} | measured(values, reference, None, device, arguments.seed))
        show_row(pairs[-1])
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        whole = {**about(str(device.torch_device)), "means": summary, "hazes": rows, "pairs": pairs}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
