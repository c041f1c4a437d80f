# `make demo` shows the toy study; `make test` is what every change must pass.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: test test-slow demo lint ruff mypy sqlfluff docs clean

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

# Property tests, which draw the same examples in `make test`, draw new ones here.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow or hypothesis" \
		--hypothesis-profile random

lint: $(VENV)/.dev
	$(MAKE) --no-print-directory --jobs=3 ruff mypy sqlfluff

ruff: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: $(VENV)/.dev
	$(BIN)/mypy

sqlfluff: $(VENV)/.dev
	$(BIN)/sqlfluff lint --disable-progress-bar sql

# Threads that the system puts on one core wait for each other ten times as long.
demo: $(VENV)/.installed
	OMP_PROC_BIND=true $(BIN)/bisae demo --folder store/data/toy

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

# torch first: left to the others' ranges, pip would fetch another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache
