# Everything a fresh machine needs is Python 3.11+ and make; the rest is filled into .venv. A checkout that cannot be
# written to (a teacher's, on a shared disk) has its .venv in the user's cache. Paths may hold spaces: hence the quotes.
PYTHON ?= python3
VENV ?= $(shell [ -w . ] && echo .venv || echo "$${XDG_CACHE_HOME:-$$HOME/.cache}/residual-imaging/venv")
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help setup environment lab test notebooks exercises lock format clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

lab: setup       ## open the course in JupyterLab
	@"$(BIN)/course" lab

test: setup      ## prove the course: library, exercises, every chapter re-run
	@"$(BIN)/course" test

setup:           ## fill .venv from requirements.lock
	@[ "$(VENV)/ready" -nt requirements.lock ] && [ "$(VENV)/ready" -nt pyproject.toml ] || \
	  $(MAKE) --no-print-directory environment

notebooks: setup ## execute chapters and solutions from their text, in fresh kernels
	@"$(BIN)/course" notebooks

exercises: setup ## generate exercises/ from solutions/
	@"$(BIN)/course" exercises

lock: setup      ## compile requirements.lock anew from pyproject.toml
	@"$(BIN)/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links pyproject.toml --output-file requirements.lock

format: setup    ## sort imports and lay out code
	@"$(BIN)/ruff" check --quiet --fix . && "$(BIN)/ruff" format --quiet .

clean:           ## remove .venv and what runs leave behind
	rm -rf "$(VENV)" .pytest_cache .ruff_cache .hypothesis runs

# uv comes from the lock as well, by hash, and then does the long install quickly.
# --no-build-isolation: the build backend is in the lock too, so nothing unpinned is fetched.
environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)")'
	@$(PYTHON) -m venv "$(VENV)"
	@awk '/^uv==/ {p = 1} p {print} p && !/\\$$/ {exit}' requirements.lock > "$(VENV)/uv.txt"
	@"$(BIN)/python" -m pip install --quiet --require-hashes --requirement "$(VENV)/uv.txt"
	@echo "Filling $(VENV) from requirements.lock (about 5 GB with torch; minutes on a slow line) …"
	@"$(BIN)/uv" pip install --quiet --python "$(BIN)/python" --require-hashes --requirement requirements.lock
	@"$(BIN)/uv" pip install --quiet --python "$(BIN)/python" --no-deps --no-build-isolation --editable .
	@touch "$(VENV)/ready"
