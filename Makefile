# make demo    set up, then run the synthetic seed patient from DICOM to report
# make test    set up, install system parts where allowed, then every check and test
# make check   style, types, import contracts (no tests)
# make lock    lock dependencies again (needs uv; records hashes, no index address)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= demo

.PHONY: demo test check lint types contracts unit system lock clean

demo: $(VENV)/.run-ready
	$(BIN)/marrowtrail demo --out $(OUT) || test $$? -eq 3  # 3: done, and something is unverified

test: $(VENV)/.dev-ready system check unit

check: lint types contracts

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev-ready
	$(BIN)/mypy

contracts: $(VENV)/.dev-ready
	$(BIN)/lint-imports

# One thread of linear algebra in each worker: two of each would wait for one another's core.
unit: $(VENV)/.dev-ready
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

system:
	sh scripts/install_system_parts.sh

lock:
	uv lock --upgrade
	uv export -q --no-emit-project --no-dev --group build --no-header -o requirements/run.txt
	uv export -q --no-emit-project --only-group dev --no-header -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	$(PYTHON) scripts/check_python.py
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: $(BIN)/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev-ready: $(VENV)/.run-ready requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@
