"""Read topics fast through librdkafka."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message
from kafka import TopicPartition

from pipeline.kafka.batches.fallback_reader import OffsetWindow, RereadMessage
from pipeline.kafka.client.fetcher import Fetcher
from pipeline.runtime.errors import TransientError, UsageError

WAIT_S = 0.1
"""Seconds to wait for the next record."""
SILENT_S = 2.5
"""Seconds of silence after which kafka-python reads on: librdkafka does not report everything that it drops."""
WINDOW_S = 2.0
"""Seconds that kafka-python has for a window; a jump in the offsets counts as real only after a while."""
UNREADABLE = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED, KafkaError._UNDERFLOW}  # noqa: SLF001 - error codes of librdkafka

Record: TypeAlias = Message | RereadMessage


class Fetched(msgspec.Struct, frozen=True):
    """Records of a partition in the order of their offsets, possibly none, and the offset to continue from."""

    records: Sequence[Record]
    next_offset: int


def read_batches(
    fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int], count: int, patience: float
) -> Iterator[Fetched]:
    """Yield what the partition holds of `span`, up to `count` records at a time, as it arrives.

    Offsets without a record (compacted, transaction markers, deleted by retention meanwhile) are skipped once they have
    been checked twice; the last `next_offset` is the span's end. A batch that cannot be read appears as one record that
    says so. An empty span yields nothing. The fetcher reads nothing else meanwhile.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more. UsageError: the
            partition has lost what follows, as a topic has that was deleted and created anew.
        KafkaException: Kafka cannot serve what follows; the block of the fetcher translates it into these.
    """
    at, end = span
    if at >= end:
        return
    fetcher.assign(partition.topic, partition.partition, at)
    last_received = time.monotonic()
    while at < end:
        records, position, stuck = _consume_messages(fetcher, partition, (at, end), fetcher.take(count, WAIT_S))
        if stuck or (position == at and time.monotonic() - last_received > SILENT_S):
            window = fetcher.fallback.window(partition, position, WINDOW_S if stuck else WAIT_S * 5)
            if window:
                records, position = [*records, *_records_between(window, position, end)], window.next_offset
            if window or stuck:
                fetcher.assign(partition.topic, partition.partition, position)
        if position > at:
            at = min(position, end)
            yield from _chunks([record for record in records if record.offset() < end], at, count)
            last_received = time.monotonic()  # not before: the caller may have taken long over the records
        elif time.monotonic() - last_received > patience:
            problem = f"Kafka has sent nothing more of {_name(partition)} for {patience:g} s, at offset {at} of {end}"
            raise TransientError(f"{problem}: {fetcher.last_error}" if fetcher.last_error else problem)


def _consume_messages(
    fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int], messages: Sequence[Message]
) -> tuple[list[Record], int, bool]:
    """Return the records that continue the span, the offset after them, and whether something there is unreadable.

    A message that reports the end has the offset to continue from. Skipped offsets are looked up.
    """
    at, end = span
    records: list[Record] = []
    for message in messages:
        error = message.error()
        if error and error.code() in UNREADABLE:
            return records, at, True
        if error and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
            raise KafkaException(error)
        offset = message.offset()
        if at >= end:
            break
        if offset < at:
            if fetcher.fallback.window(partition, at, WINDOW_S):
                return records, at, True  # one record alone has this offset
            raise UsageError(
                f"{_name(partition)} has lost its records from offset {at} on, and continues at {offset}: "
                "the topic was created anew, or Kafka has lost its newest records; start again"
            )
        if offset > at and (skipped := _skipped(fetcher, partition, at, min(offset, end))):
            return [*records, *skipped], min(offset, end), True  # librdkafka skipped them, or reports a wrong offset
        if not error:
            records.append(message)
        at = offset if error else offset + 1
    return records, at, False


def _skipped(fetcher: Fetcher, partition: TopicPartition, at: int, until: int) -> list[Record]:
    """Return records between two offsets that librdkafka has left out; usually there are none."""
    records: list[Record] = []
    while at < until:
        window = fetcher.fallback.window(partition, at, WINDOW_S)
        if window is None:
            raise TransientError(f"Kafka does not say what {_name(partition)} has between offsets {at} and {until}")
        records += _records_between(window, at, until)
        at = window.next_offset
    return records


def _records_between(window: OffsetWindow, at: int, until: int) -> list[RereadMessage]:
    return [message for message in window.records if at <= message.offset() < until]


def _chunks(records: list[Record], next_offset: int, count: int) -> Iterator[Fetched]:
    for begin in range(0, max(1, len(records)), count):
        chunk, last = records[begin : begin + count], begin + count >= len(records)
        yield Fetched(chunk, next_offset if last else chunk[-1].offset() + 1)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
