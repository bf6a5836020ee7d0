# make up       run everything on this machine, with sample traffic; with KAFKA=apache on Apache Kafka, whose topics last
# make test     install, check and test
# Both need Python 3.11+ and a package index; they make .venv themselves.
# make kafka    fetch Apache Kafka, which the tests use where Java 17 and Maven are, and in CI

PYTHON ?= python3
BIN := .venv/bin
UP ?= --demo
KAFKA ?=
ifneq ($(filter-out apache,$(KAFKA)),)
$(error KAFKA=$(KAFKA) is not known; right would be KAFKA=apache, or nothing for the embedded broker)
endif
JAVA_AND_MAVEN := $(and $(shell command -v java),$(shell command -v mvn))

.PHONY: up test check search chaos bench kafka install lock clean

up: install $(if $(KAFKA),kafka)
	$(if $(KAFKA),$(BIN)/python deploy/kafka/cluster.py --run) $(BIN)/turnfold up $(if $(KAFKA),--kafka 127.0.0.1:9092) $(UP)

test: check $(if $(or $(CI),$(JAVA_AND_MAVEN)),kafka)
	$(BIN)/pytest --numprocesses 4 --dist worksteal

# Do everything to a running Turnfold that can happen to one, for so many minutes, and count what is lost or doubled.
MINUTES ?= 10
chaos: install kafka
	$(BIN)/python -m tests.chaos.run --minutes $(MINUTES)

# Draw so many orders of what workers, replays, swaps and forgetting do on a model of ClickHouse, and of their deaths.
ORDERS ?= 20000
search: install
	ORDERS=$(ORDERS) $(BIN)/pytest --numprocesses 2 --timeout 0 \
		$(patsubst %,tests/pipeline/materialise/test_%.py,together swap erase_session forwarded)

# Measure everything, beside others where there are any; BENCH takes `--quick` and `--only fold,lists`.
bench: install kafka .peers
	$(BIN)/python -m tests.bench $(BENCH)

# In a folder of their own: they want older versions of what Turnfold uses.
.peers: tests/bench/peers/requirements.txt
	$(BIN)/python -m pip install --quiet --target $@ --upgrade --requirement $<
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: .venv/installed

# The lock file has every package's hash, so what is installed is what was tested.
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

# Bring the lock file up to date with pyproject.toml.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf deploy/kafka/target .peers .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
