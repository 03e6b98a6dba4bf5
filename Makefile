# Every target sets itself up: it needs Python 3.11 or later and make, and keeps all it installs in .venv.
# The first Python that is new enough is taken; `make PYTHON=/path/to/python test` takes another (after `make clean-venv`).

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then command -v $$p; break; fi; done)
WORKERS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip
# setuptools warns of every editable install that the folder may shadow the package; here they are the same files.
INSTALL := PYTHONWARNINGS="ignore:Editable installation" $(PIP) install --quiet --disable-pip-version-check -c constraints.txt

.DELETE_ON_ERROR:
.PHONY: help setup demo test test-slow check format bench clean clean-venv

help:
	@echo "make demo     a tour of symnum in the terminal"
	@echo "make test     the tests and the examples in the doc strings"
	@echo "make test-slow  tens of thousands of random programs, long simulations: minutes"
	@echo "make check    lint, format and types, as CI runs them"
	@echo "make format   put the sources into the agreed form"
	@echo "make bench    the benchmarks, with the libraries they compare against"
	@echo "make clean    remove what builds and tests leave; clean-venv removes .venv too"

# The stamp is newer than both files only when the environment was made from them.
.venv/.installed: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "symnum needs Python 3.11 or later and found none; install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; fi
	"$(PYTHON)" -m venv .venv
	$(INSTALL) pip setuptools
	$(INSTALL) --build-constraint constraints.txt -e ".[dev,plot]"
	@touch $@

.venv/.installed-bench: .venv/.installed
	$(INSTALL) --build-constraint constraints.txt -e ".[dev,plot,bench]"
	@touch $@

setup: .venv/.installed

demo: .venv/.installed
	$(BIN)/symnum demo

test: .venv/.installed
	$(BIN)/pytest -n $(WORKERS) -m "not slow"

test-slow: .venv/.installed
	$(BIN)/pytest -n $(WORKERS) -m slow

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.installed-bench
	$(BIN)/python -P benchmarks/run.py

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find symnum rewriting regression pde tests benchmarks notebooks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

clean-venv: clean
	rm -rf .venv
