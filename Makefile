# Everything a developer does, as one word each. Works on a fresh Debian 12 or 13 with git, make and python3-venv.
#
#   make demo      watch an agent do real work on this repository, without an API key
#   make test      every test ring that this machine can run; says which it cannot, and why
#   make check     formatting, types, layers, docs, lock
#   make bench     speed and size, as ratios against a control in the same run
#   make soak      a project under load for an hour while its processes are killed; MINUTES=5 for less
#   make docs      the documentation as a site, in site/
#
# INSTALL=1 also installs what needs root: a Docker engine and the programs that the real-machine tests drive.

SHELL := /bin/bash
.DEFAULT_GOAL := help
INSTALL ?=
UV_VERSION := 0.13.8
# Debian's own Python first: other users of this machine can read it, which host-user runs need.
PYTHON ?= $(shell for python in /usr/bin/python3 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# The certificates that this machine trusts, its own authorities included.
export UV_SYSTEM_CERTS := 1
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export PIP_CERT ?= /etc/ssl/certs/ca-certificates.crt
endif
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup

.PHONY: help setup demo test check bench soak docs format clean install-tools

help:
	@sed -n 's/^#   //p' Makefile

setup: .venv/.ready

.venv/.ready: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv: apt-get install python3-venv"; exit 3; }
	@# Begun anew until uv is there: what Ctrl-C left of an earlier attempt has perhaps no pip.
	@$(BIN)/uv --version >/dev/null 2>&1 || { $(PYTHON) -m venv --clear .venv \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	$(BIN)/uv sync --quiet --locked --python $(BIN)/python
	@touch $@

install-tools:
ifneq ($(INSTALL),)
	scripts/install-docker
	scripts/debian-image --if-needed
	scripts/install-test-tools
endif

demo: setup
ifneq ($(INSTALL),)
	scripts/install-docker
	scripts/debian-image --if-needed
endif
	$(BIN)/freehold demo $(if $(REPO),--repo "$(REPO)")

test: setup install-tools
	$(PYTEST) tests

check: setup
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate-docs --check
	$(BIN)/uv lock --check
	scripts/export-requirements --check
	$(BIN)/uv run --quiet --locked --group docs zensical build --clean --strict

format: setup
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench
	$(BIN)/python scripts/generate-docs

bench: setup install-tools
	$(BIN)/python -m bench

soak: setup install-tools
	$(BIN)/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES))

docs: setup
	$(BIN)/uv run --quiet --locked --group docs zensical build --clean --strict

clean:
	rm -rf .venv site test-artifacts .mypy_cache .ruff_cache
