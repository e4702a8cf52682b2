"""The examples run, on the real command and the real files that ship."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_the_demo_restores_and_says_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specification = importlib.util.spec_from_file_location("demo", EXAMPLES / "demo.py")
    assert specification is not None
    assert specification.loader is not None
    demo = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(demo)
    assert demo.main(tmp_path, ["--steps", "3"]) == 0
    text = capsys.readouterr().out
    for name in ("cat_restored.png", "cat_sheet.png"):
        assert str(tmp_path / name) in text
    assert "dB" in text
    with Image.open(tmp_path / "cat_restored.png") as restored, Image.open(EXAMPLES / "cat.png") as clean:
        assert restored.size == clean.size
    with Image.open(tmp_path / "cat_sheet.png") as sheet:
        assert sheet.width > 3 * 256


@pytest.mark.slow
@pytest.mark.parametrize("task", ["denoise", "sr", "inpaint", "deblur", "dehaze", "flash", "enhance"])
def test_the_gallery_is_drawn_by_the_real_commands(task: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "gallery.py"), "--out", str(tmp_path / "gallery.png"), "--only", task]
    more = [] if task == "dehaze" else ["--quality", "draft"]
    more += ["--kernel-size", "3"] if task == "deblur" else []
    run = subprocess.run([*command, "--steps", "2", *more], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert f"pip-restore {task} " in run.stdout
    with Image.open(tmp_path / "gallery.png") as drawn:
        assert drawn.width > 2 * 255
