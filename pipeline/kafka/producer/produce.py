"""Send messages until all replicas acknowledge them, with a limit on the bytes in flight."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import HEADROOM, PATIENCE
from pipeline.kafka.producer.bulk_producer import MESSAGE_ERRORS, BulkProducer, describe_failure
from pipeline.runtime.errors import TransientError

LINGER_MS = 50
WINDOW_BYTES = 32 * 1024 * 1024
"""Bytes in flight: a sender that is faster than Kafka waits."""
ATTEMPTS = 3
"""Multiple of the request timeout after which an unacknowledged message has failed."""
SETTLE_EVERY = 1_000
"""Messages after which acknowledgements are counted."""
FULL_WAIT_S = 0.05
"""Seconds between two attempts to queue a message while the window is full."""
FLUSH_S = 0.5
"""Seconds of one step of waiting for the messages in flight."""
ANY_PARTITION = -1

Headers = Sequence[tuple[str, bytes]]


class SendFailure(msgspec.Struct, frozen=True):
    """A message that Kafka did not accept: its `origin`, as given to `send`, and why."""

    origin: str
    reason: str


class _Report(msgspec.Struct, gc=False):
    """Receives the error of one of several messages.

    There are as many reports as messages in flight; the garbage collector does not scan them.
    """

    on_failure: Callable[[str, KafkaError, Message], None]
    origin: Callable[[int], str]
    index: int

    def __call__(self, error: KafkaError, message: Message) -> None:
        self.on_failure(self.origin(self.index), error, message)


class Producer:
    """Sends without waiting, up to a window of bytes; `sent` and `failed` count the settled messages.

    librdkafka retries transient errors by itself. The settings decide whether a retry may duplicate a message, as
    duplicates and order do not matter to Turnfold.
    """

    def __init__(
        self, settings: Settings, *, on_failure: Callable[[SendFailure], None], patience: float = PATIENCE
    ) -> None:
        """Connect.

        Raises:
            TransientError: Kafka does not answer within `patience` seconds. UsageError: Kafka refuses the connection.
        """
        self._settings = settings
        self._on_failure = on_failure
        self._delivery_timeout = ATTEMPTS * patience
        self._settle_timeout = self._delivery_timeout + patience  # by then each message is sent or has failed
        self._error = ""
        self._queued = self._lost = 0
        self.failed = 0
        window = max(WINDOW_BYTES, settings.max_message_bytes + HEADROOM)
        self._kafka = BulkProducer(
            settings,
            patience,
            linger_ms=LINGER_MS,
            message_timeout_ms=int(self._delivery_timeout * 1000),
            queue_buffering_max_kbytes=window // 1024,
            delivery_report_only_error=True,
        ).kafka

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def in_flight(self) -> int:
        """Return the messages that are neither sent nor have failed yet, as far as that is known."""
        return len(self._kafka)

    @property
    def sent(self) -> int:
        """Return the messages that Kafka has acknowledged."""
        return max(0, self._queued - self._lost - self.in_flight)

    def send(  # noqa: PLR0913 - the parts of a message
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        origin: str = "",
        *,
        partition: int | None = None,
        headers: Headers = (),
        timestamp: int | None = None,
    ) -> None:
        """Queue one message; wait only while the window is full. Failures name its `origin`.

        It goes to `partition`, else to the partition of its key, else to any. `timestamp` (ms) defaults to now.

        Raises:
            TransientError: Kafka accepts no more messages; this one is not sent and not counted.
        """
        place = ANY_PARTITION if partition is None else partition
        more: dict[str, Any] = {}
        if headers:  # an empty list would cost each message a list of librdkafka's
            more["headers"] = list(headers)
        if timestamp is not None:
            more["timestamp"] = timestamp
        report = partial(self._settled, origin)
        if self._queued % SETTLE_EVERY == 0:
            self._kafka.poll(0)
        while True:
            if self._error:
                self._raise_error()
            try:
                self._kafka.produce(topic, value, key, place, report, **more)
            except BufferError:
                self._kafka.poll(FULL_WAIT_S)
            except KafkaException as error:
                self._fail(origin, error.args[0])
                return
            else:
                self._queued += 1
                return

    def send_keyed(
        self, topic: str, keys: Sequence[bytes], values: Sequence[bytes], origin: Callable[[int], str]
    ) -> int:
        """Queue messages, each to the partition of its key, in half the time of `send`; return how many.

        Those are all of them, unless Kafka accepts no more. `origin` is called with the index of a message that fails.

        Raises:
            TransientError: Kafka accepts no more messages; none is sent.
        """
        self._kafka.poll(0)
        if self._error:
            self._raise_error()
        produce, on_failure = self._kafka.produce, self._settled
        for index, (key, value) in enumerate(zip(keys, values, strict=True)):
            report = _Report(on_failure, origin, index)
            while True:
                try:
                    produce(topic, value, key, ANY_PARTITION, report)
                except BufferError:
                    self._kafka.poll(FULL_WAIT_S)
                    if self._error:
                        return index
                except KafkaException as error:
                    self._fail(origin(index), error.args[0])
                    break
                else:
                    self._queued += 1
                    break
        return len(keys)

    def flush(self) -> None:
        """Wait until every message is sent or has failed; each has a deadline, so the wait is bounded.

        Raises:
            TransientError: Kafka accepts no more messages; those in flight have been counted.
        """
        self._settle()
        if self._error:
            self._raise_error()

    def close(self) -> None:
        """Settle the messages in flight and close the connections."""
        self._settle()

    def _settle(self) -> None:
        """Wait until no message is in flight, in short steps, so that signals are handled."""
        deadline = time.monotonic() + self._settle_timeout
        while self._kafka.flush(FLUSH_S) and time.monotonic() < deadline:
            pass

    def _settled(self, origin: str, error: KafkaError, _: Message) -> None:
        """Count a message that was queued and has failed."""
        self._lost += 1
        self._fail(origin, error)

    def _fail(self, origin: str, error: KafkaError) -> None:
        self.failed += 1
        why = describe_failure(error, self._settings, self._delivery_timeout)
        self._on_failure(SendFailure(origin, why))
        if error.code() not in MESSAGE_ERRORS:
            self._error = why

    def _raise_error(self) -> None:
        servers = ",".join(self._settings.kafka)
        raise TransientError(f"Kafka at {servers} takes no more messages: {self._error}")
