"""Send the messages of many requests through one producer, and tell each request when Kafka has all of its own."""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import HEADROOM
from pipeline.kafka.producer.bulk_producer import MESSAGE_ERRORS, BulkProducer, describe_failure
from pipeline.runtime.errors import TransientError
from schemas.dead_letter import Headers

LINGER_MS = 20
ACKNOWLEDGED_S = 30.0
"""Seconds after which an unacknowledged message has failed: a broker restarts within them; Firehose waits 180."""
FULL_S = 5.0
"""Seconds that the queue may be full before messages are refused at once."""
FULL_STEP_S = 0.01
POLL_S = 0.2
CLOSE_S = 5.0


class KafkaSlowError(TransientError):
    """Kafka takes messages too slowly, or not at all: the sender should come back later."""


class OutgoingRecord(NamedTuple):
    """A message to send to the partition of its key, or to any if that is None."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class Delivery:
    """The messages of one request. `on_settled` is called, in any thread, once all are acknowledged or one has failed.

    The thread that sends counts what is sent, the thread that polls what is acknowledged, so that no lock is needed.
    """

    def __init__(self, on_settled: Callable[[], None]) -> None:
        self._on_settled = on_settled
        self._sent = self._acknowledged = 0
        self._complete = False
        self.error = ""
        """Why Kafka did not take a message; empty if it took all so far."""

    def sent(self) -> None:
        """Count a message that is about to be sent."""
        self._sent += 1

    def acknowledged(self) -> None:
        """Count a message that Kafka has."""
        self._acknowledged += 1
        if self._complete and self._acknowledged == self._sent:
            self._on_settled()

    def failed(self, error: str) -> None:
        """Record why Kafka does not take a message."""
        self.error = error
        self._on_settled()

    def complete(self) -> None:
        """End the request: nothing more will be sent."""
        self._complete = True
        if self._acknowledged == self._sent:
            self._on_settled()


Replace = Callable[[OutgoingRecord, str], OutgoingRecord | None]
"""Returns what is sent instead of a message that Kafka refuses for good, and why it does; None if that is all."""


class DeliveryProducer:
    """Sends messages of deliveries, and settles them in a thread of its own; the bytes in flight are bounded.

    It is not idempotent: duplicates change no answer, and an idempotent producer may fail for good.
    """

    def __init__(self, settings: Settings, max_bytes: int, replace: Replace) -> None:
        """Open the producer, which holds `max_bytes` at most; it need not find Kafka yet.

        Raises:
            UsageError: the settings of Kafka cannot be used.
        """
        self._settings, self._replace = settings, replace
        self._client = BulkProducer(
            settings,
            connected=False,
            enable_idempotence=False,
            linger_ms=LINGER_MS,
            message_timeout_ms=int(ACKNOWLEDGED_S * 1000),
            queue_buffering_max_kbytes=max(max_bytes, settings.max_message_bytes + HEADROOM) // 1024,
        )
        self._kafka = self._client.kafka
        self._full_since = 0.0
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="acknowledgements", daemon=True)
        self._poller.start()

    @property
    def in_flight(self) -> int:
        """Return the number of messages that Kafka has not acknowledged yet."""
        return len(self._kafka)

    def send(self, delivery: Delivery, records: Iterable[OutgoingRecord]) -> None:
        """Queue messages of `delivery`; wait while the queue is full. One thread may call this at a time.

        Raises:
            KafkaSlowError: the queue stays full; not all messages are sent.
        """
        for record in records:
            self._send(delivery, record)

    def problem(self, patience: float) -> str:
        """Return why Kafka does not answer or lacks a topic; empty if all is well."""
        try:
            topics = self._kafka.list_topics(timeout=patience).topics
        except KafkaException as error:
            return f"Kafka does not answer: {self._client.last_error or error.args[0].str()}"
        missing = [topic.name for topic in self._settings.topics if topic.name not in topics]
        return f"Kafka lacks {', '.join(missing)}; `turnfold migrate` creates what is missing" if missing else ""

    def close(self) -> None:
        """Wait a little for the messages in flight, and end the thread."""
        self._stopping.set()
        self._poller.join()
        self._kafka.flush(CLOSE_S)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._kafka.poll(POLL_S)

    def _send(self, delivery: Delivery, record: OutgoingRecord) -> None:
        delivery.sent()
        while not self._queue(delivery, record):
            now = time.monotonic()
            self._full_since = self._full_since or now
            if now - self._full_since > FULL_S:
                raise KafkaSlowError(f"Kafka has not taken events for {FULL_S:g} s; send this again later")
            time.sleep(FULL_STEP_S)  # the other thread settles messages, which makes room
        self._full_since = 0.0

    def _queue(self, delivery: Delivery, record: OutgoingRecord) -> bool:
        """Queue a message, or what is to be sent instead, and return True; return False if the queue is full."""
        kept = record if record.headers else None  # librdkafka returns a failed message, but without its headers
        more: dict[str, Any] = {"headers": record.headers} if kept else {}
        try:
            settle = partial(self._settle, delivery, kept)
            self._kafka.produce(record.topic, record.value, record.key, on_delivery=settle, **more)
        except BufferError:
            return False
        except KafkaException as error:
            why, instead = self._refused(record, error.args[0])
            if instead is not None:
                return self._queue(delivery, instead)
            delivery.failed(why)
        return True

    def _settle(self, delivery: Delivery, kept: OutgoingRecord | None, error: KafkaError | None, sent: Message) -> None:
        """Count a message as settled, or queue what is to be sent instead of it."""
        if error is None:
            delivery.acknowledged()
            return
        why, instead = self._refused(kept or OutgoingRecord(sent.topic(), sent.key(), sent.value(), []), error)
        if instead is None or not self._queue(delivery, instead):
            delivery.failed(why)

    def _refused(self, record: OutgoingRecord, error: KafkaError) -> tuple[str, OutgoingRecord | None]:
        """Return why Kafka does not take a message, and what is to be sent instead."""
        why = describe_failure(error, self._settings, ACKNOWLEDGED_S)
        return why, self._replace(record, why) if error.code() in MESSAGE_ERRORS else None
