# The one list of commands. The first two are all that a new user needs.
# Paths are relative on purpose, so that a folder with spaces in its name works.
.DEFAULT_GOAL := help
PY := .venv/bin/python
PLANMARK := $(PY) -m planmark
PYTEST := $(PY) -m pytest

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: refresh
refresh: env ## Run the night from fetch to published marts on demonstration data, and print the scorecard
	@$(PLANMARK) refresh

.PHONY: test
test: env-dev check ## Everything the tests need, then every level of tests
	@$(PYTEST) tests/unit tests/contract tests/integration tests/e2e

.PHONY: up
up: env ## Start Airflow (scheduler, API server, UI) on loopback; nightly run at 02:00 Europe/London
	@$(PLANMARK) up

.PHONY: down
down: ## End everything that refresh and up started, the database included
	@if [ -x $(PY) ]; then $(PLANMARK) down; else echo "Nothing is installed here, so nothing runs."; fi
	@if [ -d .planmark-real-figures ]; then PLANMARK_HOME=.planmark-real-figures $(PLANMARK) down; fi

.PHONY: live
live: env ## The same refresh against the true services, with keys from the environment
	@$(PLANMARK) refresh --mode live

.PHONY: real-figures
real-figures: env ## Assess the plan on real ONS figures: make real-figures FOLDER=path/to/els_files
	@$(PLANMARK) refresh --ons-folder "$(FOLDER)"

.PHONY: check
check: env-dev ## Format, lint, types, import rules: the same here and in CI
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@PYTHONPATH=. .venv/bin/lint-imports
	@$(PY) -m sqlfluff lint --disable-progress-bar dbt_project/models
	@$(PLANMARK) datasets check
	@$(PLANMARK) plans check

.PHONY: quick
quick: env-dev ## Unit and contract tests only
	@$(PYTEST) tests/unit tests/contract

.PHONY: bench
bench: env-dev ## Measure speed and memory beside a floor in the same run
	@$(PY) -m tests.bench

.PHONY: evaluate
evaluate: env-dev ## Measure what the assessment is worth, and keep the figures in docs/methodology.md
	@$(PY) -m tests.evaluate

.PHONY: generated
generated: env-dev ## Write the generated files anew (dataset pages, data dictionary, JSON Schema)
	@$(PLANMARK) datasets docs
	@$(PY) dbt_project/generate.py

.PHONY: env
env:
	@sh scripts/environment.sh requirements/runtime.lock

.PHONY: env-dev
env-dev:
	@sh scripts/environment.sh requirements/dev.lock

.PHONY: lock
lock: env ## Resolve requirements/*.in into lock files with hashes and no addresses
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header requirements/runtime.in --output-file requirements/runtime.lock
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraint requirements/runtime.lock requirements/dev.in --output-file requirements/dev.lock

.PHONY: clean
clean: down ## Remove the environment and everything that was generated, the database included
	@rm -rf .planmark .planmark-real-figures .venv dbt_project/target dbt_project/logs
