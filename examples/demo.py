"""Restore the example picture with the real command and say where to look: what `make demo` runs."""

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parent / "demo"
NOISY, CLEAN = FOLDER / "cat_noisy25.png", FOLDER / "cat.png"


def main(results: Path, more_options: list[str]) -> int:
    """Run `pip-restore denoise` on the example, write to a folder, and return the command's exit code."""
    results.mkdir(exist_ok=True)
    restored, sheet = results / "cat_restored.png", results / "cat_sheet.png"
    command = ["denoise", str(NOISY), "-o", str(restored), "--sigma", "25", "--prior", "pip", "--overwrite"]
    # A limit, so that the demonstration stays one on a slow machine too.
    command += ["--time-limit", "80"]
    command += ["--reference", str(CLEAN), "--sheet", str(sheet), "--json", *more_options]
    print("pip-restore " + " ".join(command), flush=True)
    run = subprocess.run([sys.executable, "-m", "pipcli", *command], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        return run.returncode
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    result = next(line for line in lines if line["type"] == "result")
    metrics = result["metrics"]
    print(f"restored picture:   {restored}")
    print(f"side-by-side sheet: {sheet}")
    print(
        f"gain:               {metrics['gain']:.2f} dB "
        f"(from {metrics['psnr_input']:.2f} to {metrics['psnr']:.2f} dB) in {result['seconds']:.0f} s of fitting"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(RESULTS, sys.argv[1:]))
