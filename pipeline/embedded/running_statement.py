"""A statement that runs in a thread, and its answer, which leaves piece by piece with few of them in memory."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request

from pipeline.embedded.engine import Engine
from pipeline.embedded.errors import AbandonedError, EngineError
from pipeline.embedded.handle import EngineAnswer, EngineStatement
from pipeline.embedded.http.compression import Encoder

AHEAD = 2**20
"""Bytes of an answer that are waited for: what ends within them is answered with its summary or its error."""
PIECES = 4
TAKE_SECONDS = 60.0
"""A client that takes no piece for so long has left, and its handle is needed."""


class BrokenOffError(Exception):
    """An answer that had begun came to no end: its connection is closed, which tells the client."""


class Running:
    """One statement and its answer."""

    def __init__(self, engine: Engine, statement: EngineStatement) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(PIECES)
        self._abandoned = False
        self._reads = statement.reads
        self._begun = bytearray()
        self._task = asyncio.create_task(engine.run(statement, self._emit))

    async def begin(self, request: Request) -> EngineAnswer | None:
        """The whole answer, where it is short; None where there is more.

        A read whose client goes away is given up, a write comes to its end.

        Raises:
            Failure: the statement failed. ClientDisconnect: the client is gone.
        """
        gone = asyncio.create_task(_gone(request))
        beginning = asyncio.create_task(self._begin())
        answered = False
        try:
            await asyncio.wait([beginning, gone] if self._reads else [beginning], return_when=asyncio.FIRST_COMPLETED)
            if not beginning.done():
                raise ClientDisconnect
            answer = beginning.result()
            answered = True
        finally:
            gone.cancel()
            beginning.cancel()
            if not answered:
                self._abandon()
        return answer

    async def rest(self, encoder: Encoder) -> AsyncIterator[bytes]:
        """The answer from its beginning, encoded.

        Raises:
            BrokenOffError: the statement failed; what it says is the last that was answered.
        """
        try:
            yield encoder.encode(bytes(self._begun))
            self._begun.clear()
            while (piece := await self._next()) is not None:
                yield encoder.encode(piece)
            try:
                answer = self._task.result()
            except EngineError as failed:
                yield encoder.encode(f"\n{failed.text}\n".encode()) + encoder.finish()
                raise BrokenOffError(failed.text) from failed
            yield encoder.encode(answer.body) + encoder.finish()
        finally:
            self._abandon()

    async def _begin(self) -> EngineAnswer | None:
        while len(self._begun) < AHEAD:
            piece = await self._next()
            if piece is None:
                answer = self._task.result()
                return answer._replace(body=bytes(self._begun) + answer.body)
            self._begun += piece
        return None

    async def _next(self) -> bytes | None:
        """The next piece; None where all have come."""
        taking = asyncio.ensure_future(self._pieces.get())
        await asyncio.wait([taking, self._task], return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        taking.cancel()
        return None

    def _emit(self, piece: bytes) -> None:
        if self._abandoned:
            raise AbandonedError
        putting = asyncio.run_coroutine_threadsafe(self._pieces.put(piece), self._loop)
        try:
            putting.result(TAKE_SECONDS)
        except (TimeoutError, CancelledError):
            putting.cancel()
            raise AbandonedError from None

    def _abandon(self) -> None:
        self._abandoned = True
        while not self._pieces.empty():  # whoever waits for room goes on, and sees
            self._pieces.get_nowait()
        self._task.cancel()
        self._task.add_done_callback(_look_at)


def _look_at(done: asyncio.Task[EngineAnswer]) -> None:
    """Nobody asks for the error of an abandoned statement any more."""
    with suppress(asyncio.CancelledError):
        done.exception()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
