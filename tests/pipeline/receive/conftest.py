from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests.pipeline.receive.receiving import Receiver, receiving


@pytest.fixture
def receiver(kafka_settings: Settings, tmp_path: Path) -> Iterator[Receiver]:
    """A receiver in front of the embedded broker, with topics of its own."""
    with receiving(kafka_settings, tmp_path) as running:
        yield running
