# burgee: `make run` starts the local system, `make test` proves it. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CONSTRAINTS := -c .ci/constraints.txt
CLIENTS := tests/e2e/clients
PROVIDERS := tests/integration/providers
# What packages are made for: with arguments for AWS alone, since clouds have other Pythons and processors.
CLOUDS ?= $(if $(PACKAGE_ARGS),aws,aws azure gcp)
SCANNER := checkov==3.3.30

# With BURGEE_DIR set, tests keep their state below it too; with PORT set, the test of `make run` uses that port.
ifdef BURGEE_DIR
PYTEST_ARGS += --basetemp=$(BURGEE_DIR)/tests
endif
ifdef PORT
export BURGEE_TEST_PORT := $(PORT)
endif
PORT ?= 8080
BURGEE_DIR ?= .burgee

.PHONY: help run test package aws-local everywhere bench lint format clean

help:
	@echo "make run        start the local system on samplerepo (PORT=$(PORT), BURGEE_DIR=$(BURGEE_DIR))"
	@echo "make test       set up and run every test"
	@echo "make package    make the packages that Terraform deploys (CLOUDS=\"aws azure gcp\", PACKAGE_ARGS=...)"
	@echo "make aws-local  live through a deployment to AWS, on this machine and without an account (STAY=1: look around)"
	@echo "make everywhere one push to S3, Azure Blob, Google Cloud Storage and a registry, all of them on this machine"
	@echo "make bench      measure, beside other flag SDKs and plain YAML loading (BENCH_ARGS=--quick)"
	@echo "make lint       ruff and mypy"

run: $(VENV)/.run
	@$(BIN)/burgee dev samplerepo --port $(PORT) --dir $(BURGEE_DIR) $(RUN_ARGS)

test: $(VENV)/.dev $(VENV)/.scan $(CLIENTS)/node_modules/.package-lock.json $(PROVIDERS)/node_modules/.package-lock.json
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

package: $(VENV)/.dev
	@for cloud in $(CLOUDS); do $(BIN)/python functions/package.py $$cloud $(PACKAGE_ARGS) || exit; done

aws-local: $(VENV)/.dev
	@STAY=$(STAY) $(BIN)/python -m tests.e2e.aws

everywhere: $(VENV)/.dev $(CLIENTS)/node_modules/.package-lock.json
	@$(BIN)/python -m tests.e2e.everywhere

bench: $(VENV)/.bench
	@$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check shared tests functions
	$(BIN)/ruff format --check shared tests functions
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix shared tests functions
	$(BIN)/ruff format shared tests functions

# The state folder stays: it holds the repository and the release log of `make run`.
clean:
	rm -rf $(VENV) $(CLIENTS)/node_modules $(PROVIDERS)/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "burgee needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.run: $(VENV)/bin/python pyproject.toml .ci/constraints.txt
	@echo "installing burgee[cli]"
	@$(PIP) install $(CONSTRAINTS) -e '.[cli]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing what the tests need"
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install $(CONSTRAINTS) --group dev
	@touch $@

# The scanner of Terraform's policies wants other versions than ours of what both need. Without it its test is skipped.
$(VENV)/.scan: $(VENV)/bin/python
	@echo "installing the scanner of Terraform's policies"
	@{ $(PYTHON) -m venv $(VENV)/scan && $(VENV)/scan/bin/python -m pip --disable-pip-version-check --quiet install $(SCANNER) && touch $@; } || echo "its test is skipped: that needs the package index"

$(VENV)/.bench: $(VENV)/.dev .ci/bench-constraints.txt
	@echo "installing the SDKs that burgee is measured beside"
	@$(PIP) install $(CONSTRAINTS) -c .ci/bench-constraints.txt --group bench
	@touch $@

# Without npm, or without a registry, the tests of JavaScript clients are skipped, and the next run tries again.
$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json
	@echo "installing the JavaScript clients that the tests use"
	@(cd $(CLIENTS) && npm ci --loglevel=error >/dev/null) || echo "their tests are skipped: that needs npm, and a registry"

# The schemas of Terraform's providers come in no other way: 600 MB of declarations, of which some forty folders are read.
$(PROVIDERS)/node_modules/.package-lock.json: $(PROVIDERS)/package-lock.json
	@echo "installing the types of Terraform's providers"
	@(cd $(PROVIDERS) && npm ci --loglevel=error >/dev/null) || echo "their tests are skipped: that needs npm, and a registry"
