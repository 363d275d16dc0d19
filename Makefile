# `make` prints the targets. Everything lives in .venv, from hash-locked requirements; nothing is installed elsewhere.

PY ?= python3
PORT ?= 8000
WORKERS ?= 2
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PIP_INSTALL := $(UV) pip install --quiet --python $(BIN)/python --require-hashes
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11
PYTEST := $(BIN)/python -m pytest --quiet -n $(WORKERS)
# Rules, which must be tested to the last branch (tests/covered.toml), and the tests of them. Tracing costs half as much
# again as running, so these are traced in a run of their own.
COVER := --cov --cov-report= --cov-config=tests/covered.toml
COVERING := $(shell find tests -name "test_*rules*.py" | sort)
SOURCES := $(wildcard app migrations tests benchmarks drills examples)

export UV_NO_PROGRESS := 1
# The certificates of the system, as pip uses: a company proxy with one of its own works.
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What Python compiled is kept, also where it was told not to: the suite starts Python a hundred times, and pytest rewrites
# each test anew otherwise. It is kept apart from the sources.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test test-sqlite test-postgresql check covered lint lock-check bench bench-scale fix \
        migrate migration openapi answer-keys lock drill drill-crashes drill-panel drill-docs drill-docker docker-lint coverage clean

help: ## Print the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------------ setting up
install: $(VENV)/.runtime ## Install what the service needs
install-dev: $(VENV)/.dev ## Install what the checks and tests need too

$(VENV)/.uv: uv.txt
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r uv.txt
	@touch $@

# Each stamp is newer than what it was made from, so a second run does nothing.
$(VENV)/.runtime: requirements.lock $(VENV)/.uv $(BIN)/afterglow
	@$(PIP_INSTALL) -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.uv $(BIN)/afterglow
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

# The service runs from the tree: a .pth file names the tree, and the command is two lines. There is nothing to build.
$(BIN)/afterglow: $(VENV)/.uv
	@pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/afterglow.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -P -m app.cli "$$@"\n' > $@
	@chmod +x $@

# --------------------------------------------------------------------------------------------------- running
demo: install ## Fill a demo clinic and serve it on PORT (default 8000); FRESH=1 starts over
	@$(BIN)/afterglow demo --port $(PORT) $(if $(FRESH),--fresh)

migrate: install ## Bring the database of AFTERGLOW_DATABASE_URL to the newest schema
	@$(BIN)/afterglow migrate

# -------------------------------------------------------------------------------------------------- checking
# With COVERAGE=1 everything is traced, and the second run adds to the first.
test: test-sqlite test-postgresql ## Run the suite on SQLite and on PostgreSQL (PYTEST_ARGS="-k linking")

test-sqlite: install-dev ## Run the suite on SQLite only
	@$(PYTEST) --database=sqlite $(if $(COVERAGE),--cov --cov-report=) $(PYTEST_ARGS)

test-postgresql: install-dev ## Run the suite on PostgreSQL only
	@$(PYTEST) --database=postgresql $(if $(COVERAGE),--cov --cov-append --cov-report=) $(PYTEST_ARGS)

check: lint lock-check docker-lint test covered ## Run every check, the suite on both databases, and see what it covers

covered: install-dev ## Check that tests reach every branch of the rules
	@$(PYTEST) --database=sqlite $(COVER) $(COVERING)
	@$(BIN)/coverage report --rcfile=tests/covered.toml --fail-under=100

lint: install-dev ## Check format, style, types and the direction of imports
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports

lock-check: install-dev ## Check that the lock files fit pyproject.toml and name no host
	@! grep -l '://' requirements.lock requirements-dev.lock uv.txt
	@mkdir -p build && cp requirements.lock requirements-dev.lock build/
	@$(COMPILE) pyproject.toml --extra dev --output-file build/requirements-dev.lock
	@$(COMPILE) pyproject.toml --extra passkeys --constraints requirements-dev.lock --output-file build/requirements.lock
	@diff requirements-dev.lock build/requirements-dev.lock && diff requirements.lock build/requirements.lock \
		|| { echo "pyproject.toml and the lock files disagree: run make lock" >&2; exit 1; }

docker-lint: install-dev ## Check the Dockerfile
	@$(BIN)/hadolint Dockerfile

fix: install-dev ## Format, and repair what can be repaired by rule
	@$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	@$(BIN)/ruff format --quiet $(SOURCES)

coverage: ## Tell which branches the suite leaves out, of all the code
	@$(MAKE) test COVERAGE=1
	@$(BIN)/coverage report --include='app/identity/*' --fail-under=100
	@$(BIN)/coverage report

# ----------------------------------------------------------------------------------------- measuring, drilling
bench: install-dev ## Measure speed and memory beside their floors (under ten minutes)
	@$(BIN)/python -m benchmarks.run

bench-scale: install-dev ## Measure growth from one million values stored to twenty (a quarter of an hour, 15 GB of disk)
	@$(BIN)/python -m benchmarks.scale

drill: install-dev ## Put real data sets through the service (DATA=folder)
	@test -n "$(DATA)" || { echo "say where the data sets are: make drill DATA=folder" >&2; exit 2; }
	@$(BIN)/python -m drills.data "$(DATA)"

drill-crashes: install-dev ## Kill server and workers again and again, and count which webhooks arrive (five minutes)
	@$(BIN)/python -m drills.crashes

drill-panel: install-dev ## Do ten thousand random things and look at the panel's summaries after each (OPERATIONS=10000)
	@AFTERGLOW_TEST_OPERATIONS=$(or $(OPERATIONS),10000) $(BIN)/python -m pytest tests/panel/test_kept.py -q --timeout=0 \
		--database=$(or $(DATABASE),postgresql)

drill-docs: install-dev ## Check the docs page in a browser, lint the OpenAPI document, generate clients
	@$(BIN)/python -m drills.docs $(STEPS)

drill-docker: ## Build and run the image without a Docker engine (needs root, buildah and debootstrap)
	@sh drills/docker.sh

# ------------------------------------------------------------------------------------------------- generating
migration: install-dev ## Write a migration from the models: make migration m="add something"
	@test -n "$(m)" || { echo 'say what it does: make migration m="add something"' >&2; exit 2; }
	@mkdir -p build && rm -f build/migration.db
	@AFTERGLOW_DATABASE_URL=sqlite:///build/migration.db $(BIN)/alembic upgrade head
	@AFTERGLOW_DATABASE_URL=sqlite:///build/migration.db $(BIN)/alembic revision --autogenerate -m "$(m)"

openapi: install-dev ## Write docs/openapi.json from the routes
	@$(BIN)/afterglow openapi docs/openapi.json

answer-keys: install-dev ## Accept which fields each kind of caller is shown (then read the difference)
	@AFTERGLOW_TEST_ACCEPT_ANSWER_KEYS=1 $(BIN)/python -m pytest --quiet tests/contract/test_answer_keys.py
	@git diff --stat tests/contract/answer_keys.json

lock: $(VENV)/.uv ## Resolve pyproject.toml into the lock files, the newest versions that fit together
	@$(COMPILE) --upgrade pyproject.toml --extra dev --output-file requirements-dev.lock
	@$(COMPILE) --upgrade pyproject.toml --extra passkeys --constraints requirements-dev.lock --output-file requirements.lock

clean: ## Remove what was generated, but not the databases under var/
	@rm -rf build .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
