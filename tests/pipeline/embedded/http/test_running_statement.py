"""A result is returned whole if it is short and streamed if not, and a statement without a client is abandoned."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from pipeline.embedded.engine import Engine
from pipeline.embedded.errors import AbandonedError, EngineError
from pipeline.embedded.handle import EngineResult, EngineStatement
from pipeline.embedded.http.compression import ResponseEncoder
from pipeline.embedded.http.running_statement import BUFFERED, ResponseAbortedError, RunningStatement

READ = EngineStatement(sql=b"SELECT 1", reads=True)
WRITE = EngineStatement(sql=b"INSERT INTO t SELECT 1")
LARGE = bytes(BUFFERED)


class FakeEngine(Engine):
    """An engine whose statements emit the same chunks, in a thread, and end in the same way."""

    def __init__(self, chunks: Sequence[bytes] = (), error: Exception | None = None) -> None:
        self._emitted, self._error = chunks, error
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.outcome = ""

    async def run(self, statement: EngineStatement, emit: Callable[[bytes], None] | None = None) -> EngineResult:
        """Emit the chunks, then return or raise."""
        assert statement in (READ, WRITE)
        assert emit is not None
        self.started.set()
        try:
            await self.go_on.wait()
            for chunk in self._emitted:
                await asyncio.to_thread(emit, chunk)
        except (AbandonedError, asyncio.CancelledError) as error:
            self.outcome = type(error).__name__
            raise
        if self._error:
            raise self._error
        self.outcome = "ended"
        return EngineResult(b".", 1, 8, 1, 0, 0, 5)


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def leaves() -> Message:
    return {"type": "http.disconnect"}


def request(receive: Callable[[], Awaitable[Message]] = stays) -> Request:
    return Request({"type": "http"}, receive)


async def stream(running: RunningStatement, sent: bytearray) -> None:
    async for chunk in running.stream(ResponseEncoder()):
        sent += chunk


def test_a_short_result_is_returned_whole_with_its_counts() -> None:
    async def use() -> None:
        result = await RunningStatement(FakeEngine([b"a", b"b"]), READ).begin(request())
        assert result == EngineResult(b"ab.", 1, 8, 1, 0, 0, 5)

    asyncio.run(use())


def test_a_long_result_is_streamed_from_its_beginning() -> None:
    async def use() -> None:
        running = RunningStatement(FakeEngine([LARGE, *[b"x"] * 50]), READ)
        assert await running.begin(request()) is None
        sent = bytearray()
        await stream(running, sent)
        assert sent == LARGE + b"x" * 50 + b"."

    asyncio.run(use())


def test_an_early_error_is_raised_and_a_late_one_ends_the_stream() -> None:
    async def use() -> None:
        error = EngineError(60, "Code: 60. DB::Exception: no table")
        with pytest.raises(EngineError, match="no table"):
            await RunningStatement(FakeEngine([b"a"], error), READ).begin(request())
        running = RunningStatement(FakeEngine([LARGE], error), READ)
        assert await running.begin(request()) is None
        sent = bytearray()
        with pytest.raises(ResponseAbortedError, match="no table"):
            await stream(running, sent)
        assert sent == LARGE + b"\nCode: 60. DB::Exception: no table\n"

    asyncio.run(use())


def test_a_read_is_cancelled_when_its_client_disconnects() -> None:
    async def use() -> None:
        engine = FakeEngine()
        engine.go_on.clear()
        running = RunningStatement(engine, READ)
        await engine.started.wait()
        with pytest.raises(ClientDisconnect):
            await running.begin(request(leaves))
        await asyncio.sleep(0)
        assert engine.outcome == "CancelledError"

    asyncio.run(use())


def test_a_write_continues_when_its_client_disconnects() -> None:
    async def use() -> None:
        engine = FakeEngine([b"a"])
        assert await RunningStatement(engine, WRITE).begin(request(leaves)) is not None
        assert engine.outcome == "ended"

    asyncio.run(use())


def test_a_stream_that_nobody_reads_to_its_end_is_abandoned() -> None:
    async def use() -> None:
        engine = FakeEngine([LARGE, *[b"x"] * 100])
        running = RunningStatement(engine, READ)
        assert await running.begin(request()) is None
        chunks = running.stream(ResponseEncoder())
        assert await anext(chunks) == LARGE
        await chunks.aclose()  # type: ignore[attr-defined] # it is a generator
        async with asyncio.timeout(10):
            while not engine.outcome:  # noqa: ASYNC110 - the engine sets no event
                await asyncio.sleep(0.01)
        assert engine.outcome in {"AbandonedError", "CancelledError"}

    asyncio.run(use())
