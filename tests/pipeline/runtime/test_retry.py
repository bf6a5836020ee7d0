"""Trouble that passes is waited for, with growing pauses; faults are not."""

import asyncio

import pytest

from pipeline.metrics.dependency_status import DependencyStatus
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime import retry
from pipeline.runtime.errors import TransientError


def watch() -> DependencyStatus:
    return WorkerMetrics().clickhouse


def test_it_goes_on_until_it_is_done(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0001)
    troubles = [TransientError(f"away {n}") for n in range(6)]

    async def action() -> str:
        if troubles:
            raise troubles.pop(0)
        return "done"

    assert asyncio.run(retry.retry_forever(action, "the store", watch())) == "done"
    assert len(caplog.records) == 6
    assert "the store: away 5" in caplog.text


def test_a_fault_passes_through_at_once() -> None:
    async def action() -> None:
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        asyncio.run(retry.retry_forever(action, "the store", watch()))


def test_waiting_can_be_cancelled() -> None:
    async def action() -> None:
        raise TransientError("away")

    async def cancelled() -> None:
        waiting = asyncio.create_task(retry.retry_forever(action, "the store", watch()))
        await asyncio.sleep(0)
        waiting.cancel()
        await waiting

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_what_it_waits_for_is_known_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0001)
    metrics, seen = WorkerMetrics(), []

    async def action() -> None:
        seen.append((metrics.clickhouse.problem, value(metrics, "turnfold_waiting")))
        if len(seen) < 3:
            raise TransientError(f"away {len(seen)}")

    asyncio.run(retry.retry_forever(action, "the store", metrics.clickhouse))
    assert seen == [("", 0), ("the store: away 1", 1), ("the store: away 2", 1)]
    assert metrics.clickhouse.problem == ""
    assert (value(metrics, "turnfold_waiting"), value(metrics, "turnfold_retries_total")) == (0, 2)
    assert metrics.registry.get_sample_value("turnfold_retries_total", {"service": "kafka"}) == 0


def value(metrics: WorkerMetrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"service": "clickhouse"})
