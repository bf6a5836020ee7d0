"""Read topics fast, through librdkafka."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as PartitionOffset
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.batches.fallback_reader import FallbackReader, OffsetWindow, RereadMessage
from pipeline.kafka.client import CLIENT_ID, DEMANDS, PATIENCE, translate_errors
from pipeline.kafka.connectivity import check_reachable
from pipeline.kafka.security import librdkafka_access, tls_context
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
        self.fallback = FallbackReader(settings, patience)
        self._refusal: KafkaError | None = None
        self._consumer = Consumer({**_options(settings, patience), "error_cb": self._failed}, logger=log)

    def assign(self, topic: str, number: int, offset: int) -> None:
        """Read a partition from there on, and nothing else; what was fetched before is dropped."""
        self.trouble = ""
        self.fallback.reset()
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
        self.fallback.close()
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
    with translate_errors(settings), _translate_errors(settings):
        check_reachable(
            settings.kafka, tls_context(settings), patience
        )  # librdkafka would go on trying, and not say much
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
def _translate_errors(settings: Settings) -> Iterator[None]:
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


WAIT_S = 0.1
SILENT_S = 2.5
"""Where nothing has come for so long, another client is asked: librdkafka does not tell of all that it drops."""
WINDOW_S = 2.0
"""What the other client has for it; a jump in the offsets is real only after a while."""
UNREADABLE = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED, KafkaError._UNDERFLOW}  # noqa: SLF001 - librdkafka's own codes

Record: TypeAlias = Message | RereadMessage


class Fetched(msgspec.Struct, frozen=True):
    """Records of a partition in the order of their offsets, and the offset to go on from; there may be no records."""

    records: Sequence[Record]
    next_offset: int


def read_batches(
    fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int], count: int, patience: float
) -> Iterator[Fetched]:
    """What the partition holds of `span`, at most `count` records at a time: what has come, without waiting for more.

    Offsets without a record (compacted, transaction markers, taken by retention meanwhile) are stepped over once
    they have been looked at twice; the last `next_offset` is the span's end. A batch that cannot be read is there as
    one record that says so. An empty span yields nothing. The fetcher reads nothing else meanwhile.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more. UsageError: the
            partition has lost what follows, as a topic has that was deleted and made anew.
        KafkaException: Kafka cannot give what follows; the block of the fetcher sorts it into these.
    """
    at, end = span
    if at >= end:
        return
    fetcher.assign(partition.topic, partition.partition, at)
    came = time.monotonic()
    while at < end:
        records, position, stuck = _follow(fetcher, partition, (at, end), fetcher.take(count, WAIT_S))
        if stuck or (position == at and time.monotonic() - came > SILENT_S):
            more = fetcher.fallback.window(partition, position, WINDOW_S if stuck else WAIT_S * 5)
            if more:
                records, position = [*records, *_between(more, position, end)], more.next_offset
            if more or stuck:
                fetcher.assign(partition.topic, partition.partition, position)
        if position > at:
            at = min(position, end)
            yield from _lists([one for one in records if one.offset() < end], at, count)
            came = time.monotonic()  # not before: whoever takes the records may take their time
        elif time.monotonic() - came > patience:
            silence = f"Kafka has sent nothing more of {_name(partition)} for {patience:g} s, at offset {at} of {end}"
            raise TransientError(f"{silence}: {fetcher.trouble}" if fetcher.trouble else silence)


def _follow(
    fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int], messages: Sequence[Message]
) -> tuple[list[Record], int, bool]:
    """The records among the messages, which begin the span; where they end; and whether something there is unreadable.

    The message that tells of the end has the offset to go on from. Offsets that are skipped are looked for.
    """
    at, end = span
    records: list[Record] = []
    for one in messages:
        error = one.error()
        if error and error.code() in UNREADABLE:
            return records, at, True
        if error and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
            raise KafkaException(error)
        offset = one.offset()
        if at >= end:
            break
        if offset < at:
            if fetcher.fallback.window(partition, at, WINDOW_S):
                return records, at, True  # only this record says so
            raise UsageError(
                f"{_name(partition)} has lost its records from offset {at} on, and goes on at {offset}: "
                "the topic was made anew, or Kafka has lost its newest records; begin again"
            )
        if offset > at and (found := _skipped(fetcher, partition, at, min(offset, end))):
            return [*records, *found], min(offset, end), True  # librdkafka has left them out, or has this offset wrong
        if not error:
            records.append(one)
        at = offset if error else offset + 1
    return records, at, False


def _skipped(fetcher: Fetcher, partition: TopicPartition, at: int, until: int) -> list[Record]:
    """Records that are there between two offsets although librdkafka was given none; most often there are none."""
    found: list[Record] = []
    while at < until:
        window = fetcher.fallback.window(partition, at, WINDOW_S)
        if window is None:
            raise TransientError(f"Kafka does not tell what {_name(partition)} has between offsets {at} and {until}")
        found += _between(window, at, until)
        at = window.next_offset
    return found


def _between(window: OffsetWindow, at: int, until: int) -> list[RereadMessage]:
    return [one for one in window.records if at <= one.offset() < until]


def _lists(records: list[Record], next_offset: int, count: int) -> Iterator[Fetched]:
    for begin in range(0, max(1, len(records)), count):
        some, last = records[begin : begin + count], begin + count >= len(records)
        yield Fetched(some, next_offset if last else some[-1].offset() + 1)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
