.DEFAULT_GOAL := help
.PHONY: help run test stories check bench golden format lock

PY := .venv/bin/python
STORIES ?= tests/pages

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start the authz service and the gateway with the demo practice
	@deploy/setup.sh run
	@exec .venv/bin/kinguard run

test: ## Run every test, on SQLite and on real PostgreSQL and Redis
	@deploy/setup.sh dev
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || echo "NO CHROMIUM HERE: the tests of pages in a browser are left out; install chromium to run them" >&2
	$(PY) -m pytest -q -n 3

stories: ## Play the stories in the browser once more, on PostgreSQL and Redis
	@deploy/setup.sh dev
	KINGUARD_STORIES_ON=postgresql $(PY) -m pytest -q -n 3 $(STORIES)

check: ## Format, lint, types, import contracts, policy check
	@deploy/setup.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/kinguard policy check --bundle policies
	.venv/bin/kinguard policy lint --bundle policies --suites policy_tests

bench: ## Measure against the peers and the budgets
	@deploy/setup.sh dev
	$(PY) -m benchmarks

golden: ## Write the golden access matrix anew, to be read in review
	@deploy/setup.sh dev
	$(PY) -m policy_tests.golden

format: ## Format the code
	@deploy/setup.sh dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: ## Write the hash-pinned locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--override requirements/overrides.txt requirements/dev.in -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--override requirements/overrides.txt -c requirements/dev.txt requirements/run.in -o requirements/run.txt
