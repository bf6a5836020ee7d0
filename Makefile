# All targets need only Python 3.11 or newer and a package index; they make .venv themselves. `make kafka` also needs
# Maven, and what runs Apache Kafka needs Java 17. `make help` prints the sentences behind ##.

PYTHON ?= python3
BIN := .venv/bin
UP ?= --demo
KAFKA ?=
ifneq ($(filter-out apache,$(KAFKA)),)
$(error KAFKA=$(KAFKA) is not known; use KAFKA=apache, or leave it out for the embedded broker)
endif
# Tests start hundreds of processes that import the same modules: compiled once, each takes half the CPU.
unexport PYTHONDONTWRITEBYTECODE
JAVA_AND_MAVEN := $(and $(shell command -v java),$(shell command -v mvn))

.PHONY: help up test test-pythons check search chaos bench install kafka lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

up: install $(if $(KAFKA),kafka) ## Run Turnfold here with sample traffic; KAFKA=apache uses Apache Kafka, whose topics persist.
	$(if $(KAFKA),$(BIN)/python deploy/kafka/cluster.py --run) $(BIN)/turnfold up $(if $(KAFKA),--kafka 127.0.0.1:9092) $(UP)

test: check $(if $(or $(CI),$(JAVA_AND_MAVEN)),kafka) ## Install, check and run the tests.
	$(BIN)/pytest --numprocesses 4 --dist loadgroup --no-loadscope-reorder

test-pythons: install ## Run unit tests and one whole way on every other supported Python that is found.
	$(BIN)/python -m tests.pythons

check: install ## Run the linter, the formatter, the type checker and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests marked `search` run a share of their examples or traffic in `make test`, or not at all; see tests/effort.py.
# Integration tests begin first; see tests/schedule.py.
ORDERS ?= 20000
search: install $(if $(or $(CI),$(JAVA_AND_MAVEN)),kafka) ## Run all of what `make test` runs a share of; on a model of ClickHouse, ORDERS=20000 orders of statements.
	SEARCH=1 ORDERS=$(ORDERS) $(BIN)/pytest -m search --numprocesses 3 --dist loadgroup --no-loadscope-reorder --timeout 0

MINUTES ?= 10
chaos: install kafka ## Kill and freeze every process at random for MINUTES=10, and count what is lost, double or wrong.
	$(BIN)/python -m tests.chaos.run --minutes $(MINUTES)

bench: install kafka .peers ## Run every benchmark, next to other implementations; BENCH takes `--quick` and `--only fold,lists`.
	$(BIN)/python -m tests.bench $(BENCH)

# Installed into their own folder: they need older versions of Turnfold's dependencies.
.peers: tests/bench/peers/requirements.txt
	$(BIN)/python -m pip install --quiet --target $@ --upgrade --requirement $<
	touch $@

install: .venv/installed ## Install the locked packages and Turnfold itself into .venv.

# The lock file has the hash of every package, so the tested versions are installed.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Turnfold needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

kafka: deploy/kafka/target/fetched ## Fetch Apache Kafka, which tests use if Java 17 and Maven are installed, and always in CI.

deploy/kafka/target/fetched: deploy/kafka/pom.xml
	rm -rf deploy/kafka/target
	mvn --quiet --batch-mode --file deploy/kafka/pom.xml dependency:copy-dependencies
	touch $@

lock: install ## Update the lock file from pyproject.toml.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev \
		--output-file requirements.lock pyproject.toml

clean: ## Remove everything that the other targets made, data folders excepted.
	rm -rf deploy/kafka/target .peers .pythons .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
