"""Messages are sent until Kafka has them; what is too large is replaced, and what is refused is returned."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import msgspec

from agents.app import App, create_app
from agents.producer import OutgoingMessage, RetryingProducer, dead_letter_message
from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.topics import create_topics
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.sockets import free_port
from schemas.dead_letter import DeadLetter
from tests.broker_matrix import ON_EMBEDDED

LETTER = DeadLetter("not-json", "at 0", "intake", "turns.raw", 3, 17, b"x" * 100)
PATIENCE = 30.0


def with_producer(settings: Settings, act: Callable[[RetryingProducer], Awaitable[Any]], metrics: WorkerMetrics) -> Any:
    """Run `act` with a worker's producer, which is stopped afterwards."""

    async def run() -> Any:
        app: App = create_app(settings)
        try:
            return await act(RetryingProducer(app, metrics.kafka))
        finally:
            await app.producer.stop()

    return asyncio.run(run())


def values(settings: Settings, topic: str) -> list[bytes]:
    with open_consumer(settings) as consumer:
        return sorted(record.value for record in read(consumer, spans_of(consumer, topic, PATIENCE), PATIENCE))


def test_a_dead_letter_is_sent_with_its_payload_and_where_it_came_from() -> None:
    message = dead_letter_message(LETTER, Settings())
    assert (message.topic, message.key, message.value) == (Settings().topic_dead, None, LETTER.payload)
    assert DeadLetter.from_record(message.value, message.headers) == LETTER


def test_a_payload_above_the_limit_is_truncated_at_once() -> None:
    message = dead_letter_message(LETTER, Settings(max_message_bytes=60))
    assert DeadLetter.from_record(message.value, message.headers) == LETTER.truncate(60)


def test_a_dead_letter_that_does_not_fit_is_halved_until_nothing_is_left() -> None:
    sizes = []
    message: OutgoingMessage | None = dead_letter_message(LETTER, Settings())
    while message is not None:
        kept = DeadLetter.from_record(message.value, message.headers)
        assert len(kept.payload) + (kept.lacking or 0) == len(LETTER.payload)
        sizes.append(len(kept.payload))
        message = message.instead() if message.instead else None
    assert sizes == [100, 50, 25, 12, 6, 3, 1, 0]


@ON_EMBEDDED
def test_all_messages_are_there_and_those_too_large_are_replaced(kafka_settings: Settings) -> None:
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=1_000)
    create_topics(settings)
    numbers = count()

    def too_large() -> OutgoingMessage:
        """One that shrinks only at its second replacement."""
        value = b"y" * 500_000 if next(numbers) == 0 else b"small"
        return OutgoingMessage(settings.topic_turns, b"k", value, [], instead=too_large)

    messages = [
        OutgoingMessage(settings.topic_turns, b"k", b"first", []),
        OutgoingMessage(settings.topic_turns, b"k", b"x" * 500_000, [], instead=too_large),
        OutgoingMessage(settings.topic_turns, b"k", b"last", []),
    ]
    replaced = with_producer(settings, lambda producer: producer.send(messages), WorkerMetrics())
    assert replaced == {1}
    assert values(settings, settings.topic_turns) == [b"first", b"last", b"small"]


@ON_EMBEDDED
def test_a_message_that_is_refused_for_its_size_is_returned_and_stops_no_other(kafka_settings: Settings) -> None:
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=1_000)
    create_topics(settings)
    messages = [OutgoingMessage(settings.topic_turns, b"k", value, []) for value in (b"a", bytes(500_000), b"b")]
    metrics = WorkerMetrics()
    assert with_producer(settings, lambda producer: producer.send_accepted(messages), metrics) == [1]
    assert values(settings, settings.topic_turns) == [b"a", b"b"]
    assert metrics.kafka.problem == ""


def test_nothing_is_sent_for_no_messages() -> None:
    unreachable = Settings(kafka=(f"127.0.0.1:{free_port()}",))
    assert with_producer(unreachable, lambda producer: producer.send([]), WorkerMetrics()) == set()
