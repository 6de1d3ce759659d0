PYTHON := .venv/bin/python
ENGINE ?= haproxy

export TESTCONTAINERS_RYUK_DISABLED := true
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup check test demo bench lock wheel clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## everything that is missing here: .venv, Docker engine, images, docker compose
	@scripts/setup

check: .venv ## format, lint, types, layers
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

test: ## the whole suite: a real engine, real proxies of three Debian suites
	@scripts/setup --suite trixie --suite bookworm
	$(PYTHON) -m pytest tests/core --cov=proxyctl.core --cov-branch --cov-fail-under=100
	$(PYTHON) -m pytest --ignore=tests/core

demo: setup ## the main job on real containers; ENGINE=haproxy|nginx, KEEP=1 leaves it running
	@$(PYTHON) scripts/demo.py --engine $(ENGINE) $(if $(KEEP),--keep)

bench: setup ## where the README's figures come from
	$(PYTHON) -m bench

lock: .venv ## pin versions and hashes anew, from the configured index alone (no find-links, no extra index)
	index=$$($(PYTHON) -m pip config get global.index-url 2>/dev/null); \
	export PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= CUSTOM_COMPILE_COMMAND="make lock"; \
	if [ -n "$$index" ]; then export PIP_INDEX_URL=$$index; fi; \
	cd requirements && set -ex; for part in runtime dev; do \
	  ../.venv/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    $$(test $$part = runtime || echo --extra dev --constraint runtime.txt) \
	    --output-file $$part.txt ../pyproject.toml; \
	done

wheel: .venv ## wheel and sdist in dist/
	$(PYTHON) -m build --no-isolation

clean: ## containers, networks of tests and demos (by label), caches; never the images or the .venv
	@scripts/clean

.venv:
	@scripts/setup --only venv
