"""Write docs/measured.md, docs/quality.md and the table of README.md from the JSONs of `results/` and `published.json`.

The words of the page are in `measured_page.md`; each line `<!-- NAME -->` there is replaced by the table of that name.
The table of the README stands between two such lines and is replaced there.

    python benchmarks/measured_page.py            # writes all three
    python benchmarks/measured_page.py --check    # exit code 1 if one of them would change
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.summaries import mean
from quality_page import page as quality_page

Row = dict[str, Any]
FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
README_TABLE = re.compile(r"(<!-- measured -->\n).*?(\n<!-- /measured -->)", re.DOTALL)
NOTHING = ""
# The tasks of `tasks.py`: the file in results/, and what the row of the table is called.
TASKS = {
    "sr-x4": "`sr --scale 4`, Set5, luma, border 4",
    "sr-x8": "`sr --scale 8`, Set5, luma, border 4",
    "inpaint-50": "`inpaint`, half of the pixels of four grey pictures",
    "inpaint-text": "`inpaint`, text on `kate`, inside the text",
    "inpaint-hole": "`inpaint`, holes in `vase` and `library`, inside them",
    "inpaint-scribble": "`inpaint`, scribble on `f16`, inside it",
    "deblur": "`deblur`, eight of Levin's, blind, best shift, border 15",
    "deblur-known": "`deblur --kernel-file`, six of them with the true kernels",
    "dehaze-pair": "`dehaze`, one pair",
}
STANDARD = "pip:standard"
# The JSONs of docs/quality.md, in their order there.
QUALITY = ("quality-published", "quality-published-best", "quality-published-dip", "quality-10", "quality-50")
QUALITY += ("quality-seeds", "quality-50-best", "quality-own", "noise-kinds")


def result(name: str) -> Any:
    """Return what a JSON of results/ holds."""
    return json.loads((FOLDER / "results" / f"{name}.json").read_text())


def published() -> Any:
    """Return the figures of other methods."""
    return json.loads((FOLDER / "published.json").read_text())


def table(heading: list[str], lines: list[list[str]]) -> str:
    """Return a table in markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heading, ["---"] * len(heading), *lines])


def decibels(value: float | None) -> str:
    """Return dB for a cell; nothing for a missing or an infinite value."""
    return NOTHING if value is None or value == float("inf") else f"{value:.2f}"


def bold(value: float | None) -> str:
    """Return dB in bold."""
    return f"**{decibels(value)}**"


def source(found: Row) -> str:
    """Return the command of a measurement and the machine that it ran on."""
    threads = f"{found['threads']} thread{'s' if found['threads'] > 1 else ''}"
    where = f"{found['device']}; {threads}; torch {found['torch']}; version {found['version']}"
    return f"```\n{found['command']}\n```\n\n{where}."


def camera() -> str:
    """Return the table of photos of cameras."""
    found, others = result("camera-photos"), published()["camera"]["mcwnnm"]
    lines = []
    for row in found["rows"]:
        cells = [row["name"], decibels(row["input"]), decibels(others.get(row["name"])), bold(row["result"])]
        lines.append([*cells, f"{row['gain']:+.2f}", f"{row['seconds']:.0f}"])
    input_mean, written, gain = (mean(row[name] for row in found["rows"]) for name in ("input", "result", "gain"))
    lines.append(["mean", decibels(input_mean), NOTHING, bold(written), f"{gain:+.2f}", NOTHING])
    same = [row for row in found["rows"] if row["name"] in others]
    input_mean, written, gain = (mean(row[name] for row in same) for name in ("input", "result", "gain"))
    cells = [decibels(input_mean), decibels(mean(others.values())), bold(written), f"{gain:+.2f}", NOTHING]
    lines.append(["mean of those that MCWNNM restored", *cells])
    heading = ["photo, 512x512", "input", "MCWNNM, published", "**written**", "gain", "seconds"]
    return "\n\n".join([table(heading, lines), source(found)])


def clean() -> str:
    """Return the table of clean drawings, of JPEGs of them, and of them with noise."""
    found = result("clean-pictures")
    groups: dict[str, list[Row]] = {}
    for row in found["runs"]:
        match = re.search(r" (JPEG|sigma) \d+$", row["picture"])
        groups.setdefault(match.group(0).strip() if match else "as drawn", []).append(row)
    lines = []
    for name, rows in groups.items():
        same = sum(bool(row.get("identical")) for row in rows)
        gains = [row["gain"] for row in rows if "gain" in row]
        off = [abs(row["off"]) for row in rows if "off" in row]
        changed = [row["of_itself"] for row in rows if row.get("of_itself") is not None]
        lines.append(
            [
                name,
                str(len(rows)),
                NOTHING if gains else str(same),
                decibels(min(changed, default=None)),
                f"{100 * max(off):.0f} %" if off else NOTHING,
                f"{min(gains):+.2f} to {max(gains):+.2f}" if gains else NOTHING,
            ]
        )
    heading = ["drawing", "files", "identical", "least PSNR to the input where changed", "sigma off by at most", "gain"]
    return "\n\n".join([table(heading, lines), source(found)])


def gaussian_means() -> dict[str, float | None]:
    """Return the means over the five published files at sigma 25: of the input and of every method."""
    runs = [row for name in ("", "-best", "-dip") for row in result(f"quality-published{name}")["runs"]]
    found = {row: mean(one["psnr"] for one in runs if one["method"] == row) for row in {r["method"] for r in runs}}
    ours = [row for row in runs if row["method"] == STANDARD]
    others = [row for name, row in published()["denoise"].items() if name != "about"]
    return (
        found
        | {name: mean(row[name] for row in others) for name in ("pip", "dip", "cbm3d")}
        | {"input": mean(row["psnr_input"] for row in ours), "alone": mean(row["psnr_prior"] for row in ours)}
        | {"seconds": mean(row["seconds"] for row in ours)}
    )


def gaussian() -> str:
    """Return the comparison with other methods on the five published files at sigma 25."""
    ours = {row["picture"]: row for row in result("quality-published")["runs"] if row["method"] == STANDARD}
    nlm = {row["picture"]: row["psnr"] for row in result("quality-published")["runs"] if row["method"] == "nlm"}
    best = {row["picture"]: row["psnr"] for row in result("quality-published-best")["runs"]}
    others = published()["denoise"]
    lines = [
        [
            name,
            decibels(row["psnr_input"]),
            *(decibels(others[name][method]) for method in ("pip", "dip")),
            decibels(nlm[name]),
            decibels(others[name]["cbm3d"]),
            decibels(row["psnr_prior"]),
            bold(row["psnr"]),
            bold(best[name]),
        ]
        for name, row in ours.items()
    ]
    of = gaussian_means()
    plain = [decibels(of[name]) for name in ("input", "pip", "dip", "nlm", "cbm3d", "alone")]
    lines.append(["mean", *plain, bold(of[STANDARD]), bold(of["pip:best"])])
    heading = ["PSNR, dB", "noisy", "published PIP", "published DIP", "NLM", "CBM3D", "networks alone"]
    return table([*heading, "**standard**", "**best**"], lines)


def tasks() -> str:
    """Return the table of the tasks that `tasks.py` measured."""
    lines = []
    commands = []
    for name, words in TASKS.items():
        found = result(name)
        first = next(row for row in found["means"] if row["method"] == STANDARD)
        measure = found["measure"]
        each = [
            f"{row['picture']} {row[measure]:.2f}{_method(row)}" for row in found["runs"] if row["method"] == STANDARD
        ]
        more = [
            f"{row['picture']} {row[measure]:.2f}{_method(row)}" for row in found["runs"] if row["method"] != STANDARD
        ]
        cells = [words, decibels(first["input"]) or "-", published()["tasks"][name], bold(first[measure])]
        lines.append([*cells, ", ".join(each + more), f"{first['seconds']:.0f}"])
        commands.append(found["command"])
    heading = ["task", "input", "published", "**written, mean**", "each", "seconds"]
    return "\n\n".join([table(heading, lines), "```\n" + "\n".join(commands) + "\n```"])


def _method(row: Row) -> str:
    """Return the options of a run that was not made with the defaults."""
    if row["method"] == STANDARD:
        return NOTHING
    prior, quality = row["method"].split(":")
    words = f"--prior {prior}" + ("" if quality == "standard" else f" --quality {quality}")
    return f" (`{words}`, {row['seconds']:,.0f} s)"


def priors() -> str:
    """Return the table of generators for noise."""
    found = result("priors")
    rows = {(row["prior"], row["picture"]): row for row in found["runs"]}
    lines = []
    for prior in dict.fromkeys(row["prior"] for row in found["runs"]):
        cat, tissue = rows[prior, "cat"], rows[prior, "tissue"]
        cells = [" / ".join(decibels(row[name]) for row in (cat, tissue)) for name in ("psnr_prior", "psnr")]
        seconds = f"{cat['seconds']:.0f} / {tissue['seconds']:.0f}"
        lines.append([f"`{prior}`", *cells, seconds, f"{cat['parameters']:,}"])
    heading = ["`--prior`", "networks alone (cat / tissue)", "written", "seconds", "parameters of a network"]
    return "\n\n".join([table(heading, lines), source(found)])


def priors_tasks() -> str:
    """Return the table of generators for filling in and enlarging."""
    found = result("priors-tasks")
    rows: dict[tuple[str, str], dict[str, Row]] = {}
    for row in found["runs"]:
        task = row["task"].split(" -> ")[1].split()[0]
        rows.setdefault((row["prior"], task), {})[row["picture"]] = row
    lines = []
    for prior in dict.fromkeys(row["prior"] for row in found["runs"]):
        cells = []
        for task in ("inpaint", "sr"):
            pair = [rows[prior, task][picture] for picture in ("cup", "tissue")]
            cells += [" / ".join(decibels(row[name]) for row in pair) for name in ("psnr_prior", "psnr")]
            cells.append(" / ".join(f"{row['seconds']:.0f}" for row in pair))
        lines.append([f"`{prior}`", *cells])
    heading = ["`--prior`", "`inpaint`: networks alone (cup / tissue)", "written", "seconds"]
    heading += ["`sr --scale 4`: networks alone (cup / tissue)", "written", "seconds"]
    return "\n\n".join([table(heading, lines), source(found)])


def clips() -> str:
    """Return the table of clips."""
    lines = []
    commands = []
    for name in ("clips-denoise", "clips-sr", "clips-whole"):
        found = result(name)
        commands.append(found["command"])
        groups: dict[tuple[str, str], dict[str, Row]] = {}
        for row in found["runs"]:
            groups.setdefault((row["clip"].removesuffix("_gt"), row["task"]), {})[row["method"]] = row
        for (clip, task), methods in groups.items():
            part = "whole" if found["runs"][0]["size"] is None else "middle 192x192, 9 frames"
            cells = [
                f"{row['psnr']:.2f} ({row['psnr_changes']:.2f})" if row else "not run"
                for row in map(methods.get, ("input", f"{STANDARD}:per-frame", STANDARD, "pip:best"))
            ]
            lines.append([f"{clip}, {part}", f"`{task}`", *cells, f"{methods[STANDARD]['seconds']:,.0f}"])
    heading = ["clip", "task", "input", "`--per-frame`", "**standard**", "**best**", "seconds, standard"]
    return "\n\n".join([table(heading, lines), "```\n" + "\n".join(commands) + "\n```"])


def hazes() -> str:
    """Return the means of the hazes that were made."""
    found = result("dehazing")
    means = found["means"]
    lines = [
        ["hazy", decibels(means["psnr_input"]), NOTHING],
        ["dark channel prior alone", decibels(means["psnr_classic"]), f"{means['correlation_classic']:.2f}"],
        ["`pip-restore dehaze`", bold(means["psnr"]), f"{means['correlation']:.2f}"],
    ]
    words = ["mean of ten hazes", "PSNR, dB", "correlation of the transmission with the true one"]
    return "\n\n".join([table(words, lines), source(found)])


def robustness() -> str:
    """Return what the runs with kills, mutated files and a long clip came to."""
    kills, photos, fuzzed, memory = map(result, ("kills", "fuzz-photos", "fuzz-clips", "memory"))
    lines = []
    for work in ("picture", "clip"):
        rows = [row for row in kills if row["work"] == work]
        same = sum(row["same"] for row in rows)
        lines.append([f"kill -9 of a {work}'s run at random moments, run again", f"{len(rows)}", f"{same} same bytes"])
    lines.append(
        [
            "mutated photos read",
            f"{photos['files']:,}",
            f"{photos['read']:,} read, {photos['refused']:,} refused, {len(photos['broken'])} other; at most "
            f"{photos['most_seconds']} s and {photos['most_mebibytes']} MiB",
        ]
    )
    lines.append(
        [
            "mutated clips read",
            f"{fuzzed['mutants']:,}",
            f"{fuzzed['read']:,} read, {fuzzed['refused']:,} refused, {len(fuzzed['foreign'])} other; at most "
            f"{fuzzed['slowest_seconds']} s and {fuzzed['largest_bytes'] / 2**20:.0f} MiB",
        ]
    )
    lines.append(
        [
            "frames of a long clip",
            f"{memory['rows'][-1]['frames']}",
            f"peak {memory['peak_before']:,} MB up to frame 50, {memory['peak_after']:,} MB after it",
        ]
    )
    commands = [
        memory["command"],
        fuzzed["about"]["command"],
        photos["command"],
        "python benchmarks/kills.py --times 50",
    ]
    return "\n\n".join([table(["what", "count", "outcome"], lines), "```\n" + "\n".join(commands) + "\n```"])


def steps() -> str:
    """Return the table of the time of a step against the published algorithm."""
    found = result("steps-cpu")
    lines = [
        [
            f"`{prior}`",
            f"{row['baseline_ms']:.0f}",
            f"{row['same_widths_ms']:.0f} ({row['same_widths_ratio']:.1f} times less)",
            f"{row['preset_network_ms']:.0f} ({row['preset_network_ratio']:.0f} times less)",
        ]
        for prior, row in found["results"].items()
    ]
    heading = ["ms a step", "published algorithm", "ours, same widths", "ours, network of the preset"]
    return "\n\n".join([table(heading, lines), source(found)])


def readme() -> str:
    """Return the table of the README: a row a kind of work, with what others reach on the same files."""
    photos, means, clip = result("camera-photos")["rows"], gaussian_means(), result("clips-denoise")["runs"]
    gains = [row["gain"] for row in photos]
    camera_others = published()["camera"]["mcwnnm"]
    same = mean(row["result"] for row in photos if row["name"] in camera_others)
    of_clip = {row["method"]: row for row in clip if row["clip"] == "bear_gt"}
    lines = [
        [
            f"`denoise`, {len(photos)} photos with the noise of real cameras, no options "
            f"(gain {min(gains):+.1f} to {max(gains):+.1f})",
            decibels(mean(row["input"] for row in photos)),
            f"MCWNNM {decibels(mean(camera_others.values()))} on {len(camera_others)} of them (here {decibels(same)})",
            bold(mean(row["result"] for row in photos)),
            f"{mean(row['seconds'] for row in photos if row['seconds']):.0f}",
        ],
        [
            "`denoise --sigma 25`, five pictures",
            decibels(means["input"]),
            f"PIP {means['pip']:.2f}, DIP {means['dip']:.2f}, CBM3D {means['cbm3d']:.2f}",
            bold(means[STANDARD]),
            f"{means['seconds']:.0f}",
        ],
    ]
    names = {"sr-x4": "`sr --scale 4`, Set5, luma", "inpaint-50": "`inpaint`, half of the pixels, four pictures"}
    names["deblur"] = "`deblur`, unknown kernel, eight pictures"
    for name, words in names.items():
        found = result(name)
        first = next(row for row in found["means"] if row["method"] == STANDARD)
        cells = [words, decibels(first["input"]), published()["tasks"][name], bold(first[found["measure"]])]
        lines.append([*cells, f"{first['seconds']:.0f}"])
    frame = of_clip[f"{STANDARD}:per-frame"]["psnr"]
    lines.append(
        [
            "`video`, noise of sigma 25, 9 frames of 192x192",
            decibels(of_clip["input"]["psnr"]),
            f"this tool, each frame by itself {frame:.2f}",
            bold(of_clip[STANDARD]["psnr"]),
            f"{of_clip[STANDARD]['seconds']:.0f}",
        ]
    )
    return table(["PSNR in dB, means", "input", "others", "**written**", "seconds"], lines)


TABLES: dict[str, Callable[[], str]] = {
    "camera": camera,
    "clean": clean,
    "gaussian": gaussian,
    "tasks": tasks,
    "priors": priors,
    "priors-tasks": priors_tasks,
    "clips": clips,
    "hazes": hazes,
    "robustness": robustness,
    "steps": steps,
}


def pages() -> dict[Path, str]:
    """Return the files and what they should hold."""
    words = (FOLDER / "measured_page.md").read_text()
    for name, made in TABLES.items():
        place = f"<!-- {name} -->"
        if place not in words:
            raise SystemExit(f"measured_page.md has no line {place}")
        words = words.replace(place, made())
    quality = quality_page([result(name) for name in QUALITY])
    front = (ROOT / "README.md").read_text()
    front = README_TABLE.sub(lambda found: found.group(1) + readme() + found.group(2), front)
    return {ROOT / "docs" / "measured.md": words, ROOT / "docs" / "quality.md": quality, ROOT / "README.md": front}


def main() -> int:
    """Write the pages, or say which of them would change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file would change")
    check = parser.parse_args().check
    changed = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    for path in changed:
        if not check:
            path.write_text(pages()[path])
        print(path.name, "is out of date" if check else "written")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
