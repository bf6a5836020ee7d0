"""Tests that run on the embedded broker and on Apache Kafka, the same ones on both."""

import pytest

BOTH = ("embedded", pytest.param("apache", marks=pytest.mark.apache))


def on_both(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a broker once with each kind."""
    if "kafka_kind" in metafunc.fixturenames:
        metafunc.parametrize("kafka_kind", BOTH, indirect=True, scope="session")
