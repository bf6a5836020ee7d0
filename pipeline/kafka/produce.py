"""Messages in, acknowledged by all replicas or counted as failed, with a bound on how many are under way."""

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
"""Messages of 1.6 KB to the embedded broker, two cores: 1 MB 60-70 k/s, 256 KB 52 k/s, 64 KB 27 k/s."""
LINGER_MS = 50
WINDOW_BYTES = 32 * 1024 * 1024
"""Values sent and not yet acknowledged: kafka-python's own buffer has no bound."""
ATTEMPTS = 3
"""Times the patience for one request that a message has to be acknowledged; then it is given up."""
IN_FLIGHT = 100
"""Requests at a time: where few are allowed and none is answered, kafka-python's thread spins."""
IN_FLIGHT_IDEMPOTENT = 5
"""As many as Kafka can put in order again."""

OF_THE_MESSAGE = (
    CorruptRecordError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""Errors that this message meets and the next one need not."""


Headers = Sequence[tuple[str, bytes]]


class SendFailure(msgspec.Struct, frozen=True):
    """A message that Kafka did not take: `origin` as `send` was told, and why."""

    origin: str
    reason: str


class Producer:
    """Sends without waiting, up to a window of bytes; `sent` and `failed` count what has been decided.

    kafka-python retries what passes, in the meantime and on its own. Whether a retry may double a message is
    the settings' choice: duplicates and order do not matter to Turnfold.
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
        self._under_way: deque[tuple[FutureRecordMetadata, int, str]] = deque()
        self._bytes = 0
        self._delivery = ATTEMPTS * patience
        self._decided = self._delivery + patience  # by then each message is sent or given up
        self._trouble = ""
        self.sent = 0
        self.failed = 0
        self._kafka = open_producer(
            settings,
            patience,
            batch_size=min(BATCH_BYTES, settings.max_message_bytes),
            linger_ms=LINGER_MS,
            delivery_timeout_ms=int(self._delivery * 1000),
            max_in_flight_requests_per_connection=IN_FLIGHT_IDEMPOTENT if settings.kafka_idempotence else IN_FLIGHT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(  # noqa: PLR0913 - a message has so many parts
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
        """Hand one message over; waits only while the window is full. Failures name its `origin`.

        It goes to `partition`, else to that of its key, else to any. Without a `timestamp` (ms) it is of now.

        Raises:
            TransientError: Kafka takes nothing any more; this message is not sent and not counted.
        """
        self._settle_decided()
        while self._bytes + len(value) > self._window and self._under_way:
            self._settle_oldest(self._decided)
        self._raise_trouble()
        try:
            future = self._kafka.send(
                topic, value=value, key=key, partition=partition, headers=list(headers), timestamp_ms=timestamp
            )
        except OF_THE_MESSAGE as error:
            self._fail(origin, error)
            return
        except KafkaError:
            with translate_errors(self._settings):
                raise
        self._under_way.append((future, len(value), origin))
        self._bytes += len(value)

    def flush(self) -> None:
        """Wait until every message is sent or has failed: that is bounded, as each has its time.

        Raises:
            TransientError: Kafka takes nothing any more; what was under way has been counted.
        """
        deadline = time.monotonic() + 2 * self._decided
        with suppress(KafkaTimeoutError):  # whatever is late will be found so below
            self._kafka.flush(self._decided)
        while self._under_way:
            self._settle_oldest(max(0.0, deadline - time.monotonic()))
        self._raise_trouble()

    def close(self) -> None:
        """Give the connections back, once what is under way is decided."""
        try:
            self._kafka.close(timeout=self._decided)
        except BaseException:
            # it would try once more when it is collected, and once more when the process ends
            self._kafka._unregister_cleanup()  # noqa: SLF001 - kafka-python has no public way to give up
            self._kafka._sender.force_close()  # noqa: SLF001 - as above
            self._kafka._closed = True  # noqa: SLF001 - as above
            raise

    def _settle_decided(self) -> None:
        while self._under_way and self._under_way[0][0].is_done:
            self._settle_oldest(0)

    def _settle_oldest(self, seconds: float) -> None:
        future, size, origin = self._under_way[0]
        try:
            future.get(seconds)
        except KafkaError as error:
            self._fail(origin, error)
        else:
            self.sent += 1
        self._under_way.popleft()
        self._bytes -= size

    def _fail(self, origin: str, error: BaseException) -> None:
        self.failed += 1
        late = isinstance(error, KafkaTimeoutError)
        why = f"not acknowledged within {self._delivery:g} s" if late else reason(error)
        self._on_failure(SendFailure(origin, why))
        if not isinstance(error, OF_THE_MESSAGE):
            self._trouble = why

    def _raise_trouble(self) -> None:
        if self._trouble:
            servers = ",".join(self._settings.kafka)
            raise TransientError(f"Kafka at {servers} takes no more messages: {self._trouble}")
