# Every command of the project. `make` alone lists them.
# `venv` has to be made before anything else runs; make does it when the lock changed.

PYTHON ?= python3
BIN := .venv/bin
VENV := .venv/lock.sha256
TOOLS := .tools-venv/bin
SBOM := build/sbom
CYCLONEDX_MAVEN := org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeBom
UV = $(TOOLS)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
     --no-emit-index-url --no-emit-find-links --no-annotate $(LOCK_ARGS)

DEMO_ARGS ?=
PYTEST_ARGS ?=
ARGS ?=
FILE ?=
WORKERS ?= 1
TEST_JOBS ?= 3

# Tests and commands start many processes; without compiled modules each takes a second longer to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo story test chaos fuzz recount ci lint format types contracts schemas schemas-check map map-check calls bench broker-start broker-stop doctor lock sbom jars-lock images clean up down
# A recipe that fails leaves no half-made target.
.DELETE_ON_ERROR:

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV) ## create .venv from the lock (done by the others when needed)

demo: $(VENV) needs-broker ## a simulated contact centre on a live board; DEMO_ARGS="--duration 30 --speed 10 --plain"
	@$(BIN)/contact-streams demo $(DEMO_ARGS)

# Nothing may follow the command: with --json the last line on stdout is its JSON.
story: $(VENV) needs-broker ## a scripted story, each step proved by the records that come out; ARGS="--json --keep"
	@$(BIN)/contact-streams demo story $(ARGS)

# Most of the time the tests on a broker wait: two processes, each with a broker of its own (tests/support/spread.py).
test: $(VENV) needs-broker ## every test, on a real broker; PYTEST_ARGS="tests/unit -k wait"
	@$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile $(PYTEST_ARGS)

chaos: $(VENV) needs-broker ## load under faults, then a full audit; ARGS="--seed 1 --seeds 20 --duration 60 --json"
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(VENV) ## odd events through all agents without a broker; ARGS="--minutes 10 --seed 1", --example FILE
	@$(BIN)/python -m tests.fuzz $(ARGS)

recount: $(VENV) ## random histories against a recount from the documents, without a broker; ARGS="--histories 1000 --theme chats"
	@$(BIN)/python -m tests.reference $(ARGS)

# The checks two at a time: mypy alone takes longer than all others together. The tests come last, and alone.
ci: $(VENV) needs-broker ## what continuous integration runs
	@$(MAKE) --no-print-directory --jobs=2 types lint contracts schemas-check map-check
	@$(MAKE) --no-print-directory test

lint: $(VENV) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV) ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix --exit-zero . > /dev/null
	@$(BIN)/ruff format .
	@$(BIN)/ruff check .

types: $(VENV) ## mypy --strict
	@$(BIN)/mypy

contracts: $(VENV) ## which package may import which
	@$(BIN)/lint-imports

schemas: $(VENV) ## export JSON Schema and AsyncAPI from the contract, and JSON Schema of the rule files
	@$(BIN)/contact-streams schemas export
	@$(BIN)/contact-streams rules schema

schemas-check: $(VENV) ## fail when the exported schemas are not current
	@$(BIN)/contact-streams schemas export --check
	@$(BIN)/contact-streams rules schema --check

map: $(VENV) ## draw the rooms of the code and their imports: docs/images/rooms.svg
	@$(BIN)/python -m tests.support.rooms

map-check: $(VENV) ## fail when an import goes up, or that drawing is not current
	@$(BIN)/python -m tests.support.rooms --check

# Nothing may follow the command: the last line on stdout is its JSON.
calls: $(VENV) needs-broker ## a call log through the whole pipeline, figures as JSON; FILE=path [WORKERS=n]
	@test -n "$(FILE)" || { echo 'make calls: which file? make calls FILE=path/to/calls.tsv [WORKERS=2]' >&2; exit 2; }
	@$(BIN)/contact-streams calls --file "$(FILE)" --workers $(WORKERS)

# Nothing may follow the command: with --json the last line on stdout is its JSON.
bench: $(VENV) needs-broker ## against other stream processors; ARGS="--only ours,kafka-streams --rounds 3 --json"
	@$(BIN)/python -m tests.bench $(ARGS)

broker-start: $(VENV) needs-broker ## start the embedded Kafka broker
	@$(BIN)/contact-streams broker start

broker-stop: $(VENV) ## stop it; its data stay
	@$(BIN)/contact-streams broker stop

doctor: $(VENV) ## check this machine and say what to do
	@$(BIN)/contact-streams doctor

images: ## compare the digests of the images with what their tags are now
	@grep -hoE '[a-z/]+:[0-9v][a-z0-9.-]+@sha256:[0-9a-f]{64}' docker-compose.yml Dockerfile | sort -u | while read -r image; do \
	  now=$$(docker buildx imagetools inspect "$${image%@*}" --format '{{.Manifest.Digest}}') || exit 1; \
	  if test "$$now" = "$${image#*@}"; then echo "$${image%@*} is as pinned"; else echo "$${image%@*} is $$now now, pinned is $${image#*@}"; fi; done

up: ## everything in containers: Kafka, worker, Prometheus, Alertmanager, Grafana; GRAFANA_ADMIN_PASSWORD=…
	docker compose up --detach --build

# Compose reads the whole file for every command; here nobody gets this password.
down: ## end the containers; their data stay
	GRAFANA_ADMIN_PASSWORD=not-asked-for docker compose down

.PHONY: tools
tools: $(TOOLS)/uv
$(TOOLS)/uv: requirements-tools.lock
	@$(PYTHON) -m venv .tools-venv
	@$(TOOLS)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@

sbom: tools needs-broker ## what is shipped, as CycloneDX: build/sbom/python.cdx.json (the image), kafka.cdx.json (the broker's jars)
	@mkdir -p $(SBOM)
	@$(TOOLS)/cyclonedx-py requirements requirements-runtime.lock --pyproject pyproject.toml --output-reproducible --of JSON -o $(SBOM)/python.cdx.json
	@mvn -q -B -f deploy/kafka/pom.xml $(CYCLONEDX_MAVEN) -DoutputFormat=json -DoutputName=kafka.cdx -DoutputDirectory=$(CURDIR)/$(SBOM)
	@ls $(SBOM)/*.json

lock: tools ## pin the newest versions that fit into requirements*.lock; LOCK_ARGS=--upgrade
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pyproject.toml --extra api --extra demo --extra drivers --extra email --extra dev --output-file requirements.lock
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pyproject.toml --constraints requirements.lock --output-file requirements-runtime.lock
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) --group tools --output-file requirements-tools.lock
	@! grep -nE '://|--(extra-)?index-url|--find-links' requirements.lock requirements-runtime.lock requirements-tools.lock

jars-lock: $(VENV) ## note the checksums of the broker's jars, after a change of deploy/kafka/pom.xml
	@$(BIN)/python -m streams.local.jars deploy/kafka/pom.xml

clean: ## end the broker; remove .venv, the broker's folder and every cache
	@if [ -x $(BIN)/contact-streams ]; then $(BIN)/contact-streams broker stop >/dev/null; fi
	rm -rf .venv .tools-venv .kafka .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the lock's hash, not its time: a checkout changes times.
LOCK_HASH := $(shell cat requirements.lock pyproject.toml 2>/dev/null | sha256sum | cut -c1-64)
ifneq ($(LOCK_HASH),$(shell cat $(VENV) 2>/dev/null))
.PHONY: $(VENV)
endif
$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Python 3.11 or newer is needed and $(PYTHON) is not it. Debian/Ubuntu: apt-get install python3 python3-venv,' >&2; \
	  echo 'or name another: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo 'Python has no venv module. Debian/Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'installing the locked packages into .venv' >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@echo $(LOCK_HASH) > $@

.PHONY: needs-broker
needs-broker:
	@test -n "$$KAFKA_BOOTSTRAP_SERVERS" || { command -v java && command -v mvn; } >/dev/null || docker info >/dev/null 2>&1 || { \
	  echo 'A Kafka broker is needed and none can be started. One of these helps:' >&2; \
	  echo '  apt-get install default-jdk-headless maven' >&2; \
	  echo '  Docker with its compose plug-in' >&2; \
	  echo '  export KAFKA_BOOTSTRAP_SERVERS=host:port' >&2; exit 1; }
