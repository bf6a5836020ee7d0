"""A partition and a span of offsets in; its records in lists out, fetched by librdkafka."""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message
from kafka import TopicPartition

from pipeline.errors import TransientError, UsageError
from pipeline.kafka.librdkafka import Fetcher

WAIT_S = 0.1


class Fetched(msgspec.Struct, frozen=True):
    """Records of a partition in the order of their offsets, and the offset to go on from; there may be no records."""

    records: list[Message]
    next_offset: int


def read_batches(
    fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int], count: int, patience: float
) -> Iterator[Fetched]:
    """What the partition holds of `span`, at most `count` records at a time: what has come, without waiting for more.

    Offsets without a record (compacted, transaction markers, taken by retention meanwhile) are stepped over; the
    last `next_offset` is the span's end. An empty span yields nothing. The fetcher reads nothing else meanwhile.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more. UsageError: the
            partition has lost what follows, as a topic has that was deleted and made anew.
        KafkaException: Kafka cannot give what follows; the block of the fetcher sorts it into these.
    """
    at, end = span
    if at >= end:
        return
    fetcher.assign(partition.topic, partition.partition, at)
    deadline = time.monotonic() + patience
    while at < end:
        messages = fetcher.take(count, WAIT_S)
        position = _position(partition, at, messages)
        if position > at:
            at = min(position, end)
            yield Fetched([one for one in messages if not one.error() and one.offset() < end], at)
            deadline = time.monotonic() + patience  # not before: whoever takes the records may take their time
        elif time.monotonic() > deadline:
            silence = f"Kafka has sent nothing more of {_name(partition)} for {patience:g} s, at offset {at} of {end}"
            raise TransientError(f"{silence}: {fetcher.trouble}" if fetcher.trouble else silence)


def _position(partition: TopicPartition, at: int, messages: Sequence[Message]) -> int:
    """The offset behind the messages, which follow `at`; the one that tells of the end has the offset to go on from.

    Any other that is no record stands for some that cannot be read: they must not be stepped over.
    """
    for error in filter(None, (one.error() for one in messages)):
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
            raise KafkaException(error)
    offsets: list[int] = [at, *(one.offset() for one in messages)]
    for before, offset in pairwise(offsets):
        if offset < before:
            raise UsageError(
                f"{_name(partition)} has lost its records from offset {before} on, and goes on at {offset}: "
                "the topic was made anew, or Kafka has lost its newest records; begin again"
            )
    return offsets[-1] if not messages or messages[-1].error() else offsets[-1] + 1


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
