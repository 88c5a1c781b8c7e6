# The two commands a newcomer needs are `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test lint dashboards clean

demo: $(STAMP)
	$(BIN)/homemon demo

test: $(STAMP) debian
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dashboards: $(STAMP)
	$(BIN)/python tools/dashboards.py

$(STAMP): pyproject.toml
	$(PYTHON) tools/make_venv.py $(VENV)
	touch $(STAMP)

.PHONY: debian
debian:
	sh tools/debian-packages

clean:
	rm -rf $(VENV) build dist *.egg-info
