"""Requests are counted by operation and status, and timed by operation."""

import pytest

from pipeline.metrics.http import QueryMetrics, ReceiveMetrics


@pytest.fixture
def metrics() -> QueryMetrics:
    return QueryMetrics()


def value(metrics: QueryMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"turnfold_{name}", labels)


def test_requests_are_counted_by_operation_and_status(metrics: QueryMetrics) -> None:
    for status in (200, 200, 429):
        metrics.answered("GetSession", status, 0.01)
    metrics.answered("other", 404, 0.01)
    assert value(metrics, "requests_total", operation="GetSession", status="200") == 2
    assert value(metrics, "requests_total", operation="GetSession", status="429") == 1
    assert value(metrics, "requests_total", operation="other", status="404") == 1


def test_durations_are_observed_whatever_the_status(metrics: QueryMetrics) -> None:
    metrics.answered("GetSession", 200, 0.2)
    metrics.answered("GetSession", 500, 40.0)
    assert value(metrics, "request_seconds_count", operation="GetSession") == 2
    assert value(metrics, "request_seconds_sum", operation="GetSession") == pytest.approx(40.2)
    assert value(metrics, "request_seconds_bucket", operation="GetSession", le="0.25") == 1
    assert value(metrics, "request_seconds_bucket", operation="GetSession", le="60.0") == 2


def test_an_operation_has_no_series_before_its_first_request(metrics: QueryMetrics) -> None:
    assert value(metrics, "requests_total", operation="GetSession", status="200") is None


def test_it_counts_requests_events_and_bytes_and_shows_what_waits() -> None:
    metrics = ReceiveMetrics()
    metrics.watch(lambda: 7, lambda: 8)
    metrics.answered("Firehose", 200, 0.1)
    metrics.received("Firehose", 100)
    metrics.kept("Firehose", 3, 1)
    text = metrics.text().decode()
    for line in (
        'turnfold_requests_total{operation="Firehose",status="200"} 1.0',
        'turnfold_received_bytes_total{operation="Firehose"} 100.0',
        'turnfold_received_total{kind="entry",operation="Firehose"} 3.0',
        'turnfold_received_total{kind="dead",operation="Firehose"} 1.0',
        "turnfold_receive_held_bytes 7.0",
        "turnfold_receive_unacknowledged 8.0",
    ):
        assert line in text
