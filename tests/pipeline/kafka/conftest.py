"""What speaks to Kafka is tested on the embedded broker and on Apache Kafka."""

import pytest

from tests.both import on_both


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that needs a broker runs on both."""
    on_both(metafunc)
