# The newcomer's commands. Each sets up .venv by itself the first time and whenever a lock file changes.
SHELL := /bin/bash
PYTHON ?= python3
UV_PIN := 0.13.9
BIN := .venv/bin
STAMP := .venv/.stamp
OCR_STAMP := .venv/.stamp-ocr
SDK_BIN := .venv-sdk/bin
SDK_STAMP := .venv-sdk/.stamp

# make demo:  COUNT=n  SEED=n  ORDERS=file.csv  PLANT=lost|doubled|oversold (shows that the proof catches it)
#             CALM=1 (no faults, no outage, no kill -9)  FEW=1 (shops on three platforms, not on all)
# make test:  TESTS=tests/store (all)  WORKERS=n (2; 0: all in this process, one after the other)
# make soak:  MINUTES=n (20; with a burst 30)
# make check-sdks:  SEED=n (one drawn and shown)  SDK_PYTHON=python3.12 (one of the clients wants 3.12 or newer)
# make up:    DATA=folder (default var; var/demo shows the last demo again)
COUNT ?=
SEED ?=
ORDERS ?=
PLANT ?=
CALM ?=
FEW ?=
MINUTES ?=
DATA ?= var
TESTS ?= tests
WORKERS ?= 2
SDK_PYTHON ?= $(shell python3.12 -c '' 2>/dev/null && echo python3.12 || echo $(PYTHON))

.PHONY: demo up test check check-sdks bench soak lock setup setup-ocr
.DEFAULT_GOAL := demo

demo: $(STAMP)
	@$(BIN)/oms demo $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(ORDERS),--orders "$(ORDERS)") $(if $(PLANT),--plant $(PLANT)) $(if $(CALM),--calm) $(if $(FEW),--few)

up: $(STAMP)
	@$(BIN)/oms up --data $(DATA)

test: $(STAMP)
	@$(BIN)/python -m pytest -m "not soak and not sdk" -n $(WORKERS) --no-loadscope-reorder $(TESTS)

soak: $(STAMP)
	@$(BIN)/python -m pytest -m soak --timeout 3600 $(if $(MINUTES),--soak-minutes $(MINUTES)) $(TESTS)
	@$(BIN)/python -m pytest -m "not soak" --workflow-cache 0 --timeout 600 tests/workflows tests/journeys tests/replay

bench: $(STAMP)
	@$(BIN)/python -m tests.benchmarks

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@! grep -nE 'https?://' requirements*.lock || { echo "a lock file names a host: make lock writes them without"; exit 1; }

# What we sign and what clients that others wrote sign is the same, for random requests; each of them in its own words.
check-sdks: $(SDK_STAMP)
	@seed=$${SEED:-$$RANDOM}; echo "seed $$seed"; \
	$(SDK_BIN)/python -m pytest -m sdk -p no:cacheprovider --hypothesis-seed $$seed tests/connectors/test_sdks.py tests/connectors/test_sdk_amazon.py

setup: $(STAMP)

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Steadfast needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "setting up .venv (once per lock file) ..."
	@if $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_PIN) 2>/dev/null; then \
	  $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock; fi
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# What reads print on labels without a bar code (about 400 MB); everything else works without it.
setup-ocr: $(OCR_STAMP)

$(OCR_STAMP): requirements-ocr.lock $(STAMP)
	@echo "setting up the reading of print (once per lock file, about 400 MB) ..."
	@if test -x $(BIN)/uv; then $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-ocr.lock; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-ocr.lock; fi
	@touch $(OCR_STAMP)

# The clients are old, and some want other versions than we do: they stay out of .venv (about 600 MB, shared with it where uv can).
$(SDK_STAMP): requirements-sdk.lock
	@test -x $(SDK_BIN)/python || $(SDK_PYTHON) -m venv .venv-sdk
	@echo "setting up .venv-sdk (once per lock file) ..."
	@if $(SDK_BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_PIN) 2>/dev/null; then \
	  $(SDK_BIN)/uv pip install -q --python $(SDK_BIN)/python --require-hashes -r requirements-sdk.lock; \
	else $(SDK_BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-sdk.lock; fi
	@touch $(SDK_STAMP)

# Resolve anew. The lock files carry hashes and no host names.
lock:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_PIN)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra ocr --constraint requirements-dev.lock pyproject.toml -o requirements-ocr.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group sdk --constraint requirements-dev.lock pyproject.toml -o requirements-sdk.lock
