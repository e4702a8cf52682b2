"""Clips for benches that need no real ones: lossless, and the same at every run."""

import subprocess
from pathlib import Path

import imageio_ffmpeg


def write_moving(path: Path, size: str, rate: int, noise: int, frames: int) -> None:
    """Write the moving test picture of ffmpeg, WxH in size, with noise (0 to 100, as ffmpeg has it) new each frame."""
    source = f"testsrc2=size={size}:rate={rate},noise=alls={noise}:allf=t:all_seed=1"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(frames)]
    subprocess.run([*ffmpeg, "-c:v", "ffv1", "-pix_fmt", "bgr0", str(path)], check=True)
