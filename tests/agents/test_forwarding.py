"""Strays are forwarded unchanged to their partition, and no record is forwarded forever."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from kafka.consumer.fetcher import ConsumerRecord

from agents.app import App, create_app
from agents.forwarding import HEADER_BYTES, Forwarder
from agents.producer import OutgoingMessage, RetryingProducer
from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.topics import create_topics
from pipeline.materialise.turn_records import Stray, stray_of
from pipeline.metrics.worker import WorkerMetrics
from schemas.topics import DAY_MS, FORWARDED, times_forwarded
from tests.broker_matrix import ON_APACHE, on_both
from tests.events import turn
from tests.pipeline.kafka.producing import now

PATIENCE = 30.0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What needs a broker runs on both."""
    on_both(metafunc)


class Found(msgspec.Struct):
    """A record of the turns topic."""

    value: bytes | None
    partition: int = 0
    headers: Sequence[tuple[str, bytes]] = ()
    topic: str = "turns"
    offset: int = 0
    timestamp: int = -1
    topic_id: str = ""


def with_app(settings: Settings, act: Callable[[App], Awaitable[Any]]) -> Any:
    """What `act` comes to with a worker's producer, which is stopped afterwards."""

    async def run() -> Any:
        app = create_app(settings)
        try:
            return await act(app)
        finally:
            await app.producer.stop()

    return asyncio.run(run())


def records(settings: Settings) -> list[ConsumerRecord]:
    with open_consumer(settings) as consumer:
        return list(read(consumer, spans_of(consumer, settings.topic_turns, PATIENCE), PATIENCE))


def forwarded(settings: Settings, strays: Sequence[Stray], metrics: WorkerMetrics) -> list[Stray]:
    async def forward(app: App) -> list[Stray]:
        return await Forwarder(settings.topic_turns, RetryingProducer(app, metrics.kafka), metrics).forward(strays)

    refused: list[Stray] = with_app(settings, forward)
    return refused


def stray(record: Found, partition: int, session: str = "s") -> Stray:
    made = stray_of(record, turn(session_id=session), record.value or b"", partition)
    assert made is not None
    return made


def test_a_record_goes_to_its_partition_with_its_bytes_its_time_and_its_headers(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    stamp = now() - DAY_MS
    headers = [("traceparent", b"00-1"), (FORWARDED, b"2"), ("traceparent", b"00-2")]
    large = [("large", b"x" * (HEADER_BYTES + 1))]
    strays = [
        stray(Found(b"first", 0, headers, timestamp=stamp), 3),
        stray(Found(b"second", 1, large), 2, session="é"),
    ]
    metrics = WorkerMetrics()
    assert forwarded(kafka_settings, strays, metrics) == []
    second, first = sorted(records(kafka_settings), key=lambda record: record.partition)
    assert (first.partition, first.key, first.value, first.timestamp) == (3, b"s", b"first", stamp)
    assert first.headers == [("traceparent", b"00-1"), ("traceparent", b"00-2"), (FORWARDED, b"3")]
    assert (second.partition, second.key, second.headers) == (2, "é".encode(), [(FORWARDED, b"1")])
    assert metrics.registry.get_sample_value("turnfold_misplaced_total", {"outcome": "forwarded"}) == 2


@ON_APACHE
def test_what_kafka_refuses_for_good_is_given_back_and_stops_nothing(kafka_settings: Settings) -> None:
    """A compressed batch may hold what does not fit as it is; the embedded broker takes whatever comes."""
    create_topics(msgspec.structs.replace(kafka_settings, max_message_bytes=100_000))
    noise = random.Random(1).randbytes  # noqa: S311 - no secret is made of it
    strays = [stray(Found(noise(size)), 1) for size in (10, 200_000, 20, 9_000_000)]
    strays.append(stray(Found(b"x" * 200_000), 3))
    metrics = WorkerMetrics()
    assert forwarded(kafka_settings, strays, metrics) == [strays[1], strays[3]]
    found = sorted((len(record.value), record.partition) for record in records(kafka_settings))
    assert found == [(10, 1), (20, 1), (200_000, 3)], "what fits once it is compressed is sent"
    assert metrics.registry.get_sample_value("turnfold_misplaced_total", {"outcome": "kept"}) == 2


def test_a_partition_that_is_gone_is_no_reason_to_wait(kafka_settings: Settings) -> None:
    """Whoever meets the record in another one forwards it once more."""
    create_topics(kafka_settings)
    metrics = WorkerMetrics()

    async def send(app: App) -> None:
        message = OutgoingMessage(kafka_settings.topic_turns, b"s", b"v", [], partition=9)
        await RetryingProducer(app, metrics.kafka).send([message])

    with_app(kafka_settings, send)
    assert [record.partition for record in records(kafka_settings)] == [9 % 4]


@pytest.mark.parametrize(
    ("headers", "times"),
    [((), 0), ([(FORWARDED, b"7")], 7), ([(FORWARDED, b"x"), (FORWARDED, b"")], 0), ([(FORWARDED, b"9" * 99)], 0),
     ([(FORWARDED, None), ("other", b"3")], 0)],
)  # fmt: skip
def test_a_header_that_is_not_ours_counts_as_none(headers: Any, times: int) -> None:
    assert times_forwarded(headers) == times
