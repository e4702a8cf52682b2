"""README and docs: short where they should be, without dead links, with commands that exist and tables of today."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

from pipcli.cli.app import app
from pipcli.cli.renamed import RENAMED

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^pip-restore (?!TASK)[a-z].*$|`pip-restore (?!TASK)([a-z][^`]*)`", re.MULTILINE)


def heading_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


def commands_of(page: Path) -> list[str]:
    """The commands that a page shows, without the program's name."""
    found = (
        match.group(1) or match.group(0).removeprefix("pip-restore ") for match in COMMAND.finditer(page.read_text())
    )
    return [command.split(" | ")[0].split("   #")[0].strip() for command in found if "KIND" not in command]


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size < 9000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page if not name else page.parent / name
        assert target.exists(), link
        assert not anchor or anchor in heading_anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_are_shown_exist_with_their_options(page: Path) -> None:
    for line in commands_of(page):
        words = shlex.split(line)
        command: Any = get_command(app)
        path = []
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            path.append(words[0])
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        asked = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        # Every command of the program, and only `denoise` among them, has `-h`; old names are not for the docs.
        assert asked <= known | {"--help", "-h"}, line
        assert not asked & set(RENAMED.get(tuple(path), {})) - known, line


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a script of the benchmarks as a module."""
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    for neighbour in folder.glob("*.py"):
        monkeypatch.delitem(sys.modules, neighbour.stem, raising=False)
    specification = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, text in script("measured_page", monkeypatch).pages().items():
        assert path.read_text() == text, f"{path.name} is out of date: python benchmarks/measured_page.py"
