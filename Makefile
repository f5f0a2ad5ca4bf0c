# The two commands for a user are `make demo` and `make test`; `make check` is the quick part of the latter.

.PHONY: demo test check setup bench clean constraints site lint types layers unit real faults browser coverage chromium nginx redis postgresql mariadb
.NOTPARALLEL:
.DEFAULT_GOAL := check

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
NPM := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# Not pytest-cov: see [tool.coverage.run] in pyproject.toml.
# In parallel: as many processes as there are cores (WORKERS=… for another number), each with servers of its own.
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal
MEASURED := $(BIN)/python -m coverage run -m pytest --numprocesses=$(WORKERS) --dist=worksteal

# Each folder with a package-lock.json has its modules when npm's own note about them is there.
INTEROP := tests/interop/node_modules/.package-lock.json tests/interop/socketio4/node_modules/.package-lock.json
# Which of examples/ `make demo` runs.
EXAMPLE ?= chat
EXAMPLES := $(patsubst examples/%/package.json,%,$(wildcard examples/*/package.json))
# Their pages, made of their own modules and those of npm.
PAGES := $(EXAMPLES:%=examples/%/dist/.built)

# PORT=… chooses a port. ARGS=--once sends one message through all of the chat, prints it and stops.
demo: .venv/.demo-$(EXAMPLE) examples/$(EXAMPLE)/dist/.built
	@$(BIN)/python -m examples.$(EXAMPLE) $(ARGS)

test: setup lint types layers unit real browser coverage

check: .venv/.dev lint types layers
	$(PYTEST) -q -m "not real and not browser"

setup: .venv/.dev $(INTEROP) $(PAGES) chromium nginx redis postgresql mariadb

lint: .venv/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/codespell

types: .venv/.dev
	$(BIN)/mypy
	$(BIN)/pyright
	@# it looks for the package in the environment of the first python on the path
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes broadcastkit --ignoreexternal

layers: .venv/.dev
	$(BIN)/lint-imports --no-logo

# Three runs, for three kinds of trouble; `coverage` judges them together.
unit: .venv/.dev
	rm -rf build/coverage && mkdir -p build/coverage
	$(MEASURED) -m "not real and not browser"

real: .venv/.dev $(INTEROP) $(PAGES) nginx redis postgresql mariadb
	$(MEASURED) -m real

# The fault suite at length: everything with every delivery, and many storms. Then the table of its page, made anew.
faults: .venv/.dev $(INTEROP) redis postgresql
	rm -f build/faults/rows.json
	FAULT_ROUNDS=$(or $(ROUNDS),10) FAULTS_MEASURED_ANEW=1 $(PYTEST) -q tests/faults -m real
	$(BIN)/python -m tests.faults.table
	$(PYTEST) -q tests/faults/test_page.py

browser: .venv/.dev $(INTEROP) $(PAGES) chromium
	@# by file, so that the fixture which walks through a story does it once
	$(MEASURED) --dist=loadfile -m browser

coverage:
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

chromium:
	scripts/install-system.sh chromium

nginx:
	scripts/install-system.sh nginx

redis:
	scripts/install-system.sh redis-server

postgresql:
	scripts/install-system.sh postgresql

mariadb:
	scripts/install-system.sh mariadb-server

bench: .venv/.dev benchmarks/node_modules/.package-lock.json
	scripts/install-system.sh nginx wrk redis-server postgresql
	$(BIN)/python -m benchmarks $(ARGS)

# The documentation, in build/site; `unit` builds it too, and looks at it.
site: .venv/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

# Pins afresh what `.[all,dev]` and the examples need, and nothing else.
constraints: .venv/bin/python
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[all,dev]'
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check --editable . $(NEEDED)
	build/constraints/bin/python -m pip freeze --exclude broadcastkit > constraints.txt

clean:
	rm -rf .venv build dist tests/interop/node_modules tests/interop/socketio4/node_modules
	rm -rf examples/*/node_modules examples/*/dist
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "broadcastkit needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	scripts/install-system.sh python3-venv
	$(PYTHON) -m venv .venv

# What each example needs, as its users' applications say it.
NEEDED = $(EXAMPLES:%=--requirement examples/%/requirements.txt)

.venv/.demo-%: examples/%/requirements.txt .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable . --requirement $<
	touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt $(EXAMPLES:%=examples/%/requirements.txt)
	@# in two steps: beside `.[all,dev]`, pip takes an application's `broadcastkit[…]` for something else
	$(PIP) --editable '.[all,dev]'
	$(PIP) --editable . $(NEEDED)
	touch $@ $(EXAMPLES:%=.venv/.demo-%)

.PRECIOUS: %/node_modules/.package-lock.json
%/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null || { echo "broadcastkit's demo and tests need Node 20 or newer, with npm" >&2; exit 1; }
	cd $* && $(NPM)
	touch $@

.SECONDEXPANSION:
examples/%/dist/.built: examples/%/node_modules/.package-lock.json $$(shell find examples/$$*/page -type f)
	cd examples/$* && npm run --silent bundle
	touch $@
