# All targets use one environment, .venv. make creates it when needed, and updates it when the lock files change.

PYTHON ?= python3
SPEC ?= specs/
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Stamps say when the dependencies were installed: the product's, and those together with the developers'.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

# Wheels only: building a package from source would fetch build tools that no lock pins.
INSTALL_LOCKED := $(PIP) install --quiet --require-hashes --only-binary :all: --requirement
INSTALL_OPSGEN := $(PIP) install --quiet --no-deps --no-build-isolation --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock" pyproject.toml

# One more than there are cores: tests with real servers mostly wait for them.
WORKERS = $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(RUNTIME) ## Generate out/ from specs/, or SPEC=path/to/service.yaml
	$(BIN)/opsgen build "$(SPEC)"

.PHONY: fresh
fresh: $(RUNTIME) ## Check that the committed out/ is what specs/ gives
	$(BIN)/opsgen build --check specs/

.PHONY: test
test: $(DEV) ## Run the tests; ARGS='-m "not slow" -k slo' narrows them
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

.PHONY: golden
golden: $(DEV) ## Write the golden trees of tests/golden anew; read the difference before you commit it
	OPSGEN_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_golden.py -k golden_tree

.PHONY: lint
lint: $(DEV) ## Check style, formatting, and that rooms import only from rooms below them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: $(DEV) ## Check types, strictly
	$(BIN)/mypy

.PHONY: bench
bench: $(DEV) ## Measure how long each stage of a build takes
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: docs
docs: $(RUNTIME) ## Regenerate the generated parts of docs/: schemas, conventions, tables of the reference
	for kind in service project pack convention texts; do \
		$(BIN)/opsgen schema "$$kind" >"docs/schema/$$kind.json" || exit 1; \
	done
	$(BIN)/python tools/conventions_page.py >docs/conventions.md
	$(BIN)/python tools/reference_tables.py docs/spec.md

.PHONY: lock
lock: $(DEV) ## Pin the dependencies of pyproject.toml; ARGS=--upgrade pins the newest
	$(COMPILE) --group build $(ARGS) --output-file requirements.lock
	$(COMPILE) --group dev $(ARGS) --constraint requirements.lock --output-file requirements-dev.lock

.PHONY: tools
tools: ## Install the programs that tests run: Prometheus, Alertmanager, promtool, amtool
	tools/install

.PHONY: clean
clean: ## Remove the environment, caches and distributions; keep .tools, which takes minutes to build
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find benchmarks generator tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "opsgen needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Order-only: the environment's Python is older than every stamp, so its age says nothing.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL_LOCKED) requirements.lock
	$(INSTALL_OPSGEN)
	touch $@

# The developers' lock also has the product's dependencies, in the same versions.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL_LOCKED) requirements-dev.lock
	$(INSTALL_OPSGEN)
	touch $(RUNTIME) $@
