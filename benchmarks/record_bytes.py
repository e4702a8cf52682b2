"""Records the SHA-256 of what some forty small commands write, so that a change of structure can be shown to be none.

    python benchmarks/record_bytes.py before.json
    ... move code about ...
    python benchmarks/record_bytes.py after.json --against before.json

Inputs are generated, 24 to 48 pixels a side, and fits make few steps: all of it takes some minutes. Recorded are every
file of the outputs, the exit code, and the JSON lines without seconds and versions. The digests are of one machine and
one set of libraries: other processors round otherwise.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

STEPS = ("--steps", "12", "--device", "cpu")
# Differ from run to run, or from machine to machine.
LEFT_OUT = {"seconds", "fitting_seconds", "version", "rate", "eta", "began", "remaining"}

PHOTOS: dict[str, list[str]] = {
    "denoise": ["denoise", "noisy.png", *STEPS],
    "denoise-sigma": ["denoise", "noisy.png", "--sigma", "25", *STEPS],
    **{f"denoise-{prior}": ["denoise", "noisy.png", "--sigma", "25", "--prior", prior, *STEPS]
       for prior in ("dip", "dip-unet", "dip-resnet", "siren", "mlp", "hash", "decoder")},
    "denoise-draft": ["denoise", "noisy.png", "--sigma", "25", "--quality", "draft", *STEPS],
    "denoise-best": ["denoise", "noisy.png", "--sigma", "25", "--quality", "best", *STEPS],
    "denoise-paper": ["denoise", "noisy.png", "--sigma", "25", "--paper", *STEPS],
    "denoise-variance": ["denoise", "noisy.png", "--sigma", "25", "--stop", "variance", *STEPS],
    "denoise-discrepancy": ["denoise", "noisy.png", "--sigma", "25", "--stop", "discrepancy", *STEPS],
    "denoise-grey16": ["denoise", "grey16.png", "--sigma", "20", *STEPS],
    "denoise-alpha": ["denoise", "alpha.png", "--sigma", "20", *STEPS],
    "denoise-jpeg": ["denoise", "noisy.jpg", *STEPS],
    "denoise-tiff": ["denoise", "float.tif", "--sigma", "20", *STEPS],
    "denoise-poisson": ["denoise", "noisy.png", "--noise", "poisson", *STEPS],
    "denoise-impulse": ["denoise", "noisy.png", "--noise", "impulse", *STEPS],
    "denoise-camera": ["denoise", "noisy.png", "--noise", "camera", *STEPS],
    "denoise-strength": ["denoise", "noisy.png", "--strength", "0.5", *STEPS],
    "denoise-clean": ["denoise", "clean.png", *STEPS],
    "denoise-several": ["denoise", "noisy.png", "other.png", "-o", "OUT", *STEPS],
    "denoise-reports": ["denoise", "noisy.png", "--sigma", "25", "--reference", "clean.png", "--sheet", "OUT/sheet.png",
                        "--uncertainty", "OUT/doubt.tif", *STEPS],
    "denoise-resume": ["denoise", "noisy.png", "--sigma", "25", "--resume", *STEPS],
    "sr": ["sr", "clean.png", "--scale", "2", *STEPS],
    "sr-box": ["sr", "clean.png", "--scale", "1.5", "--kernel", "box", "--sigma", "3", *STEPS],
    "inpaint": ["inpaint", "clean.png", "--mask", "mask.png", *STEPS],
    "inpaint-alpha": ["inpaint", "alpha.png", "--mask", "alpha", *STEPS],
    "inpaint-noisy": ["inpaint", "noisy.png", "--mask", "mask.png", "--sigma", "25", *STEPS],
    "enhance": ["enhance", "clean.png", "--strength", "0.5", *STEPS],
    "flash": ["flash", "noisy.png", "--guide", "clean.png", *STEPS],
    "deblur": ["deblur", "clean.png", "--save-kernel", "OUT/kernel.png", *STEPS],
    "deblur-kernel": ["deblur", "clean.png", "--kernel", "kernel.png", *STEPS],
    "dehaze": ["dehaze", "clean.png", "--transmission", "OUT/t.png", "--steps", "40", "--device", "cpu"],
    "dehaze-airlight": ["dehaze", "clean.png", "--airlight", "0.8,0.8,0.7", "--steps", "40", "--device", "cpu"],
}  # fmt: skip
CLIPS: dict[str, list[str]] = {
    "video": ["video", "frames", *STEPS],
    "video-mp4": ["video", "clip.mp4", "--sigma", "20", "--sheet", "OUT/sheet.png", "--slice", "OUT/slice.png", *STEPS],
    "video-windows": ["video", "frames", "--sigma", "20", "--window", "4", *STEPS],
    "video-per-frame": ["video", "frames", "--sigma", "20", "--per-frame", *STEPS],
    "video-paper": ["video", "frames", "--sigma", "20", "--paper", *STEPS],
    "video-hash": ["video", "frames", "--sigma", "20", "--prior", "hash", *STEPS],
    "video-sr": ["video", "frames", "--task", "sr", "--scale", "2", *STEPS],
    "video-inpaint": ["video", "frames", "--task", "inpaint", "--mask", "small_mask.png", *STEPS],
    "video-deblur": ["video", "frames", "--task", "deblur", "--kernel-file", "kernel.png", *STEPS],
    "video-dehaze": ["video", "frames", "--task", "dehaze", "--steps", "20", "--device", "cpu"],
    "video-interpolate": ["video", "frames", "--task", "interpolate", "--factor", "2", "--device", "cpu"],
}
OTHERS: dict[str, list[str]] = {
    "degrade-noise": ["degrade", "noise", "clean.png", "--sigma", "25", "-o", "OUT/n.png"],
    "degrade-blur": ["degrade", "blur", "clean.png", "--sigma", "1.5", "-o", "OUT/b.png"],
    "degrade-downsample": ["degrade", "downsample", "clean.png", "--scale", "2", "-o", "OUT/d.png"],
    "degrade-mask": ["degrade", "mask", "clean.png", "--share", "0.3", "-o", "OUT/m.png"],
    "degrade-haze": ["degrade", "haze", "clean.png", "-o", "OUT/h.png"],
    "degrade-jpeg": ["degrade", "jpeg", "clean.png", "-o", "OUT/j.jpg"],
    "degrade-clip": ["degrade", "noise", "frames", "--sigma", "25", "-o", "OUT/n"],
    "compare": ["compare", "noisy.png", "--reference", "clean.png"],
    "compare-clips": ["compare", "frames", "--reference", "frames"],
    "refused": ["denoise", "noisy.png", "--prior", "none"],
}  # fmt: skip


def make_inputs(folder: Path) -> None:
    """Write the pictures and clips that the commands read, always the same."""
    draw = np.random.default_rng(7)
    y, x = np.mgrid[0:40, 0:48] / 40
    clean = np.stack([0.5 + 0.4 * np.sin(5 * x), y / 1.2, 0.3 + 0.4 * ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1)], -1)
    noisy = clean + draw.normal(0, 25 / 255, clean.shape)
    _save(folder / "clean.png", clean)
    _save(folder / "noisy.png", noisy)
    _save(folder / "other.png", noisy[::-1])
    Image.fromarray(_bytes(noisy)).save(folder / "noisy.jpg", quality=90)
    Image.fromarray((noisy[..., 0].clip(0, 1) * 65535).round().astype(np.uint16)).save(folder / "grey16.png")
    Image.fromarray(noisy[..., 1].clip(0, 1).astype(np.float32)).save(folder / "float.tif")
    alpha = np.where((x - 0.6) ** 2 + (y - 0.5) ** 2 < 0.03, 0.0, 1.0)
    _save(folder / "alpha.png", np.concatenate([noisy, alpha[..., None]], -1))
    _save(folder / "mask.png", (draw.random((40, 48)) < 0.2).astype(float))
    kernel = np.zeros((5, 5))
    kernel[2, :] = 1
    _save(folder / "kernel.png", kernel)
    small_mask = np.zeros((24, 32))
    small_mask[8:12, 5:20] = 1
    _save(folder / "small_mask.png", small_mask)
    (folder / "frames").mkdir()
    for number in range(6):
        moved = np.roll(clean, number, axis=1)[:24, :32]
        _save(folder / "frames" / f"{number:06}.png", moved + draw.normal(0, 20 / 255, moved.shape))
    _make_clip(folder / "frames", folder / "clip.mp4")


def _bytes(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)


def _save(path: Path, picture: np.ndarray[Any, Any]) -> None:
    Image.fromarray(_bytes(picture)).save(path)


def _make_clip(frames: Path, clip: Path) -> None:
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    pictures = ["-framerate", "25", "-i", str(frames / "%06d.png")]
    encoder = ["-c:v", "libx264", "-threads", "1", "-pix_fmt", "yuv420p", "-crf", "10"]
    subprocess.run([program, "-v", "error", *pictures, *encoder, str(clip)], check=True)


def run_command(arguments: list[str], inputs: Path) -> dict[str, Any]:
    """Run a command in this process in a folder with copies of the inputs, and return what it left."""
    from pipcli.cli.app import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for entry in inputs.iterdir():
            (shutil.copytree if entry.is_dir() else shutil.copy)(entry, folder / entry.name)
        before = set(folder.rglob("*"))
        (folder / "OUT").mkdir()
        written = io.BytesIO()
        out, err = io.TextIOWrapper(written), io.TextIOWrapper(io.BytesIO())
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*arguments, "--json", *(() if arguments[0] == "compare" else ("--quiet",))])
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in before)
        digests = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        out.flush()
        said = written.getvalue().decode().splitlines()
        lines = [_without_times(json.loads(line)) for line in said if line.startswith("{")]
        kept = json.dumps([line for line in lines if line.get("type") != "progress"], sort_keys=True)
        return {"code": code, "files": digests, "json": kept.replace(str(folder), "")}


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(one) for name, one in value.items() if name not in LEFT_OUT}
    return [_without_times(one) for one in value] if isinstance(value, list) else value


def main() -> int:
    """Record, and compare with an earlier record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="JSON file to write")
    parser.add_argument("--against", type=Path, help="an earlier record: what differs is named, with exit code 1")
    parser.add_argument("--only", default="", help="only commands whose name has this in it")
    asked = parser.parse_args()
    os.environ.setdefault("NO_COLOR", "1")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        inputs = Path(name).resolve() / "inputs"
        inputs.mkdir()
        make_inputs(inputs)
        for title, arguments in (PHOTOS | CLIPS | OTHERS).items():
            if asked.only in title:
                found[title] = run_command(arguments, inputs)
                print(title, found[title]["code"], len(found[title]["files"]), flush=True)
    asked.record.write_text(json.dumps(found, indent=1, sort_keys=True))
    if asked.against is None:
        return 0
    earlier = json.loads(asked.against.read_text())
    different = [title for title in found if found[title] != earlier.get(title)]
    print(f"{len(found) - len(different)} of {len(found)} as before", *different, sep="\n  ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
