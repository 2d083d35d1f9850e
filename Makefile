# Everything begins here: `make demo` runs the main job, `make test` the tests. Both set up .venv
# themselves and are quick the second time.

PYTHON ?= python3
BIN := .venv/bin
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadgroup
# In CI properties are tried as often as a bare `pytest` does.
EXAMPLES := $(if $(CI),many,few)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Processes that tests start need not compile Podium again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-slow test-all coverage check docs notebook transcripts redteam systems \
	reference bench clean

demo: .venv/ready
	$(BIN)/podium run sirna ridge
	$(BIN)/podium run sirna lightgbm
	$(BIN)/podium board sirna

test: .venv/ready-dev
	$(BIN)/python -m pytest -q -m "not slow and not exhaustive" --hypothesis-profile $(EXAMPLES) $(PARALLEL)

# What few changes touch and takes long.
test-slow: .venv/ready-dev
	$(BIN)/python -m pytest -q -m "slow and not exhaustive" $(PARALLEL)

# Lines and branches of src/podium that the quick tests run; models' own processes are not seen.
coverage: .venv/ready-dev
	rm -rf .coverage && mkdir .coverage
	$(BIN)/python -m coverage run -m pytest -q -m "not slow and not exhaustive" $(PARALLEL)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

test-all: .venv/ready-dev
	$(BIN)/python -m pytest -q

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src competitions

# What the docs take from the code (the picture of the layers, options, public names), and the site.
docs: .venv/ready-docs
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/pages.py

# docs/notebook.ipynb, executed: after a change of docs/notebook_source.py, or of what it shows.
notebook: .venv/ready-dev
	$(BIN)/python docs/execute.py

# What README shows of a terminal, and its picture, from the commands themselves. With the raw files at
# hand: make transcripts PODIUM_RAW=DIR.
transcripts: .venv/ready-dev
	$(BIN)/python docs/transcripts.py

# Attacks of all kinds, by turns, and the table of docs/security.md: make redteam SECONDS=600.
SECONDS ?= 60
redteam: .venv/ready-dev
	$(BIN)/python tests/redteam.py $(SECONDS)

# Other people's systems, files and habits: their tests, and the tables of docs/systems.md.
systems: .venv/ready-dev
	$(BIN)/python tests/systems.py

# The reference boards and leaderboard/README.md: hours, and it goes on where it was stopped. Real
# datasets are fetched. Trainings side by side: make reference OPTIONS="--jobs 4" (or --dask ADDRESS).
reference: .venv/ready-dev
	$(BIN)/python leaderboard/reference.py $(OPTIONS)

# All benchmarks, and docs/benchmarks.md from what they find: the better part of an hour.
bench: .venv/ready-dev
	$(BIN)/python benchmarks/page.py

clean:
	rm -rf .venv

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Podium needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv || $(PYTHON) -m virtualenv .venv
	touch $@

.venv/ready: .venv/python pyproject.toml constraints.txt
	@echo "Setting up .venv: about a minute, once."
	$(PIP) -e .
	touch $@

.venv/ready-dev: .venv/ready
	$(PIP) -e '.[dev,neural,bio]'
	touch $@

.venv/ready-docs: .venv/ready-dev
	$(PIP) -e '.[docs]'
	touch $@
