# `make run` and `make test` set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOXIPROXY := .tools/bin/toxiproxy-server
TOXIPROXY_VERSION := v2.12.0

.DELETE_ON_ERROR:
.PHONY: run test bench lint setup clean

run: setup
	$(BIN)/harness run main --cold --report reports/runs/main.html

test: setup lint
	$(BIN)/pytest tests benchmarks --benchmark-disable -n 2
	$(BIN)/pytest scenarios -n 2

# Takes a minute; compare figures of one run only, machines are noisy.
bench: setup
	$(BIN)/pytest benchmarks --benchmark-only --benchmark-json reports/runs/benchmarks.json

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python -m splitlearn.wire.generate --check

setup: $(VENV)/.installed $(TOXIPROXY)

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
		{ echo "$(PYTHON) has no ensurepip; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# The real Toxiproxy server, where Go is there to build it; the embedded one serves otherwise.
$(TOXIPROXY):
	@mkdir -p $(@D)
	@if command -v go >/dev/null; then \
		GOBIN="$(CURDIR)/.tools/go" go install github.com/Shopify/toxiproxy/v2/cmd/server@$(TOXIPROXY_VERSION) \
			&& mv .tools/go/server $@ \
			|| echo "the real Toxiproxy could not be built; the embedded one is used"; \
	else \
		echo "Go was not found; the embedded Toxiproxy is used"; \
	fi

clean:
	rm -rf $(VENV) .tools reports/runs
