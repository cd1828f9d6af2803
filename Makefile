# One door: every target makes the locked .venv/ first when it is missing or the lock changed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.lock
STAMP := $(VENV)/.installed
JOBS ?= 3
REAL := .cache/real-applications
# collecting eight thousand tests costs each process half as much with compiled modules at hand
export PYTHONDONTWRITEBYTECODE :=
PROMETHEUS := .cache/prometheus

.PHONY: help demo test test-long test-real e2e lint fmt fuzz bench lock clean

help:  ## what each target does
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "ai-provision needs Python 3.11 to 3.13; this is %d.%d. Try: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(REAL)/.downloaded: requirements/real-applications.txt $(STAMP)
	@mkdir -p $(REAL)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
	  -r requirements/real-applications.txt -d $(REAL)
	@touch $@

# A real Prometheus for the tests of measured use: the one on PATH, else Debian's package, unpacked and not installed.
$(PROMETHEUS)/.unpacked:
	@mkdir -p $(PROMETHEUS)
	@if command -v prometheus > /dev/null && command -v promtool > /dev/null; then :; \
	elif command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null; then cd $(PROMETHEUS) && mkdir -p lists/partial \
	  && { apt-get download -qq prometheus 2> /dev/null \
	    || { apt-get -qq -o Dir::State::Lists=$$PWD/lists -o Debug::NoLocking=1 update \
	      && apt-get -qq -o Dir::State::Lists=$$PWD/lists download prometheus; }; } \
	  && dpkg-deb -x prometheus_*.deb . && rm -rf lists prometheus_*.deb; \
	else echo "put prometheus and promtool on the PATH (brew install prometheus), else their tests fail"; fi
	@touch $@

demo: $(STAMP)  ## the whole loop on this computer: no account, key, cluster or Docker
	$(BIN)/ai-provision demo

test: $(STAMP) $(REAL)/.downloaded $(PROMETHEUS)/.unpacked  ## the tests that need no Go
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not long" --ignore=tests/realparts

test-long: $(STAMP) $(REAL)/.downloaded $(PROMETHEUS)/.unpacked  ## every case of the long tests, every example of the properties
	$(BIN)/python tests/gotools/build.py
	$(BIN)/python -m pytest -q -rs -n $(JOBS) --dist worksteal -m "long or thorough" --hypothesis-profile=thorough --ignore=tests/realparts
	$(BIN)/python -m pytest -q -rs -n 2 --dist loadfile -m long tests/realparts

test-real: $(STAMP)  ## the tests on real parts, which Go builds once: provider, control plane, workflows
	$(BIN)/python tests/gotools/build.py
	$(BIN)/python -m pytest -q -rs -n 2 --dist loadfile -m "not long" tests/realparts

e2e: $(STAMP)  ## a comment to running machines and a rollout, timed (needs Go, terraform and kubectl)
	$(BIN)/python tests/gotools/build.py provider kwok control-plane
	$(BIN)/python -m benchmarks.e2e

lint: $(STAMP)  ## ruff, mypy strict, import-linter, zizmor
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet .github action.yml examples/workflows/*.yml

fmt: $(STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(STAMP)  ## every reader of other people's text under atheris, a minute each (Linux, Python 3.11)
	$(BIN)/python -m fuzz.run 60

bench: $(STAMP)  ## benchmarks, side by side, as a table
	$(BIN)/python -m benchmarks

lock:  ## resolve the lock again from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group pyproject.toml:dev --extra model pyproject.toml -o $(LOCK)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  -c $(LOCK) --extra model pyproject.toml -o requirements/runtime.lock

clean:  ## remove what the targets made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
