"""Small clips for tests, made and read by others than the code under test."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "bgr0")


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, which must succeed."""
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], check=True, stdin=subprocess.DEVNULL, timeout=60)


def clip(
    path: Path, frames: int = 5, size: tuple[int, int] = (48, 32), options: tuple[str, ...] = LOSSLESS, rate: int = 10
) -> Path:
    """Write a clip of a moving test picture with noise, (width, height), and return its path."""
    width, height = size
    source = f"testsrc2=size={width}x{height}:rate={rate},noise=alls=30:allf=t:all_seed=1,setsar=1"
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", str(frames), *options, path)
    return path


def pictures(folder: Path, frames: int = 5, size: tuple[int, int] = (48, 32)) -> Path:
    """Write a folder of numbered PNG files with smooth content that moves, and noise of sigma 25."""
    folder.mkdir()
    width, height = size
    draws = np.random.default_rng(0)
    for number in range(frames):
        y, x = np.mgrid[0:height, 0:width]
        clean = np.stack([x + 2 * number, y, x + y], axis=-1) * 160 / (width + height) + 40
        noisy = clean + draws.normal(0, 25, clean.shape)
        Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / f"frame_{number + 1:03}.png")
    return folder


def read(path: Path) -> list[NDArray[np.uint8]]:
    """Decode all frames of a clip as (H, W, 3) samples."""
    if path.is_dir():
        return [np.asarray(Image.open(file).convert("RGB")) for file in sorted(path.iterdir())]
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    """The moments at which the frames of a clip are shown, in seconds."""
    with av.open(str(path)) as container:
        shown = [frame.pts * frame.time_base for frame in container.decode(video=0)]
        return [Fraction(moment) for moment in shown]
