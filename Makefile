# Accord: `make` lists the targets. Needs Python 3.11 or later, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run login manage check test test-fast messages lock clean needs bench audit faults

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/runtime.stamp: deploy/lock/runtime.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r $<
	@touch $@

$(VENV)/dev.stamp: deploy/lock/dev.txt $(VENV)/runtime.stamp
	@$(PIP) -r $<
	@touch $@

# The scanner of the public pages pins what we must not: it lives apart.
$(VENV)/scan.stamp: deploy/lock/scan.txt $(VENV)/dev.stamp
	@test -x $(VENV)/scan/bin/python || $(BIN)/python -m venv $(VENV)/scan
	@$(VENV)/scan/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

run: $(VENV)/runtime.stamp ## start everything on this machine; Ctrl-C stops it
	@$(BIN)/python -m deploy.desk

login: $(VENV)/runtime.stamp ## show the first sign-in again, with the one-time code of now
	@$(BIN)/python -m deploy.desk.login

manage: $(VENV)/runtime.stamp ## a command on the running desk: make manage ARGS="keys status"
	@$(BIN)/python -m deploy.desk.manage $(ARGS)

check: $(VENV)/dev.stamp ## lint, types, arrows between the floors, fields, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@ACCORD_SECRET_KEY=check-only $(BIN)/mypy .
	@$(BIN)/lint-imports
	@ACCORD_SECRET_KEY=check-only $(BIN)/python manage.py check
	@ACCORD_SECRET_KEY=check-only $(BIN)/python manage.py makemigrations --check --dry-run

needs: $(VENV)/dev.stamp $(VENV)/scan.stamp ## install what the tests need from Debian (as root), or name it
	@$(BIN)/python -m tests.needs

# One worker more than cores: the one with the journeys waits for its processes most of the time.
test-fast: $(VENV)/dev.stamp ## the suite alone
	@$(BIN)/python -m pytest -n $$(( $$(nproc) + 1 )) --dist loadscope --durations 15 -rs

test: check needs test-fast ## everything

faults: $(VENV)/dev.stamp needs ## long storms over campaigns, each from a new seed: PEOPLE=2000 STORMS=5
	@$(BIN)/python -m tests.faults

audit: $(VENV)/dev.stamp ## ask whether a hole is known in what the product is made of
	@$(BIN)/python -m deploy.supply_chain audit

bench: $(VENV)/dev.stamp ## speed, as ratios to floors measured in the same run
	@$(BIN)/python -m benchmarks

messages: $(VENV)/runtime.stamp ## collect the words of the interface, compile their French
	@$(BIN)/python -m deploy.messages

lock: $(VENV)/dev.stamp ## resolve the dependencies anew, with hashes
	@$(BIN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header \
		--quiet --output-file deploy/lock/runtime.txt
	@$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes \
		--no-header --quiet --constraint deploy/lock/runtime.txt --output-file deploy/lock/dev.txt
	@$(BIN)/uv pip compile deploy/lock/scan.in --python-version 3.11 --generate-hashes --no-header \
		--quiet --output-file deploy/lock/scan.txt
	@$(BIN)/python -m deploy.supply_chain sbom

clean: ## remove what was generated, but never the data in var/
	@rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
