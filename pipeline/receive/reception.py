"""Check the keys of requests, read their bodies while they arrive, and wait until Kafka has what was in them.

Nothing grows with the number or the size of requests: each holds one part and one incomplete record, all of them
together a limited number of bytes, and one thread unpacks one part at a time. Whoever comes while the limits are
reached waits a little, without his body being read, and is then told to come back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request

from pipeline.auth.authenticator import AccessControl, check_right
from pipeline.http.errors import BusyError
from pipeline.http.middleware.request_context import AuditRecord, request_context
from pipeline.kafka.producer.deliveries import ACKNOWLEDGED_S, Delivery, KafkaSlowError
from pipeline.metrics.http import ReceiveMetrics
from pipeline.receive.errors import RECEIVER, BodyLateError
from pipeline.receive.publisher import PublishCounts
from schemas.access_key import Right

MAX_REQUESTS = 64
"""Requests whose bodies are read at the same time."""
WAIT_S = 10.0
"""Seconds that a request waits for its turn."""
PART_BYTES = 256 * 1024
"""Bytes of a body that are unpacked at once: fewer would cost more switches between threads."""
IDLE_S = 15.0
"""Seconds within which more of a body must arrive."""
BODY_S = 150.0
"""Seconds for a whole body; Firehose waits 180 for the answer."""
SETTLE_S = ACKNOWLEDGED_S + 5.0
"""Seconds within which each message is acknowledged or has failed."""
Result = TypeVar("Result")


class BodyReader(Protocol):
    """Reads one body, and sends what is in it. It is called in a thread, one call at a time."""

    counts: PublishCounts

    @property
    def held(self) -> int:
        """Return the bytes that it keeps until more of the body arrives."""

    def feed(self, part: bytes) -> None:
        """Read the next part of the body."""

    def finish(self) -> None:
        """Read what is left, as the body is complete."""


class Reception:
    """The requests that are being received, and their limits."""

    def __init__(self, max_bytes: int) -> None:
        """Hold at most `max_bytes` of bodies, besides what waits for Kafka."""
        self._max_bytes = max_bytes
        self._slots = asyncio.Semaphore(MAX_REQUESTS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="unpack")
        self.held = 0
        """Bytes of bodies that are kept now."""

    async def receive(
        self, chunks: AsyncIterator[bytes], open_reader: Callable[[Delivery], BodyReader]
    ) -> PublishCounts:
        """Read a body with the reader that `open_reader` returns; return what Kafka has acknowledged.

        Raises:
            BodyError: the body is not what its path takes, or does not arrive in time.
            BusyError: too much is being received.
            KafkaSlowError: Kafka does not acknowledge everything in time.
        """
        loop, settled = asyncio.get_running_loop(), asyncio.Event()

        def on_settled() -> None:
            loop.call_soon_threadsafe(settled.set)

        delivery = Delivery(on_settled)
        async with self._slot():
            reader = open_reader(delivery)
            await self._read(chunks, reader)
            await self._run(reader.finish)
            await self._run(delivery.complete)
            try:
                async with asyncio.timeout(SETTLE_S):
                    await settled.wait()
            except TimeoutError:
                raise KafkaSlowError(f"Kafka has not acknowledged everything within {SETTLE_S:g} s") from None
        if delivery.error:
            raise KafkaSlowError(f"Kafka does not take everything: {delivery.error}")
        return reader.counts

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise BusyError(f"{MAX_REQUESTS} requests are being received already; send this again later") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _read(self, chunks: AsyncIterator[bytes], reader: BodyReader) -> None:
        deadline, held, part = asyncio.get_running_loop().time() + BODY_S, 0, bytearray()
        try:
            while (chunk := await _next_chunk(chunks, deadline)) is not None:
                part += chunk
                held = self._hold(held, len(part) + reader.held)
                if len(part) >= PART_BYTES:
                    await self._run(partial(reader.feed, bytes(part)))
                    part.clear()
                    held = self._hold(held, reader.held)
            await self._run(partial(reader.feed, bytes(part)))
        finally:
            self.held -= held

    def _hold(self, before: int, now: int) -> int:
        """Count the bytes that one request keeps now, and return them."""
        if now > before and self.held + now - before > self._max_bytes:
            raise BusyError(f"{self._max_bytes} bytes are being received already; send this again later")
        self.held += now - before
        return now

    async def _run(self, step: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


async def _next_chunk(chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
    """Return the next bytes of a body, None at its end.

    Raises:
        BodyLateError: they do not come in time.
    """
    left = deadline - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(min(IDLE_S, left)):
            return await anext(chunks, None)
    except TimeoutError:
        raise BodyLateError(
            f"the body does not arrive: each part of it must within {IDLE_S:g} s, all of it within {BODY_S:g} s"
        ) from None


class AuthorizedReception:
    """What all operations of the receiver have in common."""

    def __init__(self, access: AccessControl, reception: Reception, metrics: ReceiveMetrics) -> None:
        self._access, self._reception, self._metrics = access, reception, metrics

    def authorize(self, request: Request, operation: str, token_of: Callable[[Headers], str]) -> None:
        """Check the access key of a request before anything of its body is read.

        Raises:
            DeniedError: there is no key, or none that may write. KeysUnavailableError: no key can be checked.
        """
        context = request_context(request.scope)
        context.operation, context.error_codes = operation, RECEIVER
        context.audit = AuditRecord(operation)
        key = self._access.authenticate_token(lambda: token_of(request.headers))
        context.audit.key = key.id
        check_right(key, Right.WRITE)

    async def receive(
        self, request: Request, operation: str, open_reader: Callable[[Delivery], BodyReader]
    ) -> PublishCounts:
        """Receive the body of a request that was let in, and return what Kafka has acknowledged.

        Raises:
            BodyError, BusyError, KafkaSlowError: as `Reception.receive`.
        """
        counts = await self._reception.receive(self._counted(request.stream(), operation), open_reader)
        self._metrics.kept(operation, counts.entries, counts.dead)
        if audit := request_context(request.scope).audit:
            audit.rows = counts.entries
        return counts

    async def _counted(self, chunks: AsyncIterator[bytes], operation: str) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self._metrics.received(operation, len(chunk))
            yield chunk
