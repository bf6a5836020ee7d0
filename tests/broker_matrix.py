"""Run the same tests on the embedded broker and on Apache Kafka."""

import time

import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.topics import create_topics, find_topics
from tests.effort import IN_SEARCH

DELETED_WITHIN = 60.0

APACHE = pytest.param("apache", marks=pytest.mark.apache)
APACHE_IN_SEARCH = pytest.param("apache", marks=[pytest.mark.apache, IN_SEARCH])
ON_EMBEDDED = pytest.mark.parametrize("kafka_kind", ["embedded"], indirect=True)
"""Marks a test for which a second broker adds nothing."""
ON_BOTH = pytest.mark.parametrize("kafka_kind", ["embedded", APACHE], indirect=True)
"""Marks a test that `make test` runs on both brokers: all others run on Apache Kafka only in `make search`."""
ON_APACHE = pytest.mark.parametrize("kafka_kind", [APACHE], indirect=True)
"""Marks a test of what the embedded broker lacks: retention, compaction, topics that are deleted and recreated."""


def on_both(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a broker once with each kind, unless it names one."""
    chosen = any(mark.args[0] == "kafka_kind" for mark in metafunc.definition.iter_markers("parametrize"))
    if "kafka_kind" in metafunc.fixturenames and not chosen:
        metafunc.parametrize("kafka_kind", ["embedded", APACHE_IN_SEARCH], indirect=True, scope="session")


def recreate(settings: Settings, topic: str) -> None:
    """Delete a topic of the settings, and create it."""
    with open_admin(settings) as kafka:
        kafka.delete_topics([topic])
    deadline = time.monotonic() + DELETED_WITHIN
    while topic in find_topics(settings):
        assert time.monotonic() < deadline, f"topic {topic} does not end"
        time.sleep(0.1)
    create_topics(settings)
