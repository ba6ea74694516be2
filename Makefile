# Needs Python 3.11 and make; everything else is installed by bin/install on the first use and skipped after that.

.DEFAULT_GOAL := help
.PHONY: help demo run up test lint bench clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the whole path on this machine, from images to a report, then serve it (PORT=8000, SERVE=0 ends instead)
	@bin/install all npm
	@bin/demo

run: ## serve the committed demo study, without torch (PORT=8000)
	@bin/install web npm
	@bin/run

up: ## the whole site: PostgreSQL, Redis, web server, workers, beat (PORT=8000, FOLDER=var/up)
	@bin/install up npm
	@bin/up

test: ## every test
	@bin/install dev npm chromium
	@bin/test

lint: ## every linter and check
	@bin/install dev npm
	@bin/lint

bench: ## every benchmark, each printing its table
	@bin/install bench npm
	@bin/bench

clean: ## remove what was made here, except the data of studies (var/)
	rm -rf .venv node_modules var/demo var/ci-test.log .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
