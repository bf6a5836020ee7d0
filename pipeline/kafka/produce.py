"""Send messages until all replicas acknowledge them, with a limit on the bytes in flight."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

import msgspec
from kafka.errors import (
    CorruptRecordError,
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from kafka.producer.future import FutureRecordMetadata

from pipeline.config.settings import Settings
from pipeline.kafka.client import PATIENCE, open_producer, translate_errors
from pipeline.kafka.connectivity import reason
from pipeline.runtime.errors import TransientError

BATCH_BYTES = 1_000_000
"""Bytes of a batch. Messages of 1.6 KB, embedded broker, two cores: 1 MB 60-70 k/s, 256 KB 52 k/s, 64 KB 27 k/s."""
LINGER_MS = 50
WINDOW_BYTES = 32 * 1024 * 1024
"""Bytes of values in flight: kafka-python's own buffer has no limit."""
ATTEMPTS = 3
"""Multiple of the request timeout after which an unacknowledged message has failed."""
IN_FLIGHT = 100
"""Requests in flight: if few are allowed and none is answered, kafka-python's thread spins."""
IN_FLIGHT_IDEMPOTENT = 5
"""The most requests that Kafka can put back in order."""

MESSAGE_ERRORS = (
    CorruptRecordError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""Errors of one message that the next one need not meet."""


Headers = Sequence[tuple[str, bytes]]


class SendFailure(msgspec.Struct, frozen=True):
    """A message that Kafka did not accept: its `origin`, as given to `send`, and why."""

    origin: str
    reason: str


class Producer:
    """Sends without waiting, up to a window of bytes; `sent` and `failed` count the settled messages.

    kafka-python retries transient errors by itself. The settings decide whether a retry may duplicate a message, as
    duplicates and order do not matter to Turnfold.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_failure: Callable[[SendFailure], None],
        window: int = WINDOW_BYTES,
        patience: float = PATIENCE,
    ) -> None:
        self._settings = settings
        self._on_failure = on_failure
        self._window = window
        self._in_flight: deque[tuple[FutureRecordMetadata, int, str]] = deque()
        self._bytes = 0
        self._delivery_timeout = ATTEMPTS * patience
        self._settle_timeout = self._delivery_timeout + patience  # by then each message is sent or has failed
        self._error = ""
        self.sent = 0
        self.failed = 0
        self._kafka = open_producer(
            settings,
            patience,
            batch_size=min(BATCH_BYTES, settings.max_message_bytes),
            linger_ms=LINGER_MS,
            delivery_timeout_ms=int(self._delivery_timeout * 1000),
            max_in_flight_requests_per_connection=IN_FLIGHT_IDEMPOTENT if settings.kafka_idempotence else IN_FLIGHT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        self._settle_done()
        while self._bytes + len(value) > self._window and self._in_flight:
            self._settle_oldest(self._settle_timeout)
        self._raise_error()
        try:
            future = self._kafka.send(
                topic, value=value, key=key, partition=partition, headers=list(headers), timestamp_ms=timestamp
            )
        except MESSAGE_ERRORS as error:
            self._fail(origin, error)
            return
        except KafkaError:
            with translate_errors(self._settings):
                raise
        self._in_flight.append((future, len(value), origin))
        self._bytes += len(value)

    def flush(self) -> None:
        """Wait until every message is sent or has failed; each has a deadline, so the wait is bounded.

        Raises:
            TransientError: Kafka accepts no more messages; those in flight have been counted.
        """
        deadline = time.monotonic() + 2 * self._settle_timeout
        with suppress(KafkaTimeoutError):  # the loop below settles late messages
            self._kafka.flush(self._settle_timeout)
        while self._in_flight:
            self._settle_oldest(max(0.0, deadline - time.monotonic()))
        self._raise_error()

    def close(self) -> None:
        """Settle the messages in flight and close the connections."""
        try:
            self._kafka.close(timeout=self._settle_timeout)
        except BaseException:
            # else it would try again when it is garbage-collected, and when the process ends
            self._kafka._unregister_cleanup()  # noqa: SLF001 - kafka-python has no public way to abort
            self._kafka._sender.force_close()  # noqa: SLF001 - as above
            self._kafka._closed = True  # noqa: SLF001 - as above
            raise

    def _settle_done(self) -> None:
        while self._in_flight and self._in_flight[0][0].is_done:
            self._settle_oldest(0)

    def _settle_oldest(self, seconds: float) -> None:
        future, size, origin = self._in_flight[0]
        try:
            future.get(seconds)
        except KafkaError as error:
            self._fail(origin, error)
        else:
            self.sent += 1
        self._in_flight.popleft()
        self._bytes -= size

    def _fail(self, origin: str, error: BaseException) -> None:
        self.failed += 1
        late = isinstance(error, KafkaTimeoutError)
        why = f"not acknowledged within {self._delivery_timeout:g} s" if late else reason(error)
        self._on_failure(SendFailure(origin, why))
        if not isinstance(error, MESSAGE_ERRORS):
            self._error = why

    def _raise_error(self) -> None:
        if self._error:
            servers = ",".join(self._settings.kafka)
            raise TransientError(f"Kafka at {servers} takes no more messages: {self._error}")
