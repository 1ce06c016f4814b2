# One environment, .venv, serves every target. It is made when needed and follows the lock files.

PYTHON ?= python3
SPEC ?= specs/
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Stamps, newer than what they were made from: the product's dependencies, and those with the developers'.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

# Wheels only: building a package from source would fetch build tools that no lock pins.
INSTALL_LOCKED := $(PIP) install --quiet --require-hashes --only-binary :all: --requirement
INSTALL_OPSGEN := $(PIP) install --quiet --no-deps --no-build-isolation --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock" pyproject.toml

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
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup $(ARGS)

.PHONY: golden
golden: $(DEV) ## Write the golden trees of tests/golden anew; read the difference before it is committed
	OPSGEN_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_golden.py -k golden_tree

.PHONY: lint
lint: $(DEV) ## Check style, formatting, and that the rooms look only downwards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: $(DEV) ## Check types, strictly
	$(BIN)/mypy

.PHONY: bench
bench: $(DEV) ## Measure how long a build takes, by stage
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: docs
docs: $(RUNTIME) ## Regenerate what docs/ has of code and templates: schemas, conventions, kinds of channel
	for kind in service project pack convention texts; do \
		$(BIN)/opsgen schema "$$kind" >"docs/schema/$$kind.json" || exit 1; \
	done
	$(BIN)/python tools/conventions_page.py >docs/conventions.md
	$(BIN)/python tools/channels_table.py docs/spec.md

.PHONY: lock
lock: $(DEV) ## Pin the dependencies of pyproject.toml; ARGS=--upgrade moves to the newest
	$(COMPILE) --group build $(ARGS) --output-file requirements.lock
	$(COMPILE) --group dev $(ARGS) --constraint requirements.lock --output-file requirements-dev.lock

.PHONY: tools
tools: ## Install the programs that tests judge by: Prometheus, Alertmanager, promtool, amtool
	tools/install

.PHONY: clean
clean: ## Remove the environment, caches and distributions; .tools stays, it takes minutes
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find benchmarks generator tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "opsgen needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The environment's Python is older than any stamp and its age says nothing, hence order-only.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL_LOCKED) requirements.lock
	$(INSTALL_OPSGEN)
	touch $@

# The developers' lock holds the product's dependencies too, at the same versions.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL_LOCKED) requirements-dev.lock
	$(INSTALL_OPSGEN)
	touch $(RUNTIME) $@
