# Headwater's commands. `make` alone prints them; CI calls these and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup fmt check test coverage test-servers soak bench bench-peers demo docs clients lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

setup: $(STAMP) ## make .venv with the locked dependencies

fmt: $(STAMP) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(STAMP) ## formatting, lint, types, import contracts, compose file, docs and clients true
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests scripts benchmarks clients/python examples
	$(BIN)/lint-imports --config pyproject.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/hadolint Dockerfile
	$(BIN)/python scripts/generate_docs.py --check
	$(BIN)/python -m scripts.generate_clients --check

test: $(STAMP) ## run every test but the long ones
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" $(ARGS)

coverage: $(STAMP) ## the same with branch coverage: half as long again
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" --cov --cov-report=term $(ARGS)

test-servers: ## install what some tests start: servers, browser, node (Debian packages, needs root)
	apt-get update
	apt-get install --yes --no-install-recommends postgresql chromium
	command -v node && command -v npm || apt-get install --yes --no-install-recommends nodejs npm

soak: $(STAMP) ## the long runs: 1,000,000 mutated frames, 210,000 mutated messages, 12,000 API cases, 60 s of foreign clients
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

bench: $(STAMP) ## measure speed here and print ratios (see benchmarks/RESULTS.md)
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(STAMP) ## make the environments of the peers that `make bench` compares with
	$(BIN)/python -m benchmarks.peers $(ARGS)

demo: $(STAMP) ## run the whole platform on simulated exchanges, http://127.0.0.1:8000
	$(BIN)/headwater demo $(ARGS)

docs: $(STAMP) ## write docs/reference from the code
	$(BIN)/python scripts/generate_docs.py

clients: $(STAMP) ## write the typed clients of the terminal API from its documents
	$(BIN)/python -m scripts.generate_clients

lock: $(STAMP) ## resolve the dependencies anew into the hashed lock files
	$(BIN)/python scripts/lock.py

clean: ## remove everything that `make` made
	rm -rf $(VENV) .bench-peers .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
