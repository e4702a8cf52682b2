# The two commands of the README are `make demo` and `make test`. Whichever target is called first sets everything up.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: pages demo test test-slow check lint types format coverage bench-gpu quality clean

demo: $(READY)
	$(BIN)/python examples/demo.py

# One worker a processor; each uses one thread.
test: $(READY)
	$(BIN)/python -m pytest -n auto

test-slow: $(READY)
	$(BIN)/python -m pytest -n auto -m slow

check: lint types test

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: $(READY)
	$(BIN)/python -m pytest --cov --cov-report=term

# Checks and times the fit on a CUDA device, and writes what it found.
bench-gpu: $(READY)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,benchmarks]'
	$(BIN)/python benchmarks/gpu.py examples/cat_noisy25.png examples/cat.png --device cuda --json benchmarks/results/gpu.json

# Restores noisy versions of clean pictures and measures the files. As it stands a small picture in under two minutes;
# with more: make quality DATA=FOLDER WITH='--noise gaussian:25 poisson:255 --seeds 0 1 2' RESULTS=mine.json
DATA ?= examples/cat.png
WITH ?= --classics
RESULTS ?= benchmarks/results/quality.json
quality: $(READY)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,benchmarks]'
	$(BIN)/python benchmarks/quality.py $(DATA) $(WITH) --json $(RESULTS) --resume

# Writes the tables of the docs and of the README from benchmarks/results/.
pages: $(READY)
	$(BIN)/python benchmarks/measured_page.py

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* src/*.egg-info

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	@touch $(READY)
