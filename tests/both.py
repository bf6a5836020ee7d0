"""Tests that run on the embedded broker and on Apache Kafka, the same ones on both."""

import pytest

BOTH = ("embedded", pytest.param("apache", marks=pytest.mark.apache))


def on_both(metafunc: pytest.Metafunc, fixture: str) -> None:
    """Run a test that needs `fixture` once with each."""
    if fixture in metafunc.fixturenames:
        metafunc.parametrize(fixture, BOTH, indirect=True, scope="session")
