# Set-up, checks and the main job. Every target can be called first on a fresh clone, and again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DRILL := drills/quarterly-isolation.yaml
# A plant without internet: make setup WHEELS="--no-index --find-links wheelhouse"
WHEELS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tests and drills start the program some thousand times; where the shell forbids bytecode, each start would compile all of it.
export PYTHONDONTWRITEBYTECODE :=
LOCKED := $(PIP) install --require-hashes $(WHEELS)

.DELETE_ON_ERROR:
.PHONY: help setup ready system test check lint without-lab with-lab more seeds drill full reference bench crash-matrix at-random mutants lab-image containerlab containerlab-more third-party lock wheelhouse clean

help:
	@echo "make setup | test | check | lint | more | seeds | drill | full | reference | bench | crash-matrix | at-random | mutants | lab-image | containerlab | third-party | lock | wheelhouse | clean"

# The README's two commands put nothing on anybody's PATH: both end with how the program is called.
CALLED := echo "To call it: '$(CURDIR)/$(BIN)/islandmode', or by its name after: . '$(CURDIR)/$(BIN)/activate'"

setup: ready
	@$(CALLED)

ready: system $(VENV)/installed

system:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@mkdir -p .setup; test -e .setup/listeners-before || $(PYTHON) scripts/listeners.py >.setup/listeners-before
	@bash scripts/install-system-packages $(PYTHON)

# Build tools first, from their own lock, so that the few packages without wheels are built with pinned tools too.
$(VENV)/locked: requirements.lock requirements-build.lock | system
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(LOCKED) -r requirements-build.lock
	$(LOCKED) --no-build-isolation -r requirements.lock
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

lint: ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Tests are played beside each other; tests/beside_each_other.py says which stay together, and a mark which come first. Many wait, for a
# hold to end or a process to start: so two more at a time than there are cores.
AT_ONCE := --numprocesses $$(($$(nproc) + 2))
# What lies there needs a lab, so that nothing of it has to be read where no lab is played; tests/test_beside_each_other.py holds that.
NO_LAB := --ignore=tests/lab --ignore=tests/containerlab --ignore=tests/third_party
# A lab is a dozen programs that go on working: one more of them than there are cores is enough.
LABS := --numprocesses $$(($$(nproc) + 1)) --ignore=tests/containerlab --ignore=tests/third_party

# What needs no lab. mypy keeps one core busy, so the tests begin beside it.
check: ready
	@$(MAKE) --no-print-directory --jobs 2 --keep-going lint without-lab

without-lab: ready
	$(BIN)/pytest $(AT_ONCE) $(NO_LAB) -m "not lab and not more and not many_seeds and not minutes"

with-lab: ready
	$(BIN)/pytest $(LABS) -m "lab and not more and not minutes"

test: ready
	@$(MAKE) --no-print-directory --keep-going check with-lab

# What `make test` has no time for: further moments at which a process dies, further rows of the lab, and the seeds.
more: ready
	@$(MAKE) --no-print-directory --keep-going seeds more-without-lab more-with-lab

.PHONY: more-without-lab more-with-lab minutes
more-without-lab: ready
	$(BIN)/pytest $(AT_ONCE) $(NO_LAB) -m "more and not lab"

more-with-lab: ready
	$(BIN)/pytest $(LABS) -m "lab and more"

# What takes minutes: a device's own clock that ends something, a long hold.
minutes: ready
	$(BIN)/pytest -m minutes tests/lab tests/observe

# Ten thousand simulated drills with faults, until every fault has struck in every phase.
seeds: ready
	$(BIN)/pytest -m many_seeds tests/run

drill: ready
	@$(BIN)/islandmode run $(DRILL) --mode rehearsal; code=$$?; $(CALLED); exit $$code

# The lab's image, on the Docker that is there.
lab-image: ready
	PYTHON=$(BIN)/python sh lab/build-image

# The same lab with containerlab and Docker: your own, or an engine that ends with the tests. Needs root, and Go where
# containerlab is not installed. What takes longer than CI has time for is in containerlab-more.
DOCKER := bash scripts/with-docker
containerlab: ready containerlab-programs
	$(DOCKER) sh -c 'PYTHON=$(BIN)/python sh lab/build-image && $(BIN)/pytest tests/containerlab --ignore=tests/containerlab/more'

containerlab-more: ready containerlab-programs
	@bash scripts/install-system-packages $(PYTHON) third-party
	sh lab/third-party/build
	$(DOCKER) sh -c 'PYTHON=$(BIN)/python sh lab/build-image hmi && $(BIN)/pytest tests/containerlab/more'

.PHONY: containerlab-programs
containerlab-programs: ready
	@bash scripts/install-system-packages $(PYTHON) containerlab
	@command -v containerlab >/dev/null || sh lab/build-containerlab

# What does not fit into CI; its last results are docs/crash-matrix.md and docs/full.md.
full: test more minutes drill crash-matrix at-random mutants containerlab containerlab-more third-party

# docs/reference.md, from the models that read the operators' files; docs/platforms.md, from what each platform says it can do.
reference: ready
	$(BIN)/python scripts/field_reference.py
	$(BIN)/python scripts/platforms_page.py

bench: ready
	for program in bench/*.py; do $(BIN)/python $$program; done

# Every way to die, at every moment, with the layer that restores: about eight minutes, as root.
crash-matrix: ready
	$(BIN)/python -m tests.crash.matrix --page docs/crash-matrix.md

# Sixty drills with faults at random times, as root; the seeds are printed, and `--first SEED` plays them again.
at-random: ready
	$(BIN)/python -m tests.crash.at_random

# Faults planted in what judges, runs and isolates, a sample from a seed: at least 95 % must be found in each room. About half an hour.
mutants: ready
	$(BIN)/python scripts/mutants.py

# Node-RED as the HMI and a PLC on libmodbus, in the lab: about two minutes, with npm, gcc, libmodbus-dev and a registry.
third-party: ready
	@bash scripts/install-system-packages $(PYTHON) third-party
	sh lab/third-party/build
	$(BIN)/pytest tests/third_party

# No index, no path and no comment goes into a lock: it must not tell where it was made.
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: ready
	$(LOCK) --allow-unsafe requirements-build.in --output-file requirements-build.lock
	$(LOCK) pyproject.toml --extra ansible --extra fast --group dev --output-file requirements.lock
	$(LOCK) pyproject.toml --constraint requirements.lock --output-file lab/requirements.lock

wheelhouse: ready
	$(PIP) wheel --require-hashes --no-build-isolation --wheel-dir wheelhouse -r requirements-build.lock
	$(PIP) wheel --require-hashes --no-build-isolation --wheel-dir wheelhouse -r requirements.lock

# Runs are evidence; they stay.
clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
