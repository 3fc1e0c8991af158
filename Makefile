# Headwater's commands. `make` alone prints them; CI calls these and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Compiled modules are kept, whatever the caller's shell says: to compile them again in every worker
# and every process that a test starts is a fifth of the tests' time.
export PYTHONDONTWRITEBYTECODE :=
MODULES := src/headwater/dashboard/modules
COPIED := node_modules/.copied
TSC := node_modules/.bin/tsc
PRETTIER := node_modules/.bin/prettier
SCRIPTS := "src/headwater/{dashboard,backtest}/*.{js,css}" "tests/dashboard/*.js" "benchmarks/*.js"

.DEFAULT_GOAL := help
.PHONY: help setup fmt check test coverage test-servers test-peers soak bench bench-peers demo docs clients lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The dashboard's third-party modules. Without Node.js, or without a way to its packages, everything
# but the dashboard works; a module that is not the listed one is an error.
$(COPIED): package-lock.json scripts/modules.json scripts/vendor_modules.py | $(STAMP)
	@if ! command -v npm >/dev/null; then \
		echo "npm is not here: no dashboard (see docs/guides/dashboard.md)"; \
	elif ! npm ci --loglevel=error; then \
		echo "npm ci failed: no dashboard (see docs/guides/dashboard.md)"; \
	else $(BIN)/python scripts/vendor_modules.py && touch $@; fi

setup: $(STAMP) $(COPIED) ## make .venv with the locked dependencies, fetch the dashboard's modules

fmt: $(STAMP) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if test -x $(PRETTIER); then $(PRETTIER) --log-level warn --write $(SCRIPTS); fi

check: setup ## formatting, lint, types (Python and scripts of the page), import contracts, compose file, docs and clients true
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests scripts benchmarks clients/python examples
	@if test -x $(TSC); then echo $(TSC) -p tsconfig.json; $(TSC) -p tsconfig.json && \
		$(PRETTIER) --log-level warn --check $(SCRIPTS); \
		else echo "skipped: types and format of the dashboard's scripts (no node_modules)"; fi
	$(BIN)/lint-imports --config pyproject.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/hadolint Dockerfile
	$(BIN)/python scripts/generate_docs.py --check
	$(BIN)/python -m scripts.generate_clients --check

test: setup ## run every test but the long ones
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not soak" $(ARGS)

coverage: setup ## the same with branch coverage: half as long again
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" --cov --cov-report=term $(ARGS)

test-servers: ## install what some tests start: servers, browser, node (Debian packages, needs root)
	apt-get update
	apt-get install --yes --no-install-recommends postgresql chromium
	command -v node && command -v npm || apt-get install --yes --no-install-recommends nodejs npm

test-peers: $(STAMP) ## run the back-tests of the comparison in backtesting.py and vectorbt too (makes their environments)
	$(BIN)/python -m benchmarks.peers --only backtesting vectorbt
	$(BIN)/python -m pytest tests/peers $(ARGS)

soak: $(STAMP) ## the long runs: 1,000,000 mutated frames, 210,000 mutated messages, 12,000 API cases, 60 s of foreign clients
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

bench: $(STAMP) ## measure speed here and print ratios (see benchmarks/RESULTS.md)
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(STAMP) ## make the environments of the peers that `make bench` compares with
	$(BIN)/python -m benchmarks.peers $(ARGS)

demo: setup ## run the whole platform on simulated exchanges, http://127.0.0.1:8000
	$(BIN)/headwater demo $(ARGS)

docs: $(STAMP) ## write docs/reference from the code
	$(BIN)/python scripts/generate_docs.py

clients: $(STAMP) ## write the typed clients of the terminal API from its documents
	$(BIN)/python -m scripts.generate_clients

lock: $(STAMP) ## resolve the dependencies anew into the hashed lock files
	$(BIN)/python scripts/lock.py

clean: ## remove everything that `make` made
	rm -rf $(VENV) node_modules $(MODULES) .bench-peers .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find src tests scripts benchmarks clients examples -name __pycache__ -prune -exec rm -rf {} +
