"""Send messages by producers that differ in everything that producers differ in, while brokers come and go."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from confluent_kafka import KafkaException, Producer
from kafka import KafkaProducer
from kafka.errors import KafkaError

from pipeline.config.settings import Settings
from tests.chaos.messages import Message

PARTITIONERS = ("consistent_random", "murmur2_random", "fnv1a_random", "random")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
TIMEOUT_S = 20.0
"""Seconds within which a message is acknowledged, or has failed."""
LARGEST = 16 * 1024 * 1024
TRANSACTION_MS = 8000
"""Seconds after which Kafka aborts an open transaction."""
REOPENED_WITHIN = 300.0


class Acknowledged(NamedTuple):
    """A message that Kafka has acknowledged, with its place."""

    message: Message
    topic: str
    partition: int
    offset: int


class Sender(Protocol):
    """A producer of any kind."""

    def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Send messages and return those that Kafka has acknowledged; it may have written others, too."""


class ByLibrdkafka:
    """Uses one partitioner, and one codec after the other."""

    def __init__(self, settings: Settings, partitioner: str, *, idempotent: bool) -> None:
        self._options = {**common(settings), "partitioner": partitioner, "enable.idempotence": idempotent}
        self._opened = 0
        self._open()

    def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Send a batch to each partition, and start again if one has failed."""
        done = produce(self._producer, messages)
        if len(done) < len(messages) or self._opened % 3 == 0:
            self._open()
        return done

    def _open(self) -> None:
        codec = CODECS[self._opened % len(CODECS)]
        self._opened += 1
        self._producer = Producer({**self._options, "compression.codec": codec})


class ByKafkaPython:
    """Uses the partitioner of Java's client, in kafka-python."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened = 0

    def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Send with another codec each time."""
        codec = CODECS[self._opened % len(CODECS)]
        self._opened += 1
        try:
            producer = KafkaProducer(
                bootstrap_servers=list(self._settings.kafka),
                compression_type=None if codec == "none" else codec,
                acks="all",
                max_request_size=LARGEST,
                delivery_timeout_ms=int(TIMEOUT_S * 1000),
                request_timeout_ms=int(TIMEOUT_S * 1000 / 2),
            )
        except KafkaError:
            return []
        try:
            return self._send(producer, messages)
        finally:
            producer.close(timeout=1)

    @staticmethod
    def _send(producer: KafkaProducer, messages: Sequence[Message]) -> list[Acknowledged]:
        done = []
        try:
            sent = [(one, producer.send(one.topic, value=one.value, key=one.key)) for one in messages]
            producer.flush(TIMEOUT_S)
        except KafkaError:
            return []
        for message, future in sent:
            if future.succeeded():
                at = future.value
                done.append(Acknowledged(message, at.topic, at.partition, at.offset))
        return done


class Transactions:
    """Commits transactions; messages of aborted ones never count, whatever happens in between."""

    def __init__(self, settings: Settings, name: str, partitioner: str, codec: str) -> None:
        timeout = {"transaction.timeout.ms": TRANSACTION_MS, "message.timeout.ms": TRANSACTION_MS}
        options = {**common(settings), "partitioner": partitioner, "compression.codec": codec}
        self._options = {**options, **timeout, "transactional.id": name}
        self.committed = self.aborted = self.abandoned = 0
        self._open()

    def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Commit all messages or none; return none if the outcome is uncertain."""
        done = self._attempt(messages, lambda: self._producer.commit_transaction(TIMEOUT_S))
        self.committed += bool(done)
        return done

    def abort(self, messages: Sequence[Message]) -> None:
        """Send messages and abort the transaction."""
        self._attempt(messages, lambda: self._producer.abort_transaction(TIMEOUT_S))
        self.aborted += 1

    def abandon(self, messages: Sequence[Message]) -> None:
        """Send messages as a process that dies in the middle: until Kafka aborts them, nobody reads what follows
        them."""
        abandoned = Producer({**self._options, "transactional.id": f"abandoned-{id(self)}-{self.abandoned}"})
        try:
            abandoned.init_transactions(TIMEOUT_S)
            abandoned.begin_transaction()
        except KafkaException:
            return
        produce(abandoned, messages)
        self.abandoned += 1

    def _attempt(self, messages: Sequence[Message], end: Callable[[], None]) -> list[Acknowledged]:
        try:
            self._producer.begin_transaction()
            done = produce(self._producer, messages)
            if len(done) == len(messages):
                end()
                return done
        except KafkaException:
            pass
        self._open()
        return []

    def _open(self) -> None:
        """Replace the previous producer, whose open transaction is aborted thereby."""
        deadline = time.monotonic() + REOPENED_WITHIN
        while True:
            self._producer = Producer(self._options)
            try:
                self._producer.init_transactions(TIMEOUT_S)
            except KafkaException:
                assert time.monotonic() < deadline, "Kafka begins no more transactions"
                time.sleep(0.5)
            else:
                return


def common(settings: Settings) -> dict[str, object]:
    """Return the configuration of all producers of librdkafka."""
    return {
        "bootstrap.servers": ",".join(settings.kafka),
        "acks": "all",
        "linger.ms": 5,
        "message.max.bytes": LARGEST,
        "message.timeout.ms": int(TIMEOUT_S * 1000),
        "topic.metadata.refresh.interval.ms": 5000,  # each learns of new partitions at another time
        "log_level": 0,
    }


def produce(producer: Producer, messages: Sequence[Message]) -> list[Acknowledged]:
    """Produce them, and wait until each is acknowledged or has failed."""
    done: list[Acknowledged] = []

    def on_delivery_of(message: Message) -> Callable[[object, object], None]:
        def tell(error: object, record: object) -> None:
            if error is None:
                done.append(Acknowledged(message, record.topic(), record.partition(), record.offset()))  # type: ignore[attr-defined] # it has no public type

        return tell

    for message in messages:
        producer.produce(message.topic, value=message.value, key=message.key, on_delivery=on_delivery_of(message))
    producer.flush(2 * TIMEOUT_S)
    return done
