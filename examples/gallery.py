"""Draw docs/gallery.jpg: a row a task, each degraded and restored by the real command.

    python examples/gallery.py [--out FILE] [--only TASK...] [more options for every restoration, such as --steps 3]

Left to right: what `pip-restore degrade` made of a picture of this folder, what the task wrote, and the picture itself,
which no command saw but to measure. Photographs: the cat by Stefan van der Walt and the coffee by Rachel Michetti, both
put into the public domain (CC0), the rocket by SpaceX (public domain).
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent
MARGIN, HEADER = 8, 26


@dataclass(frozen=True)
class Row:
    """A row of the gallery.

    Attributes:
        task: with its options; {folder} is where the degraded picture lies.
        picture: of this folder, without its ending.
        kind: of `pip-restore degrade` with its options; empty where the task takes the picture as it is.
        truth: whether the picture is what the task should arrive at.
    """

    task: str
    picture: str
    kind: str
    truth: bool = True


ROWS = {
    "denoise": Row("denoise --sigma 25", "cat", "noise --sigma 25"),
    "sr": Row("sr --scale 3", "coffee", "downsample --scale 3"),
    "inpaint": Row("inpaint --mask {folder}/in_mask.png", "cat", "mask --strokes 25"),
    "deblur": Row("deblur", "coffee", "blur --motion 12 --angle 30"),
    "dehaze": Row("dehaze", "rocket", "haze --beta 1.4 --airlight 0.8"),
    "flash": Row("flash --guide {folder}/flash.png", "coffee", "noise --sigma 30"),
    "enhance": Row("enhance --strength 1", "cat", "", truth=False),
}


def run(*words: str) -> None:
    """Run the real command, and end with its exit code if it fails."""
    print("pip-restore", *words, flush=True)
    done = subprocess.run([sys.executable, "-m", "pipcli", *words, "-q"], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def in_the_dark(picture: Path, folder: Path) -> Path:
    """Write a picture as flash.png, and as it would look by a lamp, and return that."""
    samples = np.asarray(Image.open(picture), float)
    Image.open(picture).save(folder / "flash.png")
    Image.fromarray((samples * [0.75, 0.5, 0.3]).round().astype(np.uint8)).save(folder / "dark.png")
    return folder / "dark.png"


def sheet_of(row: Row, folder: Path, more: list[str]) -> Image.Image:
    """Degrade, restore, and return the sheet that the command drew."""
    clean = FOLDER / f"{row.picture}.png"
    if row.task.startswith("flash"):
        clean = in_the_dark(clean, folder)
    source, truth = folder / "in.png", folder / "truth.png"
    if row.kind:
        kind, *options = row.kind.split()
        cut = ["--truth", str(truth)] if kind in ("downsample", "blur") else []
        masks = ["--mask", str(folder / "in_mask.png")] if kind == "mask" else []
        run("degrade", kind, str(clean), *options, "-o", str(source), *cut, *masks)
    else:
        Image.open(clean).save(source)
    if not truth.exists():
        Image.open(clean).save(truth)
    task, *options = (word.format(folder=folder) for word in row.task.split())
    reference = ["--reference", str(truth)] if row.truth else []
    run(
        task,
        str(source),
        *options,
        "-o",
        str(folder / "out.png"),
        "--sheet",
        str(folder / "sheet.png"),
        *reference,
        *more,
    )
    return Image.open(folder / "sheet.png").convert("RGB")


def gallery(names: list[str], more: list[str]) -> Image.Image:
    """Return the rows below each other, each with its command above."""
    sheets = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            sheets[name] = sheet_of(ROWS[name], Path(folder), more)
    width = max(sheet.width for sheet in sheets.values())
    height = sum(sheet.height + HEADER for sheet in sheets.values())
    whole = Image.new("RGB", (width, height), "white")
    draw, font, top = ImageDraw.Draw(whole), ImageFont.load_default(size=15), 0
    for name, sheet in sheets.items():
        row = ROWS[name]
        made = f"    (input: degrade {row.kind})" if row.kind else ""
        command = row.task.replace("{folder}/in_", "").replace("{folder}/", "")
        draw.text((MARGIN, top + MARGIN), f"pip-restore {command}{made}", fill="black", font=font)
        whole.paste(sheet, (0, top + HEADER))
        top += sheet.height + HEADER
    return whole


def main(arguments: list[str]) -> int:
    """Draw the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER.parent / "docs" / "gallery.jpg")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="TASK")
    options, more = parser.parse_known_args(arguments)
    gallery(options.only, more).save(options.out, quality=92)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
