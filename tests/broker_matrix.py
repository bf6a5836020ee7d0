"""Tests that run on the embedded broker and on Apache Kafka, the same ones on both."""

import pytest

APACHE = pytest.param("apache", marks=pytest.mark.apache)
ON_EMBEDDED = pytest.mark.parametrize("kafka_kind", ["embedded"], indirect=True)
"""For a test that would learn nothing from a second broker."""
ON_APACHE = pytest.mark.parametrize("kafka_kind", [APACHE], indirect=True)
"""For what the embedded broker does not have: retention, compaction, topics that are deleted and made anew."""


def on_both(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a broker once with each kind, unless it says with which."""
    chosen = any(mark.args[0] == "kafka_kind" for mark in metafunc.definition.iter_markers("parametrize"))
    if "kafka_kind" in metafunc.fixturenames and not chosen:
        metafunc.parametrize("kafka_kind", ["embedded", APACHE], indirect=True, scope="session")
