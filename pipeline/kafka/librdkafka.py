"""Settings in, a librdkafka consumer with bounded patience out; what it raises sorted into ours."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as PartitionOffset

from pipeline.config.settings import Settings
from pipeline.kafka.access import librdkafka_access, tls_context
from pipeline.kafka.client import CLIENT_ID, DEMANDS, PATIENCE, sorted_errors
from pipeline.kafka.network import knock
from pipeline.kafka.second_look import SecondLook
from pipeline.runtime.errors import TransientError, UsageError

QUEUED_KB = 65_536
"""What librdkafka may have fetched that nobody has taken yet: about two batches of a replay."""
FETCH_BYTES = 8 * 1024 * 1024
"""Of one fetch: 4,900 records of 1.6 KB, where librdkafka's default holds 616."""
GATHER_MS = 500
"""What a broker has to fill a fetch; the embedded one sends nothing at all if its first batch takes longer."""
LEAST_SETUP_MS = 1000
"""librdkafka gives no connection less than this to be made."""
REFUSED = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}  # noqa: SLF001 - librdkafka's own codes
FORBIDDEN = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}
log = logging.getLogger("librdkafka")


class Fetcher:
    """A consumer that librdkafka fetches for, in threads of its own. It joins no group and commits nothing.

    It remembers the last `trouble` that librdkafka is trying to get over by itself.
    """

    def __init__(self, settings: Settings, patience: float) -> None:
        self.trouble = ""
        self.second = SecondLook(settings, patience)
        self._refusal: KafkaError | None = None
        self._consumer = Consumer({**_options(settings, patience), "error_cb": self._failed}, logger=log)

    def assign(self, topic: str, number: int, offset: int) -> None:
        """Read a partition from there on, and nothing else; what was fetched before is dropped."""
        self.trouble = ""
        self.second.forget()
        self._consumer.assign([PartitionOffset(topic, number, offset)])

    def take(self, count: int, wait: float) -> list[Message]:
        """What has come, `count` at most; where nothing has, the first that comes within `wait` seconds, if any does.

        Never more bytes than were queued: with librdkafka's own waiting for `count`, nothing would bound them.

        Raises:
            KafkaException: Kafka refuses us.
        """
        messages: list[Message] = self._consumer.consume(1, wait)
        if messages and count > 1:
            messages += self._consumer.consume(count - 1, 0)
        if self._refusal:
            raise KafkaException(self._refusal)
        return messages

    def close(self) -> None:
        """Give the connections back."""
        self.second.close()
        self._consumer.close()

    def _failed(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - as above; it says less than what it follows
            self.trouble = error.str()
        if _demanding(error):
            self._refusal = error


@contextmanager
def fetcher(settings: Settings, patience: float = PATIENCE) -> Iterator[Fetcher]:
    """A fetcher for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer. UsageError: it refuses us.
    """
    with sorted_errors(settings), _sorted_errors(settings):
        knock(settings.kafka, tls_context(settings), patience)  # librdkafka would go on trying, and not say much
        opened = Fetcher(settings, patience)
        try:
            yield opened
        finally:
            opened.close()


def _options(settings: Settings, patience: float) -> dict[str, Any]:
    patience_ms = int(patience * 1000)
    return {
        **librdkafka_access(settings),
        "bootstrap.servers": ",".join(settings.kafka),
        "client.id": CLIENT_ID,
        "group.id": settings.kafka_group,  # librdkafka wants one, and asks who coordinates it
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,  # the only word of offsets without a record at the end
        "auto.offset.reset": "earliest",  # what retention took away is stepped over
        "isolation.level": "read_committed",  # as workers read
        "check.crcs": True,
        "fetch.message.max.bytes": FETCH_BYTES,
        "fetch.wait.max.ms": GATHER_MS,
        "fetch.queue.backoff.ms": 10,  # a full queue is looked at again after a second by default
        "queued.max.messages.kbytes": QUEUED_KB,
        "socket.timeout.ms": max(patience_ms, LEAST_SETUP_MS),
        "socket.connection.setup.timeout.ms": max(patience_ms, LEAST_SETUP_MS),
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.propagation.max.ms": patience_ms // 2,  # the topic is there, or it was deleted
        "enable.metrics.push": False,
    }


@contextmanager
def _sorted_errors(settings: Settings) -> Iterator[None]:
    """What confluent_kafka raises in the block, as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        yield
    except KafkaException as raised:
        error: KafkaError = raised.args[0]
        if _demanding(error):
            raise UsageError(
                f"Kafka at {servers} does not let us in ({error.str()}): {DEMANDS} should be what it demands"
            ) from raised
        if error.code() in FORBIDDEN or error.code() == KafkaError._INVALID_ARG:  # noqa: SLF001 - as above
            raise UsageError(f"Kafka at {servers} refuses: {error.str()}") from raised
        raise TransientError(f"Kafka at {servers} cannot give what is asked for: {error.str()}") from raised


def _demanding(error: KafkaError) -> bool:
    """Whether user, password or certificate are not what Kafka demands."""
    alerted = "alert" in error.str() and "certificate" in error.str()  # the server's was fine: we have knocked
    return alerted or error.code() in REFUSED
