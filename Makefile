# Two commands matter: `make demo` and `make test`. Each does all the set-up it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_PATIENTS ?= 2000

.PHONY: demo test check fast lock bench docs clean

demo: $(READY)
	$(BIN)/iago synth --patients $(DEMO_PATIENTS) --seed 2025 --out demo/cohort
	$(BIN)/iago dossier infection --data demo/cohort --by product --out demo/dossier
	$(BIN)/iago evidence nrm --out demo/evidence

test: $(READY) check
	$(BIN)/python -m pytest -n 2 tests

# Under a minute: everything that needs no browser, no large cohort and no other program.
fast: $(READY)
	$(BIN)/python -m pytest -n 2 tests/unit tests/spec tests/properties tests/architecture

check: $(READY)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python docs/generate.py

bench: $(READY)
	$(BIN)/python benchmarks/run.py

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra dev pyproject.toml -o requirements.lock

# python3.11 by that name where it exists, else python3, which must be 3.11 or newer.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 && python=$(PYTHON) || python=python3; \
	"$$python" -c 'import sys; sys.exit("IAGO needs Python 3.11 or newer") if sys.version_info < (3, 11) else None' && \
	"$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) demo build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
