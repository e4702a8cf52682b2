"""Write docs/quality.md from the JSONs of `quality.py` and `noise_kinds.py`, and the words of `quality_page.md`.

JSONs of the same title, settings, device, threads and versions are parts of one measurement. A cell is the mean over
seeds; the last row is the mean over pictures, where all of them have a number.

    python benchmarks/quality_page.py benchmarks/results/quality-*.json --out docs/quality.md
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.summaries import mean, summary

Row = dict[str, Any]
WORDS = Path(__file__).with_name("quality_page.md")
PLACE = "<!-- tables -->"
CLASSICS = {"nlm": "NLM", "tv": "TV", "median": "median", "cbm3d": "CBM3D"}
# What JSONs must have in common to be parts of one measurement.
COMMON = ("title", "settings", "device", "threads", "torch", "version")
NOTHING = ""
# The units of levels, in the words of the command's help.
LEVELS = {
    "gaussian": "gaussian, sigma {:g}",
    "laplace": "laplace, sigma {:g}",
    "poisson": "poisson, {:g} photons at white",
    "impulse": "impulse, share {:g}",
    "speckle": "speckle, {:g} of the brightness",
    "jpeg": "jpeg, quality {:g}",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and its number of a row of a method (None: the rows of all methods)."""

    heading: str
    method: str | None
    value: Callable[[Row], float | None]
    digits: int = 2


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a cell."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def seconds(value: float | None) -> str:
    """Return seconds for a cell, with a digit after the point where there are few."""
    return number(value, 1 if value is not None and value < 10 else 0)


def table(heading: list[str], lines: list[list[str]]) -> str:
    """Return a table in markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heading, ["---"] * len(heading), *lines])


def methods_of(rows: list[Row]) -> list[str]:
    """Return the methods of some rows: classic ones first, then in the order of the rows."""
    found = list(dict.fromkeys(row["method"] for row in rows))
    return [name for name in CLASSICS if name in found] + [name for name in found if name not in CLASSICS]


def name_of(method: str) -> str:
    """Return a method in words."""
    return CLASSICS.get(method, method.replace(":", " "))


def seeds_of(rows: list[Row]) -> str:
    """Return which seeds the runs of one kind and level have, and say so where methods are not of the same runs."""
    seeds = sorted({row["seed"] for row in rows})
    words = f"Seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}."
    counts = {method: sum(row["method"] == method for row in rows) for method in methods_of(rows)}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name_of(method)} {count}" for method, count in counts.items())
        words += f" Not all methods have the same runs, so compare with care; runs: {listed}."
    return words


def columns_of(rows: list[Row]) -> list[Column]:
    """Return the columns of a table of pictures."""
    columns = [Column("input", None, lambda row: row["psnr_input"])]
    for method in methods_of(rows):
        if method in CLASSICS:
            columns.append(Column(name_of(method), method, lambda row: row["psnr"]))
            continue
        columns += [
            Column(f"{name_of(method)}: alone", method, lambda row: row["psnr_prior"]),
            Column("**written**", method, lambda row: row["psnr"]),
            Column("SSIM", method, lambda row: row["ssim"], 3),
            Column("lost", method, lambda row: row["loss"]),
            Column("seconds", method, lambda row: row["seconds"], 1),
        ]
    return columns


def value_of(column: Column, rows: list[Row]) -> float | None:
    """Return the mean of a column over rows."""
    return mean(column.value(row) for row in rows if column.method in (None, row["method"]))


def cell(column: Column, value: float | None) -> str:
    """Return a value of a column as text."""
    if column.heading == "seconds":
        return seconds(value)
    text = number(value, column.digits)
    return f"**{text}**" if text and column.heading.startswith("**") else text


def pictures_table(rows: list[Row]) -> str:
    """Return the table of one kind and level: a row a picture, and the mean over them."""
    columns = columns_of(rows)
    sizes = {row["picture"]: row["size"] for row in rows}
    by_picture = {
        picture: [value_of(column, [row for row in rows if row["picture"] == picture]) for column in columns]
        for picture in sizes
    }
    lines = [
        [f"{picture}, {sizes[picture][1]}x{sizes[picture][0]}", *map(cell, columns, values)]
        for picture, values in by_picture.items()
    ]
    # The mean of some of the pictures would look like that of all.
    complete = [None if None in column else mean(column) for column in zip(*by_picture.values(), strict=True)]
    if len(lines) > 1:
        lines.append(["mean", *map(cell, columns, complete)])
    return table(["", *(column.heading for column in columns)], lines)


def method_means(rows: list[Row]) -> str:
    """Return the table of means: a row a kind, level and method."""
    heading = ["noise", "method", "runs", "PSNR", "SSIM", "gain", "least gain", "lost", "most lost", "seeds differ by"]
    lines = []
    for noise, level in noises_of(rows):
        same_noise = [row for row in rows if (row["noise"], row["level"]) == (noise, level)]
        for method in methods_of(same_noise):
            same = summary([row for row in same_noise if row["method"] == method])
            names = ("gain", "worst_gain", "loss", "worst_loss", "seed_range")
            numbers = [number(same["psnr"]), number(same["ssim"], 3), *(number(same[name]) for name in names)]
            runs, time = str(same["runs"]), seconds(same["seconds"])
            lines.append([LEVELS[noise].format(level), name_of(method), runs, *numbers, time])
    return table([*heading, "seconds"], lines)


def noises_of(rows: list[Row]) -> list[tuple[str, float]]:
    """Return the kinds and levels of some rows, kind by kind, levels rising."""
    kinds = list(LEVELS)
    return sorted({(row["noise"], row["level"]) for row in rows}, key=lambda noise: (kinds.index(noise[0]), noise[1]))


def source(results: list[dict[str, Any]]) -> str:
    """Return what stands under a table: its commands, and where they ran."""
    first = results[0]
    code = sorted({row["code"] for result in results for row in result["runs"] if "code" in row})
    words = [
        first["device"],
        f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}",
        f"torch {first['torch']}",
        f"version {first['version']}",
    ]
    words += [f"sources {' and '.join(code)}"] if code else []
    commands = "\n".join(result["command"] for result in results)
    return f"```\n{commands}\n```\n\n{'; '.join(words)}."


def title_of(result: dict[str, Any]) -> str:
    """Return the title of a measurement: its own, else from its settings."""
    if result["title"]:
        return str(result["title"])
    settings = result["settings"]
    place = "whole pictures" if settings["crop"] is None else f"the middle {settings['crop']}x{settings['crop']}"
    return f"Noise {'of published files' if settings['noisy'] else 'that was drawn'}, {place}"


def quality_section(results: list[dict[str, Any]]) -> str:
    """Return the section of the JSONs of one measurement.

    Raises:
        SystemExit: two of them hold the same run.
    """
    rows = [row for result in results for row in result["runs"]]
    keys = [(row["picture"], row["noise"], row["level"], row["seed"], row["method"]) for row in rows]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise SystemExit(f"the same run is in two files: {twice[0]}")
    settings = results[0]["settings"]
    parts = [f"### {title_of(results[0])}"]
    if settings["blind"]:
        parts.append("The command was told neither the kind nor the level of the noise.")
    if settings["steps"] is not None:
        parts.append(f"Fits were bounded to {settings['steps']} steps: this shows that the bench works, not quality.")
    for noise in noises_of(rows):
        its_rows = [row for row in rows if (row["noise"], row["level"]) == noise]
        its_results = [result for result in results if any(row in its_rows for row in result["runs"])]
        parts += [
            f"#### {LEVELS[noise[0]].format(noise[1]).capitalize()}",
            seeds_of(its_rows),
            pictures_table(its_rows),
            source(its_results),
        ]
    parts += ["#### Means over pictures and seeds", method_means(rows), source(results)]
    return "\n\n".join(parts)


def kinds_section(result: dict[str, Any]) -> str:
    """Return the section of a JSON of `noise_kinds.py`: kinds named, left to `auto`, and taken for Gaussian."""
    rows = result["runs"]
    groups: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["kind"], row["level"], row["picture"]), []).append(row)
    lines = []
    for (kind, level, picture), same in groups.items():
        numbers = [mean(row.get(name) for row in same) for name in ("input", "gaussian", "named", "auto")]
        taken = ", ".join(sorted({row["took"] for row in same}))
        lines.append([LEVELS[kind].format(level), picture, str(len(same)), *map(number, numbers), taken])
    heading = ["noise", "picture", "seeds", "input", "as gaussian", "**kind named**", "auto", "auto took"]
    words = "The level is always estimated. *As gaussian* is plain least squares, `--noise gaussian`."
    return "\n\n".join(["### Kinds of noise", words, table(heading, lines), source([result])])


def page(results: list[dict[str, Any]]) -> str:
    """Return the page."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        if "settings" in result:
            parts.setdefault(json.dumps([result[name] for name in COMMON]), []).append(result)
    sections = [quality_section(part) for part in parts.values()]
    sections += [kinds_section(result) for result in results if "settings" not in result]
    words = WORDS.read_text()
    if PLACE not in words:
        raise SystemExit(f"{WORDS.name} has no line {PLACE}")
    return words.replace(PLACE, "\n\n".join(sections))


def main() -> None:
    """Read the JSONs and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="JSONs of quality.py and noise_kinds.py")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.write_text(page([json.loads(path.read_text()) for path in arguments.results]))
    print(arguments.out)


if __name__ == "__main__":
    main()
