"""Limit access keys across processes: one process keeps the limits, the others ask it for slots over a socket."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from pipeline.auth.errors import ThrottledError
from pipeline.auth.rate_limit import WAIT_S, KeySlots
from schemas.access_key import AccessKey

PATIENCE_S = 2 * WAIT_S
"""Seconds after which a process that keeps the limits does not answer any more: it answers within WAIT_S."""
UNREACHABLE = "the process that limits requests does not answer; try again in a moment"


class Enter(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Asks for a slot of a key. `request` is unique among those of the process; None stands for the default."""

    request: int
    key: str
    rate: float | None
    concurrent: int | None


class Leave(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Gives a slot back, or asks for it no more."""

    request: int


class SlotAnswer(msgspec.Struct, frozen=True, array_like=True):
    """Grants a slot, or says why there is none, and how many seconds to wait."""

    request: int
    refusal: str = ""
    after: int = 0


_encode = msgspec.json.Encoder().encode
_decode_question = msgspec.json.Decoder(Enter | Leave).decode
_decode_verdict = msgspec.json.Decoder(SlotAnswer).decode


class SlotKeeper:
    """Grants the slots of `limits` to other processes. Those of a process that has ended are free at once."""

    def __init__(self, limits: KeySlots) -> None:
        self._limits = limits

    async def serve(self, connected: socket.socket) -> None:
        """Answer one process until it closes the connection."""
        reader, writer = await asyncio.open_connection(sock=connected)
        held: dict[int, asyncio.Task[None]] = {}
        try:
            with suppress(ConnectionError):
                while (line := await reader.readline()).endswith(b"\n"):  # else it died in mid-write
                    self._answer(_decode_question(line), held, writer)
        finally:
            for task in held.values():
                task.cancel()
            await asyncio.gather(*held.values(), return_exceptions=True)
            writer.close()

    def _answer(
        self, question: Enter | Leave, held: dict[int, asyncio.Task[None]], writer: asyncio.StreamWriter
    ) -> None:
        number = question.request
        if isinstance(question, Enter):
            held[number] = asyncio.create_task(self._hold(question, writer))
            held[number].add_done_callback(lambda _: held.pop(number, None))
        elif task := held.get(number):
            task.cancel()

    async def _hold(self, asked: Enter, writer: asyncio.StreamWriter) -> None:
        """Wait for a slot, and hold it until this task is cancelled."""
        key = AccessKey(
            id=asked.key, name="", bots=(), rights=(), created=0, rate=asked.rate, concurrent=asked.concurrent
        )
        try:
            async with self._limits.slot(key):
                _send(writer, SlotAnswer(asked.request))
                await asyncio.Event().wait()
        except ThrottledError as error:
            _send(writer, SlotAnswer(asked.request, str(error), error.after))


class SharedRateLimits:
    """Limits that another process keeps for this one and others."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[SlotAnswer]] = {}
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, connected: socket.socket) -> asyncio.Task[None]:
        """Ask over this socket from now on; the task ends when the other process closes it."""
        reader, self._writer = await asyncio.open_connection(sock=connected)
        return asyncio.create_task(self._receive(reader, self._writer))

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while (line := await reader.readline()).endswith(b"\n"):
                    self._decide(_decode_verdict(line))
        finally:
            self._writer = None
            writer.close()
            for number in list(self._asked):
                self._decide(SlotAnswer(number, UNREACHABLE, 1))

    def _decide(self, verdict: SlotAnswer) -> None:
        asked = self._asked.get(verdict.request)
        if asked and not asked.done():
            asked.set_result(verdict)

    @asynccontextmanager
    async def slot(self, key: AccessKey, /) -> AsyncIterator[None]:
        """Wait for one of the key's concurrent requests and hold it for the length of the block.

        Raises:
            ThrottledError: the key exceeds its rate, or too many of its requests wait already.
        """
        if self._writer is None:
            raise ThrottledError(UNREACHABLE)
        number = next(self._numbers)
        verdict = self._asked[number] = asyncio.get_running_loop().create_future()
        _send(self._writer, Enter(number, key.id, key.rate, key.concurrent))
        try:
            await self._wait(verdict)
            yield
        finally:
            del self._asked[number]
            if self._writer is not None:
                _send(self._writer, Leave(number))

    async def _wait(self, verdict: asyncio.Future[SlotAnswer]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await verdict
        except TimeoutError:
            raise ThrottledError(UNREACHABLE) from None
        if answer.refusal:
            raise ThrottledError(answer.refusal, answer.after)


def _send(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    """Send a line; the messages of a request are few and small, and its requests are bounded."""
    writer.write(_encode(message) + b"\n")
