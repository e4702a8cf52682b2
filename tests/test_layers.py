"""The direction of imports that ARCHITECTURE.md draws."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pipcli

ROOT = Path(pipcli.__file__).parent

# What a module or package of ours may import of ours, besides itself.
ALLOWED = {
    "__init__": {"api"},
    "__main__": {"cli"},
    "api": {"console", "errors", "jobs", "media", "tasks", "watch"},
    "checkpoint": {"errors", "media"},
    "cli": {"errors", "jobs", "media", "settings", "simulation", "tasks"},
    "clip_metrics": {"metrics", "motion"},
    "console": {"metrics", "watch"},
    "coords": {"settings"},
    "deblurring": {"linear", "settings", "watch"},
    "degradations": {"linear", "noise", "settings"},
    "dehazing": {
        "coords", "degradations", "errors", "fit", "noise", "priors", "restoration", "settings", "tiles",
        "watch",
    },
    "errors": set(),
    "fit": {"errors", "settings"},
    "guard": set(),
    "jobs": {
        "checkpoint", "clip_metrics", "console", "degradations", "errors", "fit", "guard", "media", "metrics",
        "motion", "noise", "priors", "refine", "restoration", "settings", "sheet", "tasks", "watch",
    },
    "jpeg_tables": set(),
    "linear": set(),
    "media": {"errors", "jpeg_tables"},
    "metrics": set(),
    "motion": set(),
    "noise": {"errors", "jpeg_tables", "settings", "spectra"},
    "priors": {"settings"},
    "refine": {"fit", "linear", "noise", "settings", "spectra", "tiles", "watch"},
    "restoration": {
        "coords", "degradations", "errors", "fit", "motion", "noise", "priors", "refine", "settings", "tiles",
        "watch",
    },
    "settings": {"errors"},
    "sheet": {"media"},
    "simulation": set(),
    "spectra": set(),
    "tasks": {
        "checkpoint", "deblurring", "degradations", "dehazing", "errors", "fit", "media", "noise", "refine",
        "restoration", "settings", "watch",
    },
    "tiles": set(),
    "watch": set(),
}  # fmt: skip

FILES = sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("pipcli.")}
    return parts - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(path)
    assert imported_parts(path) <= ALLOWED[part] | {part}


def test_the_command_line_is_described_without_loading_torch() -> None:
    script = (
        "import sys; import pipcli.cli.app, pipcli.jobs.photos.run, pipcli.console; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
