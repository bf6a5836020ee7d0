"""Batches are flushed in order, one archive beside the next rows, and acknowledged when they are written."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from agents.batcher import PreparedEvent
from agents.flush_loop import flush_all


class Flusher:
    """Two halves of a flush that note when they begin and end; names in `broken` fail, and in `dependent` wait."""

    def __init__(self, *, broken: str = "", dependent: str = "") -> None:
        self.log: list[str] = []
        self._broken, self._dependent = broken, dependent

    def depends_on(self, batches: Sequence[str], pending: str) -> bool:
        return self._dependent in batches and bool(pending)

    async def fold_and_write_rows(self, batches: Sequence[str], epoch: int) -> str:
        name = "+".join(batches)
        await self._step(f"rows {name}@{epoch}")
        return name

    async def write_archive(self, pending: str) -> None:
        await self._step(f"archive {pending}")

    async def _step(self, name: str) -> None:
        self.log.append(f"begin {name}")
        for _ in range(3):  # so that whatever may run beside it does
            await asyncio.sleep(0)
        if name == self._broken:
            raise OSError(name)
        self.log.append(f"end {name}")


class Consumer:
    """A consumer that counts blocks of processing and drops events named "stale"."""

    active = 0

    def __init__(self, log: list[str]) -> None:
        self.log = log

    @contextmanager
    def processing(self) -> Iterator[None]:
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1

    def drop_stale(self, events: list[PreparedEvent[str]]) -> list[PreparedEvent[str]]:
        return [event for event in events if event.prepared != "stale"]


def flushed(flusher: Flusher, *batches: Sequence[str]) -> list[str]:
    """Flush batches of named events; return what happened, in order."""
    consumer = Consumer(flusher.log)

    def event(name: str) -> PreparedEvent[str]:
        def ack() -> None:
            flusher.log.append(f"ack {name}")

        message = SimpleNamespace(value=[SimpleNamespace(timestamp=-1)])
        return PreparedEvent(SimpleNamespace(message=message, ack=ack), name, 1)

    async def stream() -> AsyncIterator[list[PreparedEvent[str]]]:
        for batch in batches:
            yield [event(name) for name in batch]

    @contextmanager
    def measured(records: list[Any]) -> Iterator[None]:
        flusher.log.append(f"measure {len(records)}")
        yield
        flusher.log.append(f"measured {len(records)}")

    parts: tuple[Any, Any, Any] = (stream(), flusher, consumer)
    try:
        asyncio.run(flush_all(*parts, measured, lambda: 7))
    finally:
        assert consumer.active == 0, "partitions must not be kept after the flushes"
    return flusher.log


def test_each_archive_is_written_beside_the_next_rows_and_then_acknowledged() -> None:
    log = flushed(Flusher(), ["a"], ["b", "c"])
    assert log.index("begin rows b+c@7") < log.index("end archive a")
    assert log.index("end archive a") < log.index("ack a") < log.index("begin archive b+c")
    assert log[-4:-1] == ["end archive b+c", "ack b", "ack c"]


def test_a_flush_is_measured_from_its_beginning_until_it_is_acknowledged() -> None:
    log = flushed(Flusher(), ["a"], ["b", "c"])
    assert log[:2] == ["measure 1", "begin rows a@7"]
    assert log.index("ack a") + 1 == log.index("measured 1")
    assert log[-2:] == ["ack c", "measured 2"]


def test_a_batch_that_depends_on_the_previous_one_waits_for_its_archive() -> None:
    log = flushed(Flusher(dependent="b"), ["a"], ["b"])
    assert log.index("ack a") < log.index("begin rows b@7")


def test_events_of_a_former_assignment_are_neither_written_nor_acknowledged() -> None:
    log = flushed(Flusher(), ["a", "stale", "b"])
    assert "begin rows a+b@7" in log
    assert [line for line in log if line.startswith("ack")] == ["ack a", "ack b"]


@pytest.mark.parametrize("broken", ["rows b@7", "archive b"])
def test_a_failure_is_raised_as_itself_and_acknowledges_nothing_after_it(broken: str) -> None:
    flusher = Flusher(broken=broken)
    with pytest.raises(OSError, match=broken):
        flushed(flusher, ["a"], ["b"], ["c"])
    assert "ack b" not in flusher.log
    assert "ack c" not in flusher.log
    assert "begin archive c" not in flusher.log
