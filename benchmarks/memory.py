"""The memory of the real command over a long clip: what it and its children hold when each window is done.

A moving test picture with noise is made up, and denoised as a draft with few steps, since memory does not depend on
their number. What is held when a window is done goes up and down by a few hundred MB from one to the next, so that
growth is told from peaks: that of the windows from the frame of --after on, against that of those before.

    python benchmarks/memory.py --frames 300 --size 320x180 --json benchmarks/results/memory.json
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common.about import about
from common.made_clips import write_moving

SETTINGS = ("--quality", "draft", "--sigma", "20", "--device", "cpu", "--no-resume", "--json")
MEGABYTE = 2**20


def resident(process: int) -> int:
    """Return the bytes in memory of a process and of its children (Linux)."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in (process, *map(int, children))]
    return sum(pages) * 4096


def watched(words: list[str]) -> list[dict[str, Any]]:
    """Run the command, and return a row a window: windows and frames done, seconds, megabytes held."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    rows: list[dict[str, Any]] = []
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        done = event.get("windows_done", 0)
        if done > (rows[-1]["windows"] if rows else 0):
            frames = round(event["frames"] * done / event["windows"])
            held = round(resident(process.pid) / MEGABYTE)
            rows.append({"windows": done, "of": event["windows"], "frames": frames, "megabytes": held})
            rows[-1]["seconds"] = round(time.perf_counter() - began, 1)
            print("{windows:4} of {of} windows, {frames:5} frames, {megabytes:6} MB, {seconds:8} s".format(**rows[-1]),
                  flush=True)  # fmt: skip
    if process.wait():
        raise SystemExit(process.returncode)
    return rows


def main() -> None:
    """Run, print a row a window and the growth, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--after", type=int, default=50, help="frame from which on growth counts")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mkv"
        write_moving(source, arguments.size, rate=25, noise=60, frames=arguments.frames)
        words = [sys.executable, "-m", "pipcli", "video", str(source), "-o", str(source.with_stem("out"))]
        rows = watched([*words, *SETTINGS, "--steps", str(arguments.steps)])
    early, late = (
        [row["megabytes"] for row in rows if (row["frames"] >= arguments.after) is is_late] for is_late in (False, True)
    )
    if not (early and late):
        raise SystemExit(f"no window ended on one side of frame {arguments.after}: take more --frames")
    before, after = max(early), max(late)
    print(f"at most {before} MB until frame {arguments.after}, at most {after} MB from there on")
    if arguments.json:
        result = {**about("cpu"), "peak_before": before, "peak_after": after, "rows": rows}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
