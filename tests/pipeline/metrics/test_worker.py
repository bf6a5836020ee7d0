"""Metrics of a worker start at 0, count what is done and nothing that failed, and have every reason."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import Reason
from schemas.dead_letter import DeadLetter


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics()


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"turnfold_{name}", labels)


def records(count: int, age: int = 0) -> list[Any]:
    return [SimpleNamespace(timestamp=now_ms() - age) for _ in range(count)]


def test_a_batch_is_counted_once_written(metrics: WorkerMetrics) -> None:
    assert value(metrics, "records_total", agent="intake") == 0
    with metrics.batches.flush("intake", records(3)):
        assert value(metrics, "records_total", agent="intake") == 0
    assert value(metrics, "records_total", agent="intake") == 3
    assert value(metrics, "batches_total", agent="intake") == 1
    assert value(metrics, "flush_seconds_count", agent="intake") == 1
    assert value(metrics, "freshness_seconds_count", agent="intake") == 3
    assert value(metrics, "records_total", agent="conversations") == 0


def test_a_failed_batch_is_not_counted(metrics: WorkerMetrics) -> None:
    with pytest.raises(KeyError), metrics.batches.flush("conversations", records(3)):
        raise KeyError("a fault")
    assert value(metrics, "batches_total", agent="conversations") == 0


def test_an_empty_batch_is_not_counted(metrics: WorkerMetrics) -> None:
    with metrics.batches.flush("conversations", []):
        pass
    assert value(metrics, "batches_total", agent="conversations") == 0


def test_freshness_is_the_age_of_the_record(metrics: WorkerMetrics) -> None:
    with metrics.batches.flush("conversations", records(2, age=45_000)):
        pass
    assert value(metrics, "freshness_seconds_bucket", agent="conversations", le="30.0") == 0
    assert value(metrics, "freshness_seconds_bucket", agent="conversations", le="60.0") == 2


def test_every_reason_has_a_series_before_it_is_met(metrics: WorkerMetrics) -> None:
    for reason in Reason:
        for agent in ("intake", "conversations"):
            assert value(metrics, "dead_letters_total", agent=agent, reason=reason.value) == 0
    letter = DeadLetter(Reason.EMPTY.value, "", "intake", "turns.raw", 0, 0, b"")
    metrics.dead("intake", [letter, letter])
    assert value(metrics, "dead_letters_total", agent="intake", reason="empty") == 2


def test_conversations_rows_and_events_of_a_batch_are_counted(metrics: WorkerMetrics) -> None:
    metrics.folding.resolved(memory=4, archive=2, new=1)
    metrics.folding.written(rows=8, new=9, known=1, held=7)
    sources = {source: value(metrics, "conversations_total", source=source) for source in ("memory", "archive", "new")}
    assert sources == {"memory": 4, "archive": 2, "new": 1}
    assert value(metrics, "rows_total", table="conversations") == 8
    assert value(metrics, "rows_total", table="turns") == 9
    assert value(metrics, "events_total", novelty="new") == 9
    assert value(metrics, "events_total", novelty="known") == 1
    assert value(metrics, "memory_conversations") == 7


def test_commits_are_timed_by_outcome(metrics: WorkerMetrics) -> None:
    assert value(metrics, "commit_seconds_count", outcome="failed") == 0
    metrics.offsets.committed(0.2, done=True)
    metrics.offsets.committed(5.0, done=False)
    assert value(metrics, "commit_seconds_sum", outcome="done") == 0.2
    assert value(metrics, "commit_seconds_count", outcome="failed") == 1


def test_forgotten_events_are_counted_from_0_on(metrics: WorkerMetrics) -> None:
    assert value(metrics, "forgotten_total") == 0
    for events in (3, 0, 2):
        metrics.folding.forgot(events)
    assert value(metrics, "forgotten_total") == 5
