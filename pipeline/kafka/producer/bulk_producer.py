"""Open librdkafka's producer, which sends from threads of its own, and tell which errors are those of a message."""

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import (
    HEADROOM,
    PATIENCE,
    check_reachable,
    tls_context,
    translate_connection_errors,
)
from pipeline.kafka.client.librdkafka import client_options, is_authentication_error, log, translate_librdkafka_errors
from schemas.topics import PartitionerName

BATCH_BYTES = 1_000_000
"""Bytes of a batch: with 1.6 KB a message, 600 of them share the cost of a request."""
PARTITIONERS: dict[PartitionerName, str] = {
    "murmur2": "murmur2_random",
    "crc32": "consistent_random",
    "fnv1a": "fnv1a_random",
}
"""librdkafka's names of the hashes; a message without a key goes to any partition."""
MESSAGE_ERRORS = {
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
}
"""Errors of one message that the next one need not meet."""
TIMED_OUT = KafkaError._MSG_TIMED_OUT  # noqa: SLF001 - an error code of librdkafka
CONNECT_S = 0.5
"""Seconds of one attempt to get Kafka's metadata; between two, librdkafka reports what went wrong."""


class BulkProducer:
    """librdkafka's producer as `kafka`; `last_error` is the last error that librdkafka is retrying itself."""

    def __init__(
        self, settings: Settings, patience: float = PATIENCE, *, connected: bool = True, **options: Any
    ) -> None:
        """Open a producer; `options` are librdkafka's own, with underscores for dots.

        Unless it is to be `connected`, it need not find Kafka now: librdkafka goes on looking for it.

        Raises:
            TransientError: Kafka does not answer within `patience` seconds. UsageError: Kafka refuses the connection,
                or the settings cannot be used.
        """
        self.last_error = ""
        self._refusal: KafkaError | None = None
        with translate_connection_errors(settings), translate_librdkafka_errors(settings):
            tls = tls_context(settings)  # reports errors in the files
            if connected:
                check_reachable(settings.kafka, tls, patience)  # librdkafka would retry without a word
            self.kafka = Producer(
                {
                    **_options(settings, patience),
                    **{name.replace("_", "."): value for name, value in options.items()},
                    "error_cb": self._failed,
                },
                logger=log,
            )
            if connected:
                self._connect(patience)

    def _connect(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                self.kafka.list_topics(timeout=min(CONNECT_S, patience))
            except KafkaException:
                self.kafka.poll(0)  # reports errors of the connection
                if self._refusal:
                    raise KafkaException(self._refusal) from None
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def _failed(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - as above; the error before it says more
            self.last_error = error.str()
        if is_authentication_error(error):
            self._refusal = error


def _options(settings: Settings, patience: float) -> dict[str, Any]:
    return {
        **client_options(settings, patience),
        "acks": "all",
        "enable.idempotence": settings.kafka_idempotence,
        "partitioner": PARTITIONERS[settings.partitioner],
        "batch.size": min(BATCH_BYTES, settings.max_message_bytes),
        "batch.num.messages": BATCH_BYTES,
        "message.max.bytes": settings.max_message_bytes + HEADROOM,
        "queue.buffering.max.messages": 0,  # bytes are limited instead
        "request.timeout.ms": int(patience * 1000),
    }


def describe_failure(error: KafkaError, settings: Settings, seconds: float) -> str:
    """Return why a message was not sent; `seconds` are those in which Kafka had to acknowledge it."""
    if error.code() == TIMED_OUT:
        return f"not acknowledged within {seconds:g} s"
    if error.code() in {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}:
        return f"larger than Kafka takes; TURNFOLD_MAX_MESSAGE_BYTES is {settings.max_message_bytes}"
    return str(error.str())
