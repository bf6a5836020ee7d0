"""Run a statement in a thread and stream its result, with few chunks in memory at a time."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request

from pipeline.embedded.engine import Engine
from pipeline.embedded.errors import AbandonedError, EngineError
from pipeline.embedded.handle import EngineResult, EngineStatement
from pipeline.embedded.http.compression import ResponseEncoder

BUFFERED = 2**20
"""Bytes of a result that are read before the response starts: a shorter one has a summary, or an error status."""
MAX_CHUNKS = 4
"""Chunks that wait for the client."""
CHUNK_SECONDS = 60.0
"""Seconds after which a client that reads no chunk counts as disconnected: its handle is needed."""


class ResponseAbortedError(Exception):
    """The statement failed after the response had started; closing the connection tells the client."""


class RunningStatement:
    """One statement and its result."""

    def __init__(self, engine: Engine, statement: EngineStatement) -> None:
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(MAX_CHUNKS)
        self._abandoned = False
        self._reads = statement.reads
        self._buffer = bytearray()
        self._task = asyncio.create_task(engine.run(statement, self._emit))

    async def begin(self, request: Request) -> EngineResult | None:
        """Return the whole result if it is short, or None if it has to be streamed.

        If the client disconnects, a read is cancelled, and a write continues to its end.

        Raises:
            EngineError: the statement failed.
            ClientDisconnect: the client has disconnected.
        """
        disconnect = asyncio.create_task(_wait_for_disconnect(request))
        first = asyncio.create_task(self._read_first())
        completed = False
        try:
            await asyncio.wait([first, disconnect] if self._reads else [first], return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                raise ClientDisconnect
            result = first.result()
            completed = True
        finally:
            disconnect.cancel()
            first.cancel()
            if not completed:
                self._abandon()
        return result

    async def stream(self, encoder: ResponseEncoder) -> AsyncIterator[bytes]:
        """Yield the whole result, encoded.

        Raises:
            ResponseAbortedError: the statement failed; the last chunk is its error message.
        """
        try:
            yield encoder.encode(bytes(self._buffer))
            self._buffer.clear()
            while (chunk := await self._next()) is not None:
                yield encoder.encode(chunk)
            try:
                result = self._task.result()
            except EngineError as error:
                yield encoder.encode(f"\n{error.text}\n".encode()) + encoder.finish()
                raise ResponseAbortedError(error.text) from error
            yield encoder.encode(result.body) + encoder.finish()
        finally:
            self._abandon()

    async def _read_first(self) -> EngineResult | None:
        while len(self._buffer) < BUFFERED:
            chunk = await self._next()
            if chunk is None:
                result = self._task.result()
                return result._replace(body=bytes(self._buffer) + result.body)
            self._buffer += chunk
        return None

    async def _next(self) -> bytes | None:
        """Return the next chunk, or None after the last one."""
        get = asyncio.ensure_future(self._chunks.get())
        await asyncio.wait([get, self._task], return_when=asyncio.FIRST_COMPLETED)
        if get.done():
            return get.result()
        get.cancel()
        return None

    def _emit(self, chunk: bytes) -> None:
        if self._abandoned:
            raise AbandonedError
        put = asyncio.run_coroutine_threadsafe(self._chunks.put(chunk), self._loop)
        try:
            put.result(CHUNK_SECONDS)
        except (TimeoutError, CancelledError):
            put.cancel()
            raise AbandonedError from None

    def _abandon(self) -> None:
        self._abandoned = True
        while not self._chunks.empty():  # a thread that waits for room continues, and ends
            self._chunks.get_nowait()
        self._task.cancel()
        self._task.add_done_callback(_ignore_error)


def _ignore_error(done: asyncio.Task[EngineResult]) -> None:
    """Retrieve the error of an abandoned statement, so that asyncio does not log it."""
    with suppress(asyncio.CancelledError):
        done.exception()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
