"""Measure `pip-restore denoise`, told nothing, on photos of cameras, on noise like theirs, and on clean photos.

`photos`: pairs NAME_real.EXT and NAME_mean.EXT, the mean of many shots. `made`: clean pictures with noise of three
known spectra at three levels, whose level, spectrum and result are compared with those of the same run that is told
the truth. `clean`: pictures as they are, and how far the result is from them. A row that the JSON holds is kept, so
that a run that was ended goes on where it was.

    python benchmarks/camera.py photos DATA/camera --json camera-photos.json
    python benchmarks/camera.py made DATA/denoise/gt --crop 256 --json camera-made.json
    python benchmarks/camera.py clean DATA/denoise/gt --json camera-clean.json
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.about import about
from common.measuring import cropped, run_command, show_row
from pipcli.media import read_photo
from pipcli.noise import Evidence
from pipcli.noise.blocks import RADII
from pipcli.noise.camera import Camera
from pipcli.spectra import NoiseSpectrum

Row = dict[str, Any]
Floats = NDArray[np.float64]

LEVELS = (4.0, 8.0, 12.0)
# Standard deviations in pixels of the blurs that the noise went through, in grey and in differences of colour.
SPECTRA = {"fine": (0.7, 0.7), "camera": (0.8, 1.6), "soft": (1.4, 2.0)}
# Decibels below the strongest frequency from which a spectrum is no longer compared.
FAINT = 15.0
# Standard deviations at black and at white, in units of the level: what a photon noise does, after a tone curve.
CURVE = (0.7, 1.3)


def of_photos(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the photos with their measurement."""
    for real in sorted(arguments.data.glob("*_real.*")):
        name = real.stem.removesuffix("_real")

        def row(real: Path = real, name: str = name) -> Row:
            mean = real.with_name(f"{name}_mean{real.suffix}")
            return {"name": name, **_run(real, mean, arguments.outputs or folder, name)}

        yield name, row


def of_made(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the pictures with noise that was made, with their measurement."""
    for path in sorted(arguments.data.glob("*.png")):
        for kind in SPECTRA:
            for level in LEVELS:
                name = f"{path.stem}-{kind}-{level:g}"

                def row(path: Path = path, kind: str = kind, level: float = level, name: str = name) -> Row:
                    return {"name": name, **_made(cropped(path, arguments.crop), kind, level, folder, name)}

                yield name, row


def of_clean(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the clean pictures with their measurement."""
    for path in sorted(arguments.data.glob("*.png")):

        def row(path: Path = path) -> Row:
            return {"name": path.stem, **_run(path, path, folder, path.stem)}

        yield path.stem, row


def _run(noisy: Path, clean: Path, folder: Path, name: str) -> Row:
    lines = run_command(noisy, clean, folder / f"{name}.png", [])
    metrics, noise = lines["result"]["metrics"], lines["start"]["noise"]
    return {
        "input": metrics["psnr_input"],
        "result": metrics["psnr"],
        "gain": metrics["gain"],
        "kind": noise["kind"],
        "level": noise["level"],
        "seconds": lines["result"]["seconds"],
    }


def _made(samples: NDArray[np.uint8], kind: str, level: float, folder: Path, name: str) -> Row:
    clean, noisy = folder / "clean.png", folder / "noisy.png"
    Image.fromarray(samples).save(clean)
    brightness = samples.mean(axis=2, keepdims=True) / 255
    curve = CURVE[0] + (CURVE[1] - CURVE[0]) * brightness
    noise = curve * made_noise(samples.shape[:2], SPECTRA[kind])
    overall = float(np.sqrt(np.mean(noise**2)))
    Image.fromarray(np.clip(np.round(samples + level / overall * noise), 0, 255).astype(np.uint8)).save(noisy)
    truth = true_spectrum(SPECTRA[kind]).scaled((level / overall / 255) ** 2)
    row = _run(noisy, clean, folder, name)
    photo = read_photo(noisy)
    found = Camera.of(Evidence(photo.pixels(), photo.coding), None)
    told = Camera(level, found.origin, level / 255, truth)
    with patch.object(Camera, "of", lambda *_: told):
        lines = run_command(noisy, clean, folder / "told.png", ["--noise", "camera"])
    return {
        **row,
        "level_error": found.level / level - 1,
        "spectrum_error_db": spectrum_error(found.spectrum, truth),
        "told": lines["result"]["metrics"]["psnr"],
    }


def made_noise(size: tuple[int, int], blurs: tuple[float, float]) -> Floats:
    """Return (H, W, 3) noise of unit variance, whose grey and differences of colour were blurred each by its own."""
    draw = np.random.default_rng(0)
    squared = np.add.outer(np.fft.fftfreq(size[0]) ** 2, np.fft.fftfreq(size[1]) ** 2)
    colours = []
    for blur in (blurs[0], blurs[1], blurs[1]):
        response = np.exp(-2 * (np.pi * blur) ** 2 * squared)
        noise = np.fft.ifft2(np.fft.fft2(draw.normal(size=size)) * response).real
        colours.append(noise / np.sqrt(np.mean(response**2)))
    rows = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    mixed: Floats = np.stack(colours, axis=2) @ rows
    return mixed


def true_spectrum(blurs: tuple[float, float]) -> NoiseSpectrum:
    """Return the spectrum of the same."""
    radii = np.linspace(0, 0.5, 65)
    power = [np.exp(-((2 * np.pi * blur * radii) ** 2)) for blur in (blurs[0], blurs[1], blurs[1])]
    levels = np.linspace(0, 1, 17)
    strengths = (CURVE[0] + (CURVE[1] - CURVE[0]) * levels) ** 2
    shape = NoiseSpectrum(tuple(radii), tuple(map(tuple, power)), tuple(levels), tuple((s,) * 3 for s in strengths))
    rows = [
        tuple(value / variance for value in row) for row, variance in zip(shape.power, shape.variances(), strict=True)
    ]
    return NoiseSpectrum(shape.radii, tuple(rows), shape.levels, shape.strengths)


def spectrum_error(found: NoiseSpectrum, truth: NoiseSpectrum) -> float:
    """Return the mean distance in dB of two spectra, each in units of its variance, where the true one is not faint."""
    errors = []
    for colour, variances in enumerate(zip(found.variances(), truth.variances(), strict=True)):
        own, true = (
            10 * np.log10(np.interp(RADII, one.radii, one.power[colour]) / variance)
            for one, variance in zip((found, truth), variances, strict=True)
        )
        errors.append(np.abs(own - true)[true > true.max() - FAINT])
    return float(np.concatenate(errors).mean())


PARTS = {"photos": of_photos, "made": of_made, "clean": of_clean}


def main() -> None:
    """Measure, print a line a run, and write the JSON after each if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("data", type=Path, help="folder with the pictures")
    parser.add_argument("--only", nargs="*", help="names of rows to measure [default: all]")
    parser.add_argument("--crop", type=int, help="side of the centre to make noise on [default: all of it]")
    parser.add_argument("--outputs", type=Path, help="folder for the results of photos [default: not kept]")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    there = arguments.json is not None and arguments.json.exists()
    rows: list[Row] = json.loads(arguments.json.read_text())["rows"] if there else []
    with tempfile.TemporaryDirectory() as folder:
        for name, row in PARTS[arguments.part](arguments, Path(folder)):
            if any(one["name"] == name for one in rows) or (arguments.only and name not in arguments.only):
                continue
            rows.append(row())
            show_row(rows[-1])
            if arguments.json:
                arguments.json.parent.mkdir(parents=True, exist_ok=True)
                arguments.json.write_text(json.dumps({**about("cpu"), "rows": rows}, indent=1) + "\n")
    numbers = [key for key, value in rows[0].items() if isinstance(value, float)]
    print("mean: " + ", ".join(f"{key} {np.mean([row[key] for row in rows]):.3f}" for key in numbers))


if __name__ == "__main__":
    main()
