# The two commands a newcomer needs are `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
CHAOS ?= --seconds 180
BIN = $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE  # which would have homemon compiled anew in each of the thousands of processes of the tests
STAMP = $(VENV)/.installed
SECONDS ?= 60
TRIED ?= try-deb
PORT ?= 8080

.PHONY: demo live test quick chaos lint year fleet bench fuzz audit rooms screenshot dashboards clean

demo: $(STAMP)
	$(BIN)/homemon demo

# The demo's house lives on, its page at http://127.0.0.1:8080/, until Ctrl-C: make live PORT=8081
live: $(STAMP)
	$(BIN)/homemon demo --live --port $(PORT)

test: $(STAMP) debian axe schema
	$(BIN)/python -m pytest

# The tests that need no server, no other process and no network: half a minute.
quick: $(STAMP)
	$(BIN)/python -m pytest -q -n 2 tests/unit

# make chaos CHAOS="--seconds 600 --seed 7"
chaos: $(STAMP) debian
	$(BIN)/python -m tests.longrun.chaos $(CHAOS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

year: $(STAMP)
	$(BIN)/python -m tests.longrun.year

# Very many homes at the servers of docs/server/fleet.md: make fleet FLEET="--homes 5000"
fleet: $(STAMP) debian
	$(BIN)/python -m tests.longrun.fleet $(FLEET)

bench: $(STAMP) debian
	$(BIN)/python -m tests.longrun.benchmarks $(ONLY)

# Ten years of a house: how files and memory grow; draws docs/pictures/decade.png.
decade: $(STAMP) debian
	$(BIN)/python -m tests.longrun.decade

# All that takes bytes from outside, under a coverage-guided fuzzer: make fuzz SECONDS=600
fuzz: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable .[fuzz]
	$(BIN)/python -m tests.longrun.fuzz --seconds $(SECONDS)

# The runtime dependencies against the known vulnerabilities; needs the network.
audit: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable .[audit]
	$(BIN)/pip-audit --strict --progress-spinner off .

# The README's commands in bare Debians, as root and as a user: make rooms ROOMS="trixie:root bookworm:user"
rooms:
	$(PYTHON) tools/rooms.py $(ROOMS)

# The pictures of the documents.
screenshot: $(STAMP) debian
	$(BIN)/python -m tests.screenshots

# The dashboards as Grafana's panel library draws them, 460 MB from npm: docs/pictures/grafana.png.
.PHONY: grafana
grafana: tests/grafana/draw/node_modules/.package-lock.json debian
	$(BIN)/python -m tests.dashboard_pictures

dashboards: $(STAMP)
	$(BIN)/python -m tools.dashboards

.PHONY: docs
docs: $(STAMP)
	$(BIN)/python tools/commands.py
	$(BIN)/python tools/tables.py
	$(BIN)/python tools/languages.py
	$(BIN)/python -m tools.messages

.PHONY: dist
dist: $(STAMP)
	rm -rf dist build/lib build/bdist.* && mkdir -p build
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable ".[dist]"
	$(BIN)/python -m build --outdir dist . >build/dist.log 2>&1 || { tail -20 build/dist.log; exit 1; }
	$(BIN)/twine check --strict dist/*
	$(BIN)/python tools/try_wheel.py dist/*.whl
	$(MAKE) --no-print-directory deb $(TRIED)

# The Debian package, for every architecture, and its trial in bare Debians (root and debootstrap): make try-deb SUITES=trixie
.PHONY: deb try-deb
deb: $(STAMP)
	$(BIN)/python tools/debian_package.py

# The folder to copy into /addons of a Home Assistant.
.PHONY: addon
addon: deb
	rm -rf dist/homeassistant-addon && cp -R docs/homeassistant-addon dist/
	cp dist/homemon_*_all.deb dist/homeassistant-addon/homemon/homemon.deb

# Both as containers, on this machine's podman (root, podman, runc and debootstrap).
.PHONY: try-container
try-container: addon debian
	$(BIN)/python -m tools.try_container

try-deb: $(STAMP) debian
	$(BIN)/python -m tools.try_debian $(SUITES)

$(STAMP): pyproject.toml
	$(PYTHON) tools/make_venv.py $(VENV)
	touch $(STAMP)

# axe-core, and Grafana's types, by this machine's npm, or else by one from PyPI: Debian's takes 355 packages more.
.PHONY: axe schema
axe: tests/axe/node_modules/.package-lock.json
schema: tests/grafana/node_modules/.package-lock.json

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json | $(STAMP)
	(command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --editable .[axe]) && cd tests/$* \
	    && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund \
	    || echo "what is in tests/$*/package.json could not be installed: the tests that need it are skipped"

.PHONY: debian
debian:
	sh tools/debian-packages

clean:
	rm -rf $(VENV) build dist *.egg-info
