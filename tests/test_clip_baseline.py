"""The baseline of clips, run on a tiny one, so that it cannot rot unseen."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_the_baseline_of_clips_fits_whole_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draws = np.random.default_rng(0)
    for name, spread in (("clean", 0), ("noisy", 40)):
        (tmp_path / name).mkdir()
        for frame in range(7):
            samples = 128 + spread * draws.standard_normal((66, 70, 3))
            Image.fromarray(samples.clip(0, 255).astype(np.uint8)).save(tmp_path / name / f"{frame:03}.png")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "baseline", raising=False)
    monkeypatch.setattr(
        sys, "argv", ["clip_baseline.py", str(tmp_path / "noisy"), str(tmp_path / "clean"), "--seconds", "0.01"]
    )
    runpy.run_path(str(BENCHMARKS / "clip_baseline.py"), run_name="__main__")
    sys.modules.pop("baseline", None)
    found = json.loads(capsys.readouterr().out)
    assert (found["frames"], found["size"]) == (6, [64, 64])
    assert found["passes"] == [1]
    assert found["seconds"][0] > 0
    assert found["psnr"][0] > 5
