"""Offsets of partitions: their bounds, and those between two times."""

import time
from collections.abc import Collection, Iterator

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.kafka.client import Reader
from pipeline.runtime.errors import TransientError, UsageError

POLL_MS = 100


def bounds(
    consumer: Reader, partitions: Collection[TopicPartition], patience: float
) -> dict[TopicPartition, tuple[int, int]]:
    """(beginning, end) of each partition; the consumer is left assigned to them, somewhere near their ends.

    The end is the last stable offset of a fetch: the high watermark, or where a transaction begins that is still open.
    Asking for the latest offset instead would be wrong on brokers that answer with the first one of the last batch;
    as the place to fetch from, that answer is right on all.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    if not partitions:
        return {}
    deadline = time.monotonic() + patience
    wait_ms = int(patience * 1000)
    begins = consumer.beginning_offsets(partitions, timeout_ms=wait_ms)
    last_batches = consumer.end_offsets(partitions, timeout_ms=wait_ms)
    consumer.unsubscribe()  # else it would remember ends that it was told before
    consumer.assign(list(partitions))
    consumer.ends.clear()
    for partition in partitions:
        consumer.seek(partition, last_batches[partition])
    waiting = set(partitions)
    while waiting:
        consumer.poll(timeout_ms=POLL_MS)
        waiting -= consumer.ends.keys()
        if waiting and time.monotonic() > deadline:
            late = ", ".join(sorted(f"{p.topic}/{p.partition}" for p in waiting))
            raise TransientError(f"Kafka has not told the end of {late} within {patience:g} s")
    return {p: (begins[p], max(begins[p], consumer.ends[p].stable)) for p in partitions}


Spans = dict[TopicPartition, tuple[int, int]]
"""Partition -> the first offset, and the one after the last."""


def spans_of(consumer: Reader, topic: str, patience: float) -> Spans:
    """What each partition of `topic` holds now; nothing where there is no such topic.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    numbers = consumer.partitions_for_topic(topic) or set()
    return bounds(consumer, [TopicPartition(topic, number) for number in numbers], patience)


def newest(spans: Spans, count: int) -> Spans:
    """The last offsets of `spans`, `count` in all, as many of each partition."""
    share = -(-count // max(1, len(spans)))
    return {partition: (max(beginning, end - share), end) for partition, (beginning, end) in spans.items()}


def read(consumer: Reader, spans: Spans, patience: float) -> Iterator[ConsumerRecord]:
    """Every record of `spans`.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more.
    """
    ahead = {partition: span for partition, span in spans.items() if span[0] < span[1]}
    consumer.assign(list(ahead))
    for partition, (beginning, _) in ahead.items():
        consumer.seek(partition, beginning)
    deadline = time.monotonic() + patience
    while ahead:
        if time.monotonic() > deadline:
            late = ", ".join(sorted(f"{p.topic}/{p.partition}" for p in ahead))
            raise TransientError(f"Kafka has sent nothing more of {late} for {patience:g} s")
        for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
            yield from (record for record in records if record.offset < spans[partition][1])
            deadline = time.monotonic() + patience  # not before: whoever takes the records may take their time
        ahead = {partition: span for partition, span in ahead.items() if consumer.position(partition) < span[1]}


NO_RECORD_IS_SO_LATE = 1 << 62
"""Milliseconds: a broker that names a record for this time does not go by the records' timestamps."""


def spans_between(  # noqa: PLR0913, PLR0917 - what to read has four parts, and comes with whom to ask and how long
    consumer: Reader,
    topic: str,
    since: int | None,
    until: int | None,
    partitions: Collection[int] | None,
    patience: float,
) -> Spans:
    """The offsets among which all records are that have a timestamp in [since, until); others may be among them.

    Producers set timestamps, so that they need not be in the order of the offsets. Kafka promises, for a time, the
    first offset whose record is not older: nothing before it is in the window, and the span begins there. It
    promises nothing of what follows, where any record may be older again. Hence no offset is known to be the last
    of a window, and `until` ends a span only where the window itself is empty. Whoever reads compares timestamps.

    Args:
        consumer: as `reader` opens it; it is left assigned to the partitions, somewhere near their ends.
        topic: the topic's name.
        since: milliseconds since 1970; None for everything that is there.
        until: milliseconds since 1970; None for everything up to the end that there is now.
        partitions: their numbers; None for all.
        patience: seconds that Kafka has to answer.

    Returns:
        Every partition asked for; where it is known to hold nothing of the window, its span begins at its end.

    Raises:
        UsageError: there is no such topic, or it lacks one of the partitions. TransientError: Kafka does not answer.
    """
    # the ends come first: what a lookup that comes later does not find was not there before the ends either
    spans = bounds(consumer, _chosen(consumer, topic, partitions), patience)
    if since is not None and until is not None and since >= until:
        return {partition: (end, end) for partition, (_, end) in spans.items()}
    if since is None or since <= 0:  # below 0 there is only -1, which says that a record has no timestamp
        return spans
    return _not_before(consumer, spans, since, int(patience * 1000))


def _chosen(consumer: Reader, topic: str, partitions: Collection[int] | None) -> list[TopicPartition]:
    present = sorted(consumer.partitions_for_topic(topic))
    if not present:
        raise UsageError(f"there is no topic {topic}, or it is hidden from us; TURNFOLD_KAFKA should lead to its Kafka")
    numbers = present if partitions is None else sorted(set(partitions))
    if missing := [number for number in numbers if number not in present]:
        raise UsageError(f"topic {topic} has no partition {_list(missing)}; it has {_list(present)}")
    return [TopicPartition(topic, number) for number in numbers]


def _not_before(consumer: Reader, spans: Spans, since: int, wait_ms: int) -> Spans:
    """The spans without what Kafka knows to be older than `since`."""
    found = consumer.offsets_for_times(dict.fromkeys(spans, since), timeout_ms=wait_ms)
    never = consumer.offsets_for_times(dict.fromkeys(spans, NO_RECORD_IS_SO_LATE), timeout_ms=wait_ms)
    begun: Spans = {}
    for partition, (beginning, end) in spans.items():
        first = found[partition]
        if never[partition] or (first and first.timestamp < since):
            begun[partition] = (beginning, end)  # this broker guesses: the embedded one, by when it stored a batch
        elif first:
            begun[partition] = (min(max(first.offset, beginning), end), end)
        else:
            begun[partition] = (end, end)
    return begun


def _list(numbers: Collection[int]) -> str:
    return ", ".join(map(str, numbers))
