# Two commands: `make serve` and `make test`; each installs what it needs first.
# Python 3.11 or newer, pip and make must be there; nothing else is assumed.

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
SEED ?= 0
PROCESSES ?= 2
SYSTEM_PACKAGES := promtool:prometheus amtool:prometheus-alertmanager node:nodejs pg_ctlcluster:postgresql nginx:nginx faketime:faketime ip:iproute2 dockerd:docker.io docker-compose:docker-compose mmdebstrap:mmdebstrap
PEERS := mosec bentoml litserve mlserver triton
# Triton's Python backend loads Debian's libpython3.11; its packages must be of the same Python.
TRITON_PYTHON ?= /usr/bin/python3.11

# Thousands of processes are started by tests; without its compiled files each compiles all it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install serve check test manifests release licences sbom image-test system-packages bench bench-versions bench-quality bench-training bench-batch chaos peers corpus attacks eras samples lock format clean

help:  ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

install: .venv/installed  ## Install the pinned packages into .venv

# uv makes the environment also where Debian's python3-venv is missing; pip fetches it.
.venv/installed: requirements.lock pyproject.toml
	@test -x .uv/bin/uv || $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv==$(UV_VERSION)
	@test -x $(BIN)/python || .uv/bin/uv venv --quiet --python $(PYTHON) .venv
	.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements.lock
	.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Clients of other servers, which would not agree with our own packages.
.clients/installed: tests/clients/requirements.lock | .venv/installed
	@test -x .clients/bin/python || .uv/bin/uv venv --quiet --python $(PYTHON) .clients
	.uv/bin/uv pip install --quiet --python .clients/bin/python --no-deps -r $<
	@touch $@

# Ray over the project's own packages, as a node that runs jobs has both.
.ray/installed: tests/ray/requirements.lock | .venv/installed
	@test -x .ray/bin/python || .uv/bin/uv venv --quiet --python $(BIN)/python .ray
	.uv/bin/uv pip install --quiet --python .ray/bin/python --no-deps -r $<
	@$(BIN)/python -c 'import sysconfig as s; print("import site; site.addsitedir(%r)" % s.get_path("purelib"))' \
	  > $$(.ray/bin/python -c 'import sysconfig as s; print(s.get_path("purelib"))')/project.pth
	@touch $@

# An S3 server, which would not agree with our own packages.
.s3/installed: tests/remote/requirements.lock | .venv/installed
	@test -x .s3/bin/python || .uv/bin/uv venv --quiet --python $(PYTHON) .s3
	.uv/bin/uv pip install --quiet --python .s3/bin/python --no-deps -r $<
	@touch $@

# What builds a release and describes it, pinned apart from what runs.
.release/installed: release/requirements.lock | .venv/installed
	@test -x .release/bin/python || .uv/bin/uv venv --quiet --python $(PYTHON) .release
	.uv/bin/uv pip install --quiet --python .release/bin/python --no-deps -r $<
	@touch $@

# Helm and the schemas that the chart and its manifests are held against.
.charts/installed: tests/deploy/requirements.lock | .venv/installed
	@test -x .charts/bin/python || .uv/bin/uv venv --quiet --python $(PYTHON) .charts
	.uv/bin/uv pip install --quiet --python .charts/bin/python --no-deps -r $<
	@touch $@

serve: install  ## Serve the sample models at http://127.0.0.1:8080
	$(BIN)/kerasd serve model_repo --log-format text

check: install  ## Format, lint, types, laws and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell -L mape --skip requirements.lock,dist,*.json
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not slow" --numprocesses $(PROCESSES)

test: system-packages check .clients/installed .ray/installed .charts/installed .release/installed .s3/installed  ## Every test
	$(BIN)/pytest -m "slow and not image" --numprocesses $(PROCESSES) --durations 20
	$(MAKE) image-test

image-test: install system-packages .release/installed  ## Build both images and run them, as root (5 minutes at first)
	$(BIN)/pytest -m image tests/images

release: install .release/installed  ## Build wheel, sdist, images' context, chart, SBOMs and sums into dist/
	$(BIN)/python -m release.build dist

licences: install  ## Check the licences of what the images hold, and write the list
	$(BIN)/python -m release.licences docs/licences.md

sbom: install .release/installed  ## Write the SBOM of each image's Python into dist/
	$(BIN)/python -m release.sbom dist

# A package that can't be installed fails the tests that need it, with its name.
system-packages:
	@for pair in $(SYSTEM_PACKAGES); do \
	  command -v $${pair%%:*} >/dev/null && continue; \
	  echo "installing Debian's $${pair##*:}"; \
	  if [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $${pair##*:} >/dev/null || exit 1; \
	  else echo "not root: install it with apt-get install $${pair##*:}"; fi; \
	done

bench: install  ## Measure against limits and peers, half an hour; ARGS="--only A,B --workload W" (needs wrk)
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-versions: install  ## Measure promotions under load, and 200 models; ARGS="--only swaps"
	$(BIN)/python -m benchmarks.versions $(ARGS)

bench-quality: install  ## Measure 100,000 labels and the scrapes after; ARGS="--database-url URL" (PostgreSQL, too)
	$(BIN)/python -m benchmarks.quality --write docs/performance.md $(ARGS)

bench-training: install  ## Measure predictions while a model is retrained; ARGS="--rounds 5 --epochs 30"
	$(BIN)/python -m benchmarks.training --write docs/performance.md $(ARGS)

bench-batch: install  ## Measure batch predictions; ARGS="--scratch FOLDER" keeps its files (1.4 GB)
	$(BIN)/python -m benchmarks.batch --write docs/performance.md $(ARGS)

chaos: install system-packages  ## Kill, stop, fill up, lock, race: half an hour, as root; writes the table
	rm -rf .chaos
	CHAOS_SECONDS=120 CHAOS_FULL=1 CHAOS_SEED=$(SEED) CHAOS_FIGURES=.chaos \
	  $(BIN)/pytest tests/chaos --timeout 3600
	$(BIN)/python -m tests.chaos.figures .chaos docs/chaos.md

manifests: install .charts/installed  ## Write the dashboards, the chart's copies and deploy/kubernetes anew
	$(BIN)/python -m dashboards.write
	$(BIN)/python -m deploy.write

peers: $(PEERS:%=.peers/%/installed)  ## Install the servers that bench compares with (0.6 GB)

.peers/%/installed: benchmarks/peers/%.txt | .venv/installed
	@test -x $(@D)/bin/python || \
	  .uv/bin/uv venv --quiet --python $(if $(filter triton,$*),$(TRITON_PYTHON),$(PYTHON)) $(@D)
	.uv/bin/uv pip install --quiet --python $(@D)/bin/python --no-deps -r $<
	@touch $@

corpus: install  ## Download real Keras files (300 MB), serve each of them, write the table
	$(BIN)/python -m tests.corpus.run --tier full --write docs/keras-files.md

attacks: install  ## Try hostile and broken files, SEED=0 or another
	$(BIN)/python -m tests.attacks.make .attacks --seed $(SEED)
	$(BIN)/python -m tests.attacks.run .attacks --write docs/security.md

eras: install  ## Have old engines write their files anew (needs Pythons 3.6 to 3.12, a C++ compiler)
	$(BIN)/python -m tests.eras.make

samples: install  ## Train the sample models anew
	.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps sktime==1.2.0
	$(BIN)/python model_repo/train_samples.py

lock: install  ## Resolve the newest allowed versions into requirements.lock
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate \
	  --extra train --extra oidc --extra otel --extra postgres --extra s3 --extra dev \
	  pyproject.toml --output-file requirements.lock
	sed -i '/^tensorflow==/d' requirements.lock
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate --override tests/clients/overrides.in \
	  tests/clients/requirements.in --output-file tests/clients/requirements.lock
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate \
	  tests/remote/requirements.in --output-file tests/remote/requirements.lock
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate --constraint requirements.lock \
	  tests/ray/requirements.in --output-file tests/ray/requirements.all
	grep -vxFf requirements.lock tests/ray/requirements.all > tests/ray/requirements.lock
	rm tests/ray/requirements.all
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate \
	  release/requirements.in --output-file release/requirements.lock
	.uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate \
	  tests/deploy/requirements.in --output-file tests/deploy/requirements.lock
	for peer in $(PEERS); do \
	  .uv/bin/uv pip compile --quiet --upgrade --python-version 3.11 \
	    --no-emit-index-url --no-header --no-annotate \
	    benchmarks/peers/$$peer.in --output-file benchmarks/peers/$$peer.txt || exit 1; done

format: install  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove what was installed and written, but for .kerasd, the service's state
	rm -rf .venv .clients .ray .charts .release dist .s3 .images .peers .uv .corpus .attacks .eras .chaos .mypy_cache .pytest_cache .ruff_cache
