# The developer's commands. `make demo` and `make test` set up what is missing, and nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.ready
export MLFLOW_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
# DVC's index of the files, which it unpickles, would lie where everybody may write (/var/tmp).
export DVC_SITE_CACHE_DIR := $(abspath .dvc/tmp/site)
# DVC calls `python`, which has to be this environment's.
export PATH := $(abspath $(BIN)):$(PATH)
# A process a core, each with one thread, and one more, since some tests wait; those of a file share what they load.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder
# What makes this processor compute as others do.
PROCESSORS := MKL_CBWR=COMPATIBLE MKL_CBWR=AVX2 ATEN_CPU_CAPABILITY=default

.PHONY: setup demo test test-processors coverage lint ui clean lock

setup: $(SETUP)

# torch first and pinned: the build without an accelerator satisfies everything that comes after it.
$(SETUP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 -c constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

demo: $(SETUP)
	umask 077; $(BIN)/dvc repro --quiet
	$(BIN)/python -m mealign --config-dir . -cn params stage=report

test: $(SETUP)
	$(PYTEST)

# The numerical tests under each of these settings in turn; two to three minutes each on two cores.
test-processors: $(SETUP)
	for setting in $(PROCESSORS); do \
		echo "$$setting"; env $$setting $(PYTEST) -m "numerical and not slow" || exit 1; \
	done

# What `make test` does, and which lines no test reaches; it takes half as long again.
coverage: $(SETUP)
	$(PYTEST) --cov --cov-report=term --cov-fail-under=85

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

ui: $(SETUP)
	umask 077; MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

# Remove what runs wrote; keep the environment and the fetched weights.
clean:
	rm -rf data mlruns multirun .dvc/cache .dvc/tmp .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

# Write down the versions that are installed now.
lock: $(SETUP)
	echo '# The versions that `make setup` installs; `make lock` writes this file.' > constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^torch=' >> constraints.txt
