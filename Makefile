PYTHON := .venv/bin/python
ENGINE ?= haproxy
# what is held at full branch coverage by its own tests
PURE := proxyctl.core proxyctl.check.verdicts proxyctl.engines.pool_settings proxyctl.engines.haproxy.printed \
  proxyctl.engines.nginx.printed proxyctl.engines.nginx.headers proxyctl.engines.nginx.upstreams
PURE_TESTS := tests/core tests/check/verdicts tests/providers/docker/test_successor.py tests/reconcile/test_pacing.py \
  tests/engines/haproxy/test_printed.py tests/engines/nginx/test_printed.py
COVERED = $(PYTHON) -m pytest $(PURE_TESTS) --numprocesses=2 $(PURE:%=--cov=%) --cov-branch --cov-fail-under=100
# three: a third of the time they wait for Docker, and load is sent in turn
OTHERS = $(PYTHON) -m pytest $(PURE_TESTS:%=--ignore=%) --numprocesses=3 --dist=worksteal

# Ryuk, testcontainers' cleaner, is an image from a registry; tests remove what they started themselves.
export TESTCONTAINERS_RYUK_DISABLED := true
# Tests start many processes: where no bytecode is kept, each of them compiles the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup venv check quick test demo bench soak lock wheel clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## what is missing here: .venv, Docker engine, images, docker compose; for the tests a browser and a registry
	@scripts/setup

venv:
	@scripts/setup --only venv

check: venv ## format, lint, types, layers
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

quick: venv ## all that needs no Docker; the wheel is left to `make test`
	$(COVERED)
	$(OTHERS) -m "not docker" --ignore=tests/docker --ignore=tests/test_wheel.py

test: ## the whole suite: a real engine, real proxies of three Debian suites
	@scripts/setup --suite trixie --suite bookworm
	$(COVERED)
	$(OTHERS)

demo: setup ## the main job on real containers; ENGINE=haproxy|nginx, KEEP=1 leaves it running
	@$(PYTHON) scripts/demo.py --engine $(ENGINE) $(if $(KEEP),--keep)

bench: setup ## where the README's figures come from
	$(PYTHON) -m bench

soak: setup ## random events for 10 minutes at 500 requests/s, both engines; SEED=N has a run again
	$(PYTHON) -m bench.soak $(if $(SEED),--seed $(SEED))

lock: venv ## pin versions and hashes anew, from the configured index only (no find-links, no second index)
	@index=$$($(PYTHON) -m pip config get global.index-url 2>/dev/null); \
	export PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= CUSTOM_COMPILE_COMMAND="make lock"; \
	if [ -n "$$index" ]; then export PIP_INDEX_URL="$$index"; fi; \
	compile="../.venv/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host ../pyproject.toml"; \
	cd requirements && $$compile --output-file runtime.txt \
	  && $$compile --output-file dev.txt --extra dev --constraint runtime.txt

wheel: venv ## wheel and sdist in dist/
	$(PYTHON) -m build --no-isolation

clean: ## what tests, demos and labs left (by label), build output and caches; never images or .venv
	@for label in proxyctl.test proxyctl.demo proxyctl.lab proxyctl.check proxyctl.throwaway; do \
	  for network in $$(docker network ls --filter label=$$label --format '{{.Name}}'); do \
	    docker ps --all --quiet --filter label=proxyctl.gateway=$$network; \
	  done | xargs --no-run-if-empty docker rm --force --volumes; \
	  docker ps --all --quiet --filter label=$$label | xargs --no-run-if-empty docker rm --force --volumes; \
	  docker network ls --quiet --filter label=$$label | xargs --no-run-if-empty docker network rm; \
	done
	rm -rf build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
