# `make` alone lists what there is. On a fresh Debian machine as root with Python 3.11, git and
# make, `make demo` and `make test` need nothing before them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The compiled modules are kept wherever that may be switched off: the hub and its tests start many
# processes, and each of them would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test check bench format campaign screenshots lock setup clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F':.*?## ' '{printf "make %-11s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "installing the packages into $(VENV) (about half a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

setup: $(VENV)/.installed ## install the packages into .venv
	@true

demo: setup ## run the main job with simulated devices at http://127.0.0.1:8000
	@tools/need-programs broker
	@$(BIN)/hub demo $(ARGS)

test: setup ## run all tests
	@tools/need-programs broker influxdb chromium
	@$(BIN)/python -m pytest -m "not campaign" -n 3 --dist worksteal $(ARGS)

campaign: setup ## the long forms: 100 kills, long fuzzing, new examples for every property
	@tools/need-programs broker influxdb
	@$(BIN)/python -m pytest -m campaign --timeout 0 $(ARGS)
	@$(BIN)/python -m pytest -m "hypothesis and not campaign" --hypothesis-profile search --timeout 0 -n 2 $(ARGS)

check: setup ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

format: setup ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## measure against mosquitto's C subscriber in the same run
	@tools/need-programs broker
	@$(BIN)/python -m benchmarks.ingest $(ARGS)

screenshots: setup ## take the manual's pictures of every page anew, from a demo (some minutes)
	@tools/need-programs broker chromium emoji
	@$(BIN)/python -m tests.project.screenshots

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --extra broker --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock

clean: ## remove .venv and what the tools left
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
