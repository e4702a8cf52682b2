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
    "errors": set(),
    "settings": {"errors"},
    "coords": {"settings"},
    "metrics": set(),
    "clip_metrics": {"metrics", "motion"},
    "coding": set(),
    "guard": set(),
    "convolution": set(),
    "solving": set(),
    "spectra": set(),
    "motion": {"errors", "settings", "solving", "tiles"},
    "noise": {"coding", "errors", "settings", "spectra"},
    "trajectories": {"tiles"},
    "branch": {"settings", "tiles", "trajectories"},
    "filters": {"settings", "solving", "spectra", "tiles", "trajectories"},
    "keeping": {"errors", "media"},
    "joining": {"filters", "fit", "settings", "trajectories"},
    "finishing": {"branch", "filters", "fit", "joining", "noise", "settings", "trajectories"},
    "media": {"coding", "errors"},
    "degradations": {"convolution", "errors", "noise", "settings"},
    "dehazing": {"coords", "degradations", "fit", "noise", "priors", "restore", "settings", "tiles"},
    "priors": {"errors", "settings"},
    "fit": {"errors", "settings"},
    "restore": {"errors", "settings", "fit", "tiles"},
    "tiles": set(),
    "sheet": {"media"},
    "deblurring": {"convolution", "settings", "solving"},
    "simulation": set(),
    "console": {"errors", "settings", "restore", "metrics"},
    "cli": {
        "clip_metrics", "console", "coords", "deblurring", "degradations", "dehazing", "errors", "finishing", "fit",
        "guard", "joining", "keeping", "media", "metrics", "motion", "noise", "priors", "restore", "settings", "sheet",
        "simulation", "tiles",
    },
    "__init__": set(),
    "__main__": {"cli"},
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
        "import sys; import pipcli.cli.app, pipcli.cli.photo_task, pipcli.console; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
