"""`turnfold demo` sends the past week, then live traffic until a signal."""

import signal
import time

from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.topics import create_topics
from tests.agents.cli.command import WITHIN, start, turnfold


def records(settings: Settings) -> int:
    """How many are in Kafka."""
    return sum(lag.end for lag in read_lag(settings))


def test_the_past_is_sent_at_once(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    found = turnfold(kafka_settings, "demo", "--no-live", "--conversations", "60")
    assert (found.status, found.err) == (0, "")
    assert "of the past week" in found.out
    assert records(kafka_settings) > 100


def test_live_traffic_follows_until_a_signal_comes(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with start(kafka_settings, "demo", "--conversations", "0") as process:
        deadline = time.monotonic() + WITHIN
        while not records(kafka_settings):
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WITHIN)
    assert (process.returncode, err) == (143, b"")
    assert out.splitlines()[-1].startswith(b"sent ")


def test_without_topics_it_does_not_begin(kafka_settings: Settings) -> None:
    found = turnfold(kafka_settings, "demo")
    assert found.status == 2
    assert "turnfold migrate" in found.err
