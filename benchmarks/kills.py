"""Kill the real command at random moments, start it again, and compare the bytes with those of an unbroken run.

A picture with --resume and a clip are made up, restored once without a break, and then over and over: killed (SIGKILL)
after a random share of the time that the unbroken run took, and started again. The state of a fit is kept as often as
it can be, so that moments at which a file is being written are among those hit.

    python benchmarks/kills.py --times 50 --json kills.json
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.made_clips import write_moving

OFTEN = (
    "import pipcli.cli.app; from pipcli.jobs import fit_state as fit_keeping\n"
    "fit_keeping.PERIOD = fit_keeping.LEAST_SHARE = 0.0\n"
    "pipcli.cli.app.main()"
)
SETTINGS = ("--sigma", "25", "--stop", "none", "--device", "cpu", "--seed", "1")


@dataclass(frozen=True)
class Work:
    """What is killed: its name, the words of its command, and its output."""

    name: str
    words: tuple[str, ...]
    output: Path

    @property
    def folder(self) -> Path:
        """Where the command keeps what is unfinished."""
        return self.output.parent / f".{self.output.name}.resume"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the command."""
        words = [sys.executable, "-c", OFTEN, *self.words, "-o", str(self.output)]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def checksum(self) -> str:
        """Return that of the output."""
        return hashlib.sha256(self.output.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Trial:
    """One kill: after how many seconds, what was there then, and whether the bytes were those of an unbroken run."""

    work: str
    seconds: float
    there: str
    same: bool


def picture(folder: Path) -> Work:
    """Make a picture with noise."""
    y, x = np.mgrid[0:96, 0:96] / 96
    clean = np.stack([x, y, (x + y) / 2], axis=-1) * 160 + 48
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
    Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / "picture.png")
    words = ("denoise", str(folder / "picture.png"), "--resume", "--steps", "150", *SETTINGS)
    return Work("picture", words, folder / "picture_out.png")


def clip(folder: Path) -> Work:
    """Make a clip with noise."""
    made = folder / "clip.mkv"
    write_moving(made, "48x32", rate=10, noise=40, frames=7)
    words = ("video", str(made), "--steps", "40", "--window", "3", *SETTINGS)
    return Work("clip", words, folder / "clip_out.mkv")


def finish(work: Work) -> float:
    """Run to the end and return the seconds it took."""
    began = time.perf_counter()
    process = work.start()
    _, err = process.communicate()
    if process.returncode:
        raise SystemExit(f"{work.name}: exit code {process.returncode}: {err.decode()}")
    return time.perf_counter() - began


def killed(work: Work, seconds: float, expected: str) -> Trial:
    """Kill a run after some seconds, run again, and compare."""
    process = work.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    there = "output" if work.output.exists() else ("kept" if work.folder.exists() else "nothing")
    if there != "output" or work.folder.exists():
        finish(work)
    same = work.checksum() == expected and not work.folder.exists()
    work.output.unlink()
    shutil.rmtree(work.folder, ignore_errors=True)
    return Trial(work.name, round(seconds, 3), there, same)


def main() -> None:
    """Kill, print a row a kill and the sums, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50, help="kills of the picture, and of the clip")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        for work in (picture(Path(folder)), clip(Path(folder))):
            seconds = finish(work)
            expected = work.checksum()
            work.output.unlink()
            for _ in range(arguments.times):
                trials.append(killed(work, moments.uniform(0, seconds), expected))
                print("{work:8} killed after {seconds:6.2f} s, {there:8} there, same bytes: {same}".format(
                    **asdict(trials[-1])), flush=True)  # fmt: skip
    for name in ("picture", "clip"):
        mine = [trial for trial in trials if trial.work == name]
        print(f"{name}: {sum(trial.same for trial in mine)} of {len(mine)} ended with the bytes of an unbroken run")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(trial) for trial in trials], indent=1))


if __name__ == "__main__":
    main()
