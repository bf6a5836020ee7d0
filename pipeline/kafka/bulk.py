"""A partition and a span of offsets in; its records in lists out, fetched by librdkafka."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message
from kafka import TopicPartition

from pipeline.kafka.librdkafka import Fetcher
from pipeline.kafka.second_look import Again, Window
from pipeline.runtime.errors import TransientError, UsageError

WAIT_S = 0.1
SILENT_S = 2.5
"""Where nothing has come for so long, another client is asked: librdkafka does not tell of all that it drops."""
WINDOW_S = 2.0
"""What the other client has for it; a jump in the offsets is real only after a while."""
UNREADABLE = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED, KafkaError._UNDERFLOW}  # noqa: SLF001 - librdkafka's own codes

Record: TypeAlias = Message | Again


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
            more = fetcher.second.window(partition, position, WINDOW_S if stuck else WAIT_S * 5)
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
            if fetcher.second.window(partition, at, WINDOW_S):
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
        window = fetcher.second.window(partition, at, WINDOW_S)
        if window is None:
            raise TransientError(f"Kafka does not tell what {_name(partition)} has between offsets {at} and {until}")
        found += _between(window, at, until)
        at = window.next_offset
    return found


def _between(window: Window, at: int, until: int) -> list[Again]:
    return [one for one in window.records if at <= one.offset() < until]


def _lists(records: list[Record], next_offset: int, count: int) -> Iterator[Fetched]:
    for begin in range(0, max(1, len(records)), count):
        some, last = records[begin : begin + count], begin + count >= len(records)
        yield Fetched(some, next_offset if last else some[-1].offset() + 1)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
