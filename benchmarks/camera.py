"""Measure `pip-restore denoise`, told nothing, on photos of cameras, on noise like theirs, and on clean photos.

`photos`: pairs NAME_real.EXT and NAME_mean.EXT, the mean of many shots. `made`: clean pictures with noise of three
known spectra at three levels, whose level, spectrum and result are compared with those of the same run that is told
the truth. `read`: the same, only estimated, without a run. `clean`: pictures as they are, and how far the result is
from them. `time`: how long the look at the noise of 12 megapixels takes. A row that the JSON holds is kept, so that a
run that was ended goes on where it was.

    python benchmarks/camera.py photos DATA/camera --json camera-photos.json
    python benchmarks/camera.py made DATA/denoise/gt --crop 256 --json camera-made.json
    python benchmarks/camera.py read DATA/denoise/gt --crop 512 --json camera-read.json
    python benchmarks/camera.py clean DATA/denoise/gt --json camera-clean.json
    python benchmarks/camera.py time DATA/camera --json camera-time.json
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from common.about import about
from common.measuring import cropped, run_command, show_row
from pipcli.media import read_photo
from pipcli.noise import NOISES, Evidence, detect
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
# Height and width of the photo whose noise is looked at, and of the noise that is repeated in it.
LARGE, TILE = (3000, 4000), (750, 1000)
LEVEL_OF_LARGE, QUALITY_OF_LARGE = 5.0, 93


def of_photos(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the photos with their measurement."""
    for real in _pictures(arguments, "*_real.*"):
        name = real.stem.removesuffix("_real")
        mean = real.with_name(f"{name}_mean{real.suffix}")
        yield name, partial(_run, real, mean, arguments.outputs or folder, name)


def of_made(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the pictures with noise that was made, with their measurement."""
    for path, kind, level in product(_pictures(arguments), SPECTRA, LEVELS):
        name = f"{path.stem}-{kind}-{level:g}"
        yield name, partial(_made, _Made(cropped(path, arguments.crop), kind, level), folder, name)


def of_read(arguments: argparse.Namespace, _folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the pictures with noise that was made, with what is read in them."""
    for path, kind, level in product(_pictures(arguments), SPECTRA, LEVELS):
        yield f"{path.stem}-{kind}-{level:g}", partial(_read, path, arguments.crop, kind, level)


def of_clean(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the clean pictures with their measurement."""
    for path in _pictures(arguments):
        yield path.stem, partial(_run, path, path, folder, path.stem)


def of_time(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a large photo in three forms with the seconds that looking at its noise takes."""
    for form in ("png", "jpg", "blown"):
        yield form, partial(_timed, _pictures(arguments, "*_mean.png")[0], form, folder)


def _pictures(arguments: argparse.Namespace, pattern: str = "*") -> list[Path]:
    found = [path for folder in arguments.data for path in sorted(folder.glob(pattern))]
    return [path for path in found if path.suffix.lower() in SUFFIXES]


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


class _Made:
    """A clean picture, the same with noise, and the spectrum of that noise."""

    def __init__(self, samples: NDArray[np.uint8], kind: str, level: float) -> None:
        brightness = samples.mean(axis=2, keepdims=True) / 255
        curve = CURVE[0] + (CURVE[1] - CURVE[0]) * brightness
        noise = curve * made_noise(samples.shape[:2], SPECTRA[kind])
        overall = float(np.sqrt(np.mean(noise**2)))
        self.clean = samples
        self.noisy = np.clip(np.round(samples + level / overall * noise), 0, 255).astype(np.uint8)
        self.level = level
        self.truth = true_spectrum(SPECTRA[kind]).scaled((level / overall / 255) ** 2)

    def errors(self, found: Camera) -> Row:
        """Return how far an estimate is from the truth."""
        return {
            "level_error": found.level / self.level - 1,
            "spectrum_error_db": spectrum_error(found.spectrum, self.truth),
        }


def _made(made: _Made, folder: Path, name: str) -> Row:
    clean, noisy = folder / "clean.png", folder / "noisy.png"
    Image.fromarray(made.clean).save(clean)
    Image.fromarray(made.noisy).save(noisy)
    row = _run(noisy, clean, folder, name)
    photo = read_photo(noisy)
    found = Camera.of(Evidence(photo.pixels(), photo.coding), None)
    told = Camera(made.level, found.origin, made.level / 255, made.truth)
    with patch.object(Camera, "of", lambda *_: told):
        lines = run_command(noisy, clean, folder / "told.png", ["--noise", "camera"])
    return {**row, **made.errors(found), "told": lines["result"]["metrics"]["psnr"]}


def _read(path: Path, crop: int | None, kind: str, level: float) -> Row:
    made = _Made(cropped(path, crop), kind, level)
    evidence = Evidence(_pixels(made.noisy))
    return {"kind": detect(evidence).value, **made.errors(Camera.of(evidence, None))}


def _pixels(samples: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(samples).permute(2, 0, 1)[None].float() / 255


def _timed(source: Path, form: str, folder: Path) -> Row:
    """Measure the look at the noise of a large photo; a blown one has many samples at both ends of the range."""
    samples = cropped(source, None)
    edges = [(0, size - length) for size, length in zip(LARGE, samples.shape[:2], strict=True)]
    large = np.pad(samples, (*edges, (0, 0)), mode="symmetric").astype(np.float64)
    if form == "blown":
        large = 128 + 2.5 * (large - 128)
    noise = np.tile(made_noise(TILE, SPECTRA["camera"]), (LARGE[0] // TILE[0], LARGE[1] // TILE[1], 1))
    path = folder / f"large.{'jpg' if form == 'jpg' else 'png'}"
    Image.fromarray(np.clip(np.round(large + LEVEL_OF_LARGE * noise), 0, 255).astype(np.uint8)).save(
        path, quality=QUALITY_OF_LARGE
    )
    photo = read_photo(path)
    evidence = Evidence(photo.pixels(), photo.coding)
    began, worked = time.perf_counter(), time.process_time()
    noise_found = NOISES[detect(evidence)].of(evidence, None)
    return {
        "kind": noise_found.name.value,
        "level": noise_found.level,
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - worked,
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


PARTS = {"photos": of_photos, "made": of_made, "read": of_read, "clean": of_clean, "time": of_time}
SUFFIXES = (".png", ".jpg", ".jpeg")


def main() -> None:
    """Measure, print a line a run, and write the JSON after each if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("data", type=Path, nargs="+", help="folders with the pictures")
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
            rows.append({"name": name, **row()})
            show_row(rows[-1])
            if arguments.json:
                arguments.json.parent.mkdir(parents=True, exist_ok=True)
                arguments.json.write_text(json.dumps({**about("cpu"), "rows": rows}, indent=1) + "\n")
    numbers = [key for key, value in rows[0].items() if isinstance(value, float)]
    print("mean: " + ", ".join(f"{key} {np.mean([row[key] for row in rows]):.3f}" for key in numbers))


if __name__ == "__main__":
    main()
