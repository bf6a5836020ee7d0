"""Trouble that passes is waited for, with growing pauses; faults are not."""

import asyncio

import pytest

from pipeline import retry
from pipeline.errors import TransientError


def test_it_goes_on_until_it_is_done(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0001)
    troubles = [TransientError(f"away {n}") for n in range(6)]

    async def action() -> str:
        if troubles:
            raise troubles.pop(0)
        return "done"

    assert asyncio.run(retry.until_done(action, "the store")) == "done"
    assert len(caplog.records) == 6
    assert "the store: away 5" in caplog.text


def test_a_fault_passes_through_at_once() -> None:
    async def action() -> None:
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        asyncio.run(retry.until_done(action, "the store"))


def test_waiting_can_be_cancelled() -> None:
    async def action() -> None:
        raise TransientError("away")

    async def cancelled() -> None:
        waiting = asyncio.create_task(retry.until_done(action, "the store"))
        await asyncio.sleep(0)
        waiting.cancel()
        await waiting

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
