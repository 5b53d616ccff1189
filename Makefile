# `make help` lists what there is. Needs Python 3.11 or newer; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-light test test-exhaustive bench gpu-smoke lint services messages
SHELL := /bin/sh

PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
MESSAGES := $(wildcard locale/*/LC_MESSAGES/*.po)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' Makefile | while IFS=: read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done
	@echo '  Settings: MEDES_HOME (default var), MEDES_PORT (8000), DATABASE_URL, REDIS_URL, PYTHON'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'make: Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'make: $(PYTHON) has no venv module (on Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; }
	@echo 'Making $(VENV) with $(PYTHON) ...'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A stamp is as new as the installation it stands for, so a second call does nothing.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing the pinned packages ...'
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	@echo 'Installing what the tests need ...'
	@$(INSTALL) -e '.[test]'
	@touch $@

# torch alone first: the others then take the build that is there instead of choosing one.
$(VENV)/.train: $(VENV)/.runtime
	@echo 'Installing the training packages (torch, transformers, TRL; about 1.5 GB) ...'
	@$(INSTALL) torch
	@$(INSTALL) -e '.[train]'
	@touch $@

$(VENV)/.lint: $(VENV)/.runtime
	@$(INSTALL) -e '.[lint]'
	@touch $@

$(VENV)/.messages: $(MESSAGES) | $(VENV)/.runtime
	@$(BIN)/python -m medes_site.messages compile
	@touch $@

setup: $(VENV)/.runtime $(VENV)/.messages  ## makes .venv and installs what the site needs

demo: setup $(VENV)/.train  ## sets everything up and serves http://127.0.0.1:8000 with demo data; Ctrl-C stops it
	@exec $(BIN)/python -m medes_site.demo

demo-light: setup  ## the same without the training packages: SFT, DPO and neural guardians are left out
	@exec $(BIN)/python -m medes_site.demo

test: setup $(VENV)/.test $(VENV)/.train  ## the tests, on PostgreSQL and SQLite, with Redis and a browser; ARGS='-k board' goes to pytest
	@exec $(BIN)/python tests/run.py $(ARGS)

test-exhaustive: setup $(VENV)/.test $(VENV)/.train  ## the rest of the tests: SFT and DPO on twelve more kinds of checkpoint, DPO under SIGKILL
	@exec $(BIN)/python tests/run.py -m exhaustive $(ARGS)

bench: setup $(VENV)/.test $(VENV)/.train  ## measures, prints a table and writes JSON; ARGS go to the program
	@exec $(BIN)/python -m bench $(ARGS)

gpu-smoke: setup $(VENV)/.train  ## SFT and DPO on the largest model the GPU holds, beside the bare TRL script
	@exec $(BIN)/python -m bench.gpu_smoke $(ARGS)

lint: setup $(VENV)/.test $(VENV)/.train $(VENV)/.lint  ## style, types, imports, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy medes_site benchmark annotation training
	$(BIN)/python -m medes_site.messages check

services: setup $(VENV)/.test  ## PostgreSQL and Redis from wheels, for development, until Ctrl-C
	@exec $(BIN)/python tests/services.py

messages: setup  ## collects and compiles the translations after a string has changed
	$(BIN)/python -m medes_site.messages extract
	$(BIN)/python -m medes_site.messages compile
