# `make demo` builds the toy study; every change must pass `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := 2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: test test-slow test-gpu bench-gpu demo lint ruff mypy sqlfluff docs screenshots clean

# Tests start many processes: these must find compiled modules, whatever the shell says.
test test-slow: export PYTHONDONTWRITEBYTECODE =

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not gpu"

# Property tests draw the same examples in every `make test`, but new ones here.
test-slow: $(VENV)/.slow
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow or hypothesis" \
		--hypothesis-profile random

# The kernels are compiled, not interpreted. Without a GPU every test is skipped, and the
# reason is printed.
test-gpu: $(VENV)/.dev
	TRITON_INTERPRET=0 $(BIN)/python -m pytest -m gpu -rs tests/gpu

# The step of other projects is measured too after `pip install '.[bench]'`.
bench-gpu: $(VENV)/.dev
	$(BIN)/python benchmarks/gpu.py

lint: $(VENV)/.dev
	$(MAKE) --no-print-directory --jobs=3 ruff mypy sqlfluff

ruff: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: $(VENV)/.dev
	$(BIN)/mypy

sqlfluff: $(VENV)/.dev
	$(BIN)/sqlfluff lint --disable-progress-bar sql validations

demo: $(VENV)/.installed
	$(BIN)/bisae demo --folder store/data/toy

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

# Of the report of `make demo`; needs Chromium.
screenshots: $(VENV)/.dev
	$(BIN)/python docs/screenshots.py

# torch first: given only the ranges of the other packages, pip would download another
# build. Without a GPU the CPU build is enough, but not every package index has it.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "PyTorch: 200 MB to download (CPU build; several GB with CUDA)"
	@nvidia-smi > /dev/null 2>&1 || $(PIP) torch==$(TORCH)+cpu 2> /dev/null || true
	$(PIP) torch==$(TORCH)
	@echo "Other dependencies: 290 MB to download"
	$(PIP) --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "Development dependencies: 270 MB to download, 200 of them Triton"
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

# Only the slow tests need Ray and the packages of other projects.
$(VENV)/.slow: $(VENV)/.dev
	@echo "Ray, SAELens and sparsify, for the slow tests: 360 MB"
	$(PIP) --constraint constraints.txt --editable '.[dev,ray,interop]'
	touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache
