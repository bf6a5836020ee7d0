# make up       run everything on this machine, with sample traffic; with KAFKA=apache on Apache Kafka, whose topics last
# make test     install, check and test
# Both need Python 3.11+ and a package index; they make .venv themselves.
# make kafka    fetch Apache Kafka, which the tests use where Java 17 and Maven are, and in CI

PYTHON ?= python3
BIN := .venv/bin
UP ?= --demo
KAFKA ?=
ifneq ($(filter-out apache,$(KAFKA)),)
$(error KAFKA=$(KAFKA) is not known; use KAFKA=apache, or leave it out for the embedded broker)
endif
JAVA_AND_MAVEN := $(and $(shell command -v java),$(shell command -v mvn))

.PHONY: up test check search chaos bench kafka install lock clean

up: install $(if $(KAFKA),kafka)
	$(if $(KAFKA),$(BIN)/python deploy/kafka/cluster.py --run) $(BIN)/turnfold up $(if $(KAFKA),--kafka 127.0.0.1:9092) $(UP)

test: check $(if $(or $(CI),$(JAVA_AND_MAVEN)),kafka)
	$(BIN)/pytest --numprocesses 4 --dist worksteal

# Kill and freeze brokers, workers and ClickHouse at random for MINUTES, and count what is lost, double or wrong.
MINUTES ?= 10
chaos: install kafka
	$(BIN)/python -m tests.chaos.run --minutes $(MINUTES)

# Play ORDERS orders of the statements of workers, replays, cutovers and erasures, and of their deaths, on a model of
# ClickHouse.
ORDERS ?= 20000
search: install
	ORDERS=$(ORDERS) $(BIN)/pytest --numprocesses 2 --timeout 0 \
		$(patsubst %,tests/pipeline/materialise/test_%.py,together swap erase_session forwarded)

# Run every benchmark, next to other implementations where there are any; BENCH takes `--quick` and `--only fold,lists`.
bench: install kafka .peers
	$(BIN)/python -m tests.bench $(BENCH)

# Installed into their own folder: they need older versions of Turnfold's dependencies.
.peers: tests/bench/peers/requirements.txt
	$(BIN)/python -m pip install --quiet --target $@ --upgrade --requirement $<
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: .venv/installed

# The lock file has the hash of every package, so the tested versions are installed.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Turnfold needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

kafka: deploy/kafka/target/fetched

deploy/kafka/target/fetched: deploy/kafka/pom.xml
	rm -rf deploy/kafka/target
	mvn --quiet --batch-mode --file deploy/kafka/pom.xml dependency:copy-dependencies
	touch $@

# Update the lock file from pyproject.toml.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf deploy/kafka/target .peers .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
