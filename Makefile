# Pavilion's commands. `make run` and `make test` set up everything they need; all are idempotent.
#
#   make run     serve the event in config.toml          make test    all tests, real browsers included
#   make demo    the whole event without any camera      make bench   the figures, side by side
#   make lint    style, types and the house rules        make clean   forget what was set up

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: run demo test bench lint clean browsers
.DELETE_ON_ERROR:

run: .venv/run .venv/pages
	$(BIN)/pavilion serve

demo: .venv/run .venv/pages
	$(BIN)/python -m demo

test: .venv/dev .venv/pages browsers
	$(BIN)/python -m tests.web
	$(BIN)/python -m pytest

bench: .venv/dev .venv/pages browsers
	$(BIN)/python -m tests.bench

lint: .venv/dev .venv/pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.web --types

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis web/node_modules

# What a server needs.
.venv/run: pyproject.toml $(wildcard broadcast/transport/*.c) broadcast/transport/compiled.py
	@test -n "$(PYTHON)" || { echo "Pavilion needs Python 3.11 or later. Say: apt-get install python3 python3-venv"; exit 1; }
	@echo "Setting up Pavilion in .venv (a minute, once) ..."
	@$(PYTHON) -m venv .venv || { echo "Python lacks venv. Say: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m broadcast.transport.compiled
	@touch $@

# The pages' one library, hls.js, by the machine's npm or else one from PyPI. Without it viewers have WebRTC alone.
.venv/pages: web/package.json .venv/run
	@echo "Setting up hls.js for the pages (once) ..."
	@if command -v npm >/dev/null; then npm='npm'; else \
		$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[pages]'; npm='$(BIN)/python web/npm.py'; fi; \
	$$npm install --prefix web --omit=dev --no-audit --no-fund --silent --fetch-retries=1 --fetch-timeout=20000 && touch $@ \
		|| echo "hls.js could not be fetched: viewers whose network blocks UDP see no picture until make run is said again."

# What its tests need on top.
.venv/dev: .venv/run
	@echo "Setting up the tools of the tests in .venv (a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

browsers:
	@sh tests/browsers.sh
