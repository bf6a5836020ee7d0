"""Open a consumer that librdkafka fetches for, which reads one partition after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as PartitionOffset

from pipeline.config.settings import Settings
from pipeline.kafka.batches.fallback_reader import FallbackReader
from pipeline.kafka.client.connection import PATIENCE, check_reachable, tls_context
from pipeline.kafka.client.kafka_python import translate_errors
from pipeline.kafka.client.librdkafka import client_options, is_authentication_error, log, translate_librdkafka_errors

QUEUED_KB = 40_960
"""Kilobytes that librdkafka may fetch ahead of the reader: about two batches of a replay."""
FETCH_BYTES = 8 * 1024 * 1024
"""Bytes of one fetch: 4,900 records of 1.6 KB, where librdkafka's default holds 616."""
GATHER_MS = 500
"""Milliseconds that a broker has to fill a fetch; the embedded one sends nothing if its first batch takes longer."""


class Fetcher:
    """A consumer that librdkafka fetches for in its own threads. It joins no group and commits nothing.

    `last_error` is the last error that librdkafka is retrying by itself.
    """

    def __init__(self, settings: Settings, patience: float) -> None:
        self.last_error = ""
        self.fallback = FallbackReader(settings, patience)
        self._refusal: KafkaError | None = None
        self._consumer = Consumer({**_options(settings, patience), "error_cb": self._failed}, logger=log)

    def assign(self, topic: str, number: int, offset: int) -> None:
        """Read one partition from `offset` on, and nothing else; drop what was fetched before."""
        self.last_error = ""
        self.fallback.reset()
        self._consumer.assign([PartitionOffset(topic, number, offset)])

    def take(self, count: int, wait: float) -> list[Message]:
        """Take up to `count` fetched records; if there are none, wait up to `wait` seconds for one.

        This returns no more bytes than are queued: librdkafka's own wait for `count` records has no limit in bytes.

        Raises:
            KafkaException: Kafka refuses the connection.
        """
        messages: list[Message] = self._consumer.consume(1, wait)
        if messages and count > 1:
            messages += self._consumer.consume(count - 1, 0)
        if self._refusal:
            raise KafkaException(self._refusal)
        return messages

    def close(self) -> None:
        """Close the connections."""
        self.fallback.close()
        self._consumer.close()

    def _failed(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own code; the error before it says more
            self.last_error = error.str()
        if is_authentication_error(error):
            self._refusal = error


@contextmanager
def fetcher(settings: Settings, patience: float = PATIENCE) -> Iterator[Fetcher]:
    """Open a fetcher for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer. UsageError: Kafka refuses the connection.
    """
    with translate_errors(settings), translate_librdkafka_errors(settings):
        check_reachable(settings.kafka, tls_context(settings), patience)  # librdkafka would retry without saying why
        opened = Fetcher(settings, patience)
        try:
            yield opened
        finally:
            opened.close()


def _options(settings: Settings, patience: float) -> dict[str, Any]:
    return {
        **client_options(settings, patience),
        "group.id": settings.kafka_group,  # librdkafka requires one, and looks up its coordinator
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,  # the only sign of offsets without a record at the end
        "auto.offset.reset": "earliest",  # skip what retention has deleted
        "isolation.level": "read_committed",  # as the workers do
        "check.crcs": True,
        "fetch.message.max.bytes": FETCH_BYTES,
        "fetch.wait.max.ms": GATHER_MS,
        "fetch.queue.backoff.ms": 10,  # the default checks a full queue again after a second
        "queued.max.messages.kbytes": QUEUED_KB,
    }
