"""A seeded share of `benchmarks/fuzz_photos.py`: mutated photos are read, or refused on one line, soon and cheaply."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_photos.py"
COUNT = 180


def test_mutated_photos_of_every_kind_are_read_or_refused(tmp_path: Path) -> None:
    words = (sys.executable, SCRIPT, "--count", str(COUNT), "--seed", "1", "--json", tmp_path / "result.json")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(words, env=environment, capture_output=True, timeout=120, check=True)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["broken"] == []
    assert result["files"] == result["read"] + result["refused"] == COUNT
    assert result["read"] > 20
    assert len(result["kinds"]) > 25
