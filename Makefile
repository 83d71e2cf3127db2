# Every target makes what it needs.  `make serve` runs the gateway, `make test` passes the tests.
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ANY = $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell $p -c '$(ENOUGH)' 2>/dev/null && echo $p)) python3)
PYTHON ?= $(shell $(ANY) tools/interpreter.py 2>/dev/null)
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run
DEV_STAMP := $(VENV)/.dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# as pip does with what it does not install in place
BYTECODE := $(BIN)/python -m compileall -q src
COMPILE := uv pip compile --quiet --universal --no-emit-index-url --no-emit-find-links --no-header --no-annotate --generate-hashes

.PHONY: serve test quick check programs bench sizes lock clean

serve: $(RUN_STAMP)
	$(BIN)/hexapla serve

test: check programs
	$(BIN)/pytest -n auto --dist loadgroup

quick: $(DEV_STAMP)
	$(BIN)/pytest -n auto -m "not slow and not e2e"

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# real clients, a real model, a judge of retries, another proxy; tests skip what cannot be had
programs: $(DEV_STAMP)
	-$(BIN)/python tools/aside.py agents gemini opencode ai_sdk sdks frameworks llama llmock litellm

bench: $(DEV_STAMP)
	$(BIN)/python -m bench

sizes: $(DEV_STAMP)
	$(BIN)/python tools/sizes.py

lock:
	$(COMPILE) pyproject.toml --all-extras -o requirements.lock
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements-dev.lock

$(BIN)/python:
	@python="$(PYTHON)"; $${python:=python3} -c '$(ENOUGH)' || { echo "Python 3.11 or newer is needed"; exit 1; }; \
	echo "$$python -m venv $(VENV)"; $$python -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps -e .
	$(BYTECODE)
	touch $@

$(DEV_STAMP): requirements-dev.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-deps -e .
	$(BYTECODE)
	touch $@ $(RUN_STAMP)

clean:
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
