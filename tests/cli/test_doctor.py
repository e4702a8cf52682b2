"""`doctor` tells what a restoration would run with here."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import torch

from pipcli.fit.device import choose_device
from pipcli.jobs import doctor as examination
from pipcli.jobs.interruption import Interruption
from support.running import Run

Command = Callable[..., Run]
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "json-lines.schema.json"


@pytest.fixture(autouse=True)
def _small_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PROBE_SIZE", (24, 24))


def test_it_tells_device_threads_versions_and_speed(command: Command) -> None:
    run = command("doctor", "--probe", "1", "--device", "cpu")
    assert run.code == 0
    text = run.out.decode()
    assert text.startswith("device    cpu (as asked for)")
    assert f"threads   {torch.get_num_threads()}, of " in text
    assert f"torch {torch.__version__}" in text
    assert "network steps a second in a probe of 1 s" in text
    assert all(f"for {size}" in text for size in examination.EXPECTED_SIZES)


def test_its_json_line_fits_the_schema(command: Command) -> None:
    run = command("doctor", "--probe", "1", "--json")
    (line,) = run.out.splitlines()
    told = json.loads(line)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert told["type"] == "doctor"
    assert told["network_steps_per_second"] > 0
    expected = told["expected_seconds"]
    assert 0 < expected["256x256"] < expected["512x512"] < expected["12 megapixels"]


def test_an_unknown_device_is_one_line(command: Command) -> None:
    run = command("doctor", "--device", "tpu")
    assert run.code == 2
    assert "--device tpu is not known" in run.err.decode()


def test_an_interruption_ends_the_probe() -> None:
    interruption = Interruption()
    interruption.signal_number = 2
    assert examination.network_steps_per_second(choose_device("cpu"), 600.0, interruption) > 0
