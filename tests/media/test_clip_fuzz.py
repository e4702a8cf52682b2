"""A small share of the mutated clips of benchmarks/fuzz_clips.py: read or refused, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_clips.py"


def test_mutated_clips_are_read_or_refused_at_once(tmp_path: Path) -> None:
    words = ("--mutants", "12", "--seed", "1", "--json", str(tmp_path / "sums.json"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, str(FUZZ), *words], capture_output=True, env=environment, timeout=300)
    assert run.returncode == 0, run.stderr.decode()
    sums = json.loads((tmp_path / "sums.json").read_text())
    assert (sums["foreign"], sums["slow"], sums["large"]) == ([], [], [])
    assert sums["read"] + sums["refused"] == sums["mutants"] == 12 and min(sums["read"], sums["refused"]) > 0
