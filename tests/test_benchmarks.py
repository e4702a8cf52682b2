"""The benches of quality and of kernels, and the page, run on a tiny picture, so that they cannot rot unseen."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CLASSICS = ["median", "nlm", "tv"]
Script = Callable[..., None]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Return what runs a script of the benches with arguments; its neighbours are forgotten afterwards."""
    pytest.importorskip("skimage.restoration", reason="needs scikit-image: pip install '.[benchmarks]'")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for neighbour in BENCHMARKS.glob("*.py"):
        monkeypatch.delitem(sys.modules, neighbour.stem, raising=False)

    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        try:
            runpy.run_path(str(BENCHMARKS / name), run_name="__main__")
        finally:
            for neighbour in BENCHMARKS.glob("*.py"):
                sys.modules.pop(neighbour.stem, None)

    return run


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a file with 32x32 pixels: colours that rise, and a dark square."""
    down, right = np.mgrid[0:32, 0:32] / 31
    samples = np.stack([down, right, 1 - down], axis=2)
    samples[10:20, 8:16] = 0.2
    path = tmp_path / "square.png"
    Image.fromarray(np.round(40 + 170 * samples).astype(np.uint8)).save(path)
    return path


def measured(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())["runs"]
    return rows


def test_the_bench_measures_resumes_and_makes_a_page(script: Script, picture: Path, tmp_path: Path) -> None:
    results, page = tmp_path / "quality.json", tmp_path / "quality.md"
    settings = ["--noise", "gaussian:25", "impulse:0.2", "--methods", "pip:draft", "--steps", 20, "--device", "cpu"]
    call = ["quality.py", picture, *settings, "--json", results]
    script(*call)
    assert [row["noise"] for row in measured(results)] == ["gaussian", "impulse"]
    for row in measured(results):
        assert row["psnr_input"] < row["psnr"] <= row["oracle"] + 0.1
        assert row["size"] == [32, 32]
        assert row["ssim"] > row["ssim_input"]
        assert row["steps"] == [20, 20]
        assert row["took"][0] == row["noise"]
    with pytest.raises(SystemExit):
        script(*call)
    script(*call, "--classics", "--resume")
    by_noise = {noise: [row for row in measured(results) if row["noise"] == noise] for noise in ("gaussian", "impulse")}
    assert [row["method"] for row in by_noise["impulse"] if row["method"] != "cbm3d"] == ["pip:draft", *CLASSICS]
    assert len({row["psnr_input"] for row in by_noise["impulse"]}) == 1
    script("quality_page.py", results, "--out", page)
    text = page.read_text()
    assert "pip draft: alone" in text
    assert "| square, 32x32 |" in text
    assert "python benchmarks/quality.py square.png --noise gaussian:25" in text
    for row in by_noise["gaussian"]:
        assert f"{row['psnr']:.2f}" in text


def test_the_page_refuses_the_same_run_twice(script: Script, picture: Path, tmp_path: Path) -> None:
    results = tmp_path / "quality.json"
    script("quality.py", picture, "--methods", "pip:draft", "--steps", 2, "--device", "cpu", "--json", results)
    with pytest.raises(SystemExit, match="same run"):
        script("quality_page.py", results, results, "--out", tmp_path / "quality.md")


def test_the_generators_are_measured_on_any_task(script: Script, picture: Path, tmp_path: Path) -> None:
    results = tmp_path / "priors.json"
    tasks = ["degrade noise --sigma 25 -> denoise --sigma 25", "degrade noise --sigma 9 -> denoise --noise nonsense"]
    options = ["--tasks", *tasks, "--priors", "hash", "decoder", "--steps", 20, "--device", "cpu", "--json", results]
    script("priors.py", picture, *options)
    done, refused = measured(results)[:2], measured(results)[2:]
    for row, prior in zip(done, ("hash", "decoder"), strict=True):
        assert row["prior"] == prior
        assert row["psnr_input"] < row["psnr"]
        assert row["steps"] == [20, 20]
        assert row["parameters"] > 1000
    assert [row["exit_code"] for row in refused] == [2, 2]
    assert "nonsense" in refused[0]["reason"]


def test_the_bench_of_dehazing_measures_hazes_and_pairs(script: Script, picture: Path, tmp_path: Path) -> None:
    results = tmp_path / "dehazing.json"
    script("dehazing.py", "--hazes", 1, "--side", 48, "--device", "cpu", "--pair", picture, picture, "--json", results)
    measured_there = json.loads(results.read_text())
    (haze,), (pair,) = measured_there["hazes"], measured_there["pairs"]
    assert haze["picture"] == "astronaut"
    assert haze["psnr"] > haze["psnr_input"]
    assert haze["correlation"] > 0.5
    assert pair["picture"] == "square"
    assert pair["psnr_input"] == float("inf")
    assert measured_there["means"]["gain"] == pytest.approx(haze["psnr"] - haze["psnr_input"])


def test_the_bench_of_kernels_measures_at_the_best_shift(script: Script, picture: Path, tmp_path: Path) -> None:
    folder, results = tmp_path / "blurred", tmp_path / "deblurring.json"
    (folder / "gt").mkdir(parents=True)
    clean = Image.open(picture).convert("L").resize((64, 64))
    clean.save(folder / "gt" / "square.png")
    Image.fromarray(np.asarray(clean)[1:-1, 1:-1]).resize((64, 64)).save(folder / "square_box_img.png")
    Image.new("L", (3, 3), 200).save(folder / "gt" / "box.png")
    script("deblurring.py", folder, "--kernel-size", 7, "--json", results)
    (row,) = measured(results)
    assert row["picture"] == "square_box_img"
    assert np.isfinite([row["psnr"], row["psnr_input"], row["psnr_true_kernel"], *row["shift"]]).all()


def test_tasks_are_measured_on_files_with_known_truth(script: Script, picture: Path, tmp_path: Path) -> None:
    Image.open(picture).resize((16, 16), Image.Resampling.LANCZOS).save(tmp_path / "square_small.png")
    results = tmp_path / "sr.json"
    options = ["--strip", "_small", "--truth", str(tmp_path / "{stem}.png"), "--measure", "luma", "--border", 2]
    words = ["--steps", 2, "--json", results, "--words", "sr", "--scale", "2"]
    script("tasks.py", tmp_path / "square_small.png", *options, *words)
    (row,) = measured(results)
    assert row["picture"] == "square"
    assert row["size"] == [32, 32]
    assert row["luma"] > row["input"] - 3
    assert row["steps"] == [2, 2]


@pytest.mark.slow
def test_the_bench_of_clean_pictures_measures_one(script: Script, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        script("clean_pictures.py", "--pictures", "text-250", "--quality", "draft", "--json", tmp_path / "clean.json")
    assert ended.value.code == 0
    rows = json.loads((tmp_path / "clean.json").read_text())["runs"]
    assert [row["held"] for row in rows] == 6 * [True]
    assert rows[0]["identical"]
