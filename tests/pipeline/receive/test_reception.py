"""Bodies that come too slowly, too many or too large at once: each limit ends in an answer, and frees what it held."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from pipeline.http.errors import BusyError
from pipeline.kafka.producer.deliveries import Delivery, KafkaSlowError
from pipeline.receive import reception
from pipeline.receive.errors import BodyError, BodyLateError
from pipeline.receive.publisher import PublishCounts
from pipeline.receive.reception import PART_BYTES, Reception


class Reader:
    """Keeps the parts that it is fed."""

    def __init__(self, delivery: Delivery, held: int = 0) -> None:
        self.counts, self.held, self.parts, self.delivery = PublishCounts(entries=1), held, list[bytes](), delivery

    def feed(self, part: bytes) -> None:
        self.parts.append(part)

    def finish(self) -> None:
        """Nothing is left."""


async def body(*chunks: bytes, then: float = 0.0) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    await asyncio.sleep(then)


def received(
    chunks: AsyncIterator[bytes], reader: Callable[[Delivery], Reader] = Reader, max_bytes: int = 10_000_000
) -> list[bytes]:
    readers: list[Reader] = []

    def opened(delivery: Delivery) -> Reader:
        readers.append(reader(delivery))
        return readers[0]

    async def receive() -> None:
        limits = Reception(max_bytes)
        try:
            assert (await limits.receive(chunks, opened)).entries == 1
        finally:
            assert limits.held == 0
            limits.close()

    asyncio.run(receive())
    return readers[0].parts


def test_a_body_is_read_in_parts() -> None:
    parts = received(body(*[b"x" * 50_000] * 20))
    assert b"".join(parts) == b"x" * 1_000_000
    assert all(PART_BYTES <= len(part) < PART_BYTES + 50_000 for part in parts[:-1])


def test_a_body_that_stops_half_way_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "IDLE_S", 0.05)
    with pytest.raises(BodyLateError, match=r"within 0.05 s"):
        received(body(b"half", then=60))


def test_a_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "BODY_S", 0.2)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    with pytest.raises(BodyLateError, match="all of it"):
        received(trickle())


def test_bytes_that_are_kept_are_limited() -> None:
    with pytest.raises(BusyError, match="1000 bytes"):
        received(body(b"x" * 600, b"x" * 600), max_bytes=1000)
    with pytest.raises(BusyError):
        received(body(b"x"), lambda delivery: Reader(delivery, held=1000), max_bytes=1000)


def test_what_the_reader_refuses_frees_what_it_held() -> None:
    class Refusing(Reader):
        def finish(self) -> None:
            raise BodyError("no")

    with pytest.raises(BodyError):
        received(body(b"x"), Refusing)


def test_requests_beyond_the_limit_wait_and_are_then_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "MAX_REQUESTS", 1)
    monkeypatch.setattr(reception, "WAIT_S", 0.1)

    async def two() -> None:
        limits = Reception(1_000_000)
        first = asyncio.create_task(limits.receive(body(b"x", then=0.5), Reader))
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError, match="already"):
            await limits.receive(body(b"x"), Reader)
        await first
        await limits.receive(body(b"x"), Reader)
        limits.close()

    asyncio.run(two())


def test_an_answer_waits_for_every_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "SETTLE_S", 0.1)

    class Sending(Reader):
        def feed(self, _: bytes) -> None:
            self.delivery.sent()

    with pytest.raises(KafkaSlowError, match="not acknowledged"):
        received(body(b"x"), Sending)

    class Failing(Sending):
        def finish(self) -> None:
            self.delivery.failed("no replicas")

    with pytest.raises(KafkaSlowError, match="no replicas"):
        received(body(b"x"), Failing)

    class Acknowledged(Sending):
        def finish(self) -> None:
            self.delivery.acknowledged()

    received(body(b"x"), Acknowledged)
