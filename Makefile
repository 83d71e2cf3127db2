# Every target makes what it needs.  `make serve` runs the gateway, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run
DEV_STAMP := $(VENV)/.dev

.PHONY: serve test quick check bench sizes lock clean

serve: $(RUN_STAMP)
	$(BIN)/hexapla serve

test: check
	$(BIN)/pytest -n auto --dist loadgroup

quick: $(DEV_STAMP)
	$(BIN)/pytest -n auto -m "not slow and not e2e"

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_STAMP)
	$(BIN)/python -m bench

sizes: $(DEV_STAMP)
	$(BIN)/python tools/sizes.py

lock:
	uv pip compile --quiet --universal --no-emit-index-url --no-header --generate-hashes --no-annotate pyproject.toml --all-extras -o requirements.lock
	uv pip compile --quiet --universal --no-emit-index-url --no-header --generate-hashes --no-annotate pyproject.toml --all-extras --group dev -o requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(DEV_STAMP): requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@ $(RUN_STAMP)

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
