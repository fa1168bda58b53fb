# `make` alone prints this menu.
.DEFAULT_GOAL := help
.PHONY: help install demo test validate compose-test science check format clean

PY := .venv/bin/python

help:   ## this menu
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1|/' | column -t -s '|'

install:  ## make .venv and install the pinned dependencies (CUDA=1 for torch with CUDA)
	@.ci/install

demo: install  ## node and archive on this machine, synthetic children in, committed reports out
	@.venv/bin/screener demo $(ARGS)

test:   ## install what it needs, servers too, and run every test
	@.ci/install dev
	@.ci/servers
	@.ci/viewer
	@# one thread for each of two workers: two each would wait for one another
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

validate: ## every result object of the test tables against every public validator
	@.ci/install dev
	@.ci/servers
	@$(PY) -m tests.conformance.validate

compose-test:  ## build the image and try docker-compose.yml on this machine's Docker, services killed and all
	@.ci/install dev
	@$(PY) -m pytest -m compose -p no:randomly -s tests/compose $(ARGS)

science:  ## the whole chain, small: synthetic films, train, calibrate, evaluate, install, score
	@.ci/install dev
	@.ci/science $(ARGS)

check:  ## format, lint, types, import contracts
	@.ci/install dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --verbose 2>/dev/null | tail -25; .venv/bin/lint-imports >/dev/null

format: ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

clean:  ## remove what was made here (not demo-out, science-out, screener-data)
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
