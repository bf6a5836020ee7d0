"""Find the offsets of partitions: their bounds, and those between two times."""

import time
from collections.abc import Collection, Iterator

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.kafka.client.kafka_python import TopicReader
from pipeline.runtime.errors import TransientError, UsageError

POLL_MS = 100
BEYOND_ALL_TIMESTAMPS = 1 << 62
"""Milliseconds: a broker that finds a record for this time does not search by the records' timestamps."""

Spans = dict[TopicPartition, tuple[int, int]]
"""Partition -> the first offset, and the one after the last."""


def bounds(consumer: TopicReader, partitions: Collection[TopicPartition], patience: float) -> Spans:
    """Return beginning and end of each partition; leave the consumer assigned to them, near their ends.

    The end is the last stable offset of a fetch: the high watermark, or the beginning of an open transaction. Asking
    for the latest offset instead would be wrong on brokers that answer with the first one of the last batch; as the
    position to fetch from, that answer is right on all.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    if not partitions:
        return {}
    deadline = time.monotonic() + patience
    wait_ms = int(patience * 1000)
    begins = consumer.beginning_offsets(partitions, timeout_ms=wait_ms)
    last_batches = consumer.end_offsets(partitions, timeout_ms=wait_ms)
    consumer.unsubscribe()  # else it would keep the ends that it knows already
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
            raise TransientError(f"Kafka has not reported the end of {late} within {patience:g} s")
    return {p: (begins[p], max(begins[p], consumer.ends[p].stable)) for p in partitions}


def spans_of(consumer: TopicReader, topic: str, patience: float) -> Spans:
    """Return the span of each partition of `topic` now; empty if there is no such topic.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    numbers = consumer.partitions_for_topic(topic) or set()
    return bounds(consumer, [TopicPartition(topic, number) for number in numbers], patience)


def newest(spans: Spans, count: int) -> Spans:
    """Return the last `count` offsets of `spans`, as many of each partition."""
    share = -(-count // max(1, len(spans)))
    return {partition: (max(beginning, end - share), end) for partition, (beginning, end) in spans.items()}


def read(consumer: TopicReader, spans: Spans, patience: float) -> Iterator[ConsumerRecord]:
    """Yield every record of `spans`.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more.
    """
    remaining = {partition: span for partition, span in spans.items() if span[0] < span[1]}
    consumer.assign(list(remaining))
    for partition, (beginning, _) in remaining.items():
        consumer.seek(partition, beginning)
    deadline = time.monotonic() + patience
    while remaining:
        if time.monotonic() > deadline:
            late = ", ".join(sorted(f"{p.topic}/{p.partition}" for p in remaining))
            raise TransientError(f"Kafka has sent nothing more of {late} for {patience:g} s")
        for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
            yield from (record for record in records if record.offset < spans[partition][1])
            deadline = time.monotonic() + patience  # not before: the caller may have taken long over the records
        remaining = {partition: span for partition, span in remaining.items() if consumer.position(partition) < span[1]}


def existing_partitions(consumer: TopicReader, topic: str) -> list[TopicPartition]:
    """Return the partitions of the topic.

    Raises:
        UsageError: there is no such topic.
    """
    numbers = sorted(consumer.partitions_for_topic(topic))
    if not numbers:
        raise UsageError(f"there is no topic {topic}, or we may not see it; check TURNFOLD_KAFKA")
    return [TopicPartition(topic, number) for number in numbers]


def spans_between(
    consumer: TopicReader,
    partitions: Collection[TopicPartition],
    since: int | None,
    until: int | None,
    patience: float,
) -> Spans:
    """Return the offsets that cover all records with a timestamp in [since, until); other records may be among them.

    Producers set timestamps, so they need not be in the order of the offsets. For a time, Kafka promises the first
    offset whose record is not older: nothing before it is in the window, and the span begins there. It promises nothing
    about what follows, where any record may be older again. Hence no offset is known to be the last of a window, and
    `until` ends a span only if the window itself is empty. The caller compares timestamps.

    Args:
        consumer: as `open_consumer` opens it; it is left assigned to the partitions, near their ends.
        partitions: those to look into.
        since: milliseconds since 1970; None for the beginning.
        until: milliseconds since 1970; None for the present end.
        patience: seconds that Kafka has to answer.

    Returns:
        The span of every partition; one that holds nothing of the window is empty, at the partition's end.

    Raises:
        TransientError: Kafka does not answer.
    """
    # the ends come first: a record that the later lookup does not find was not before these ends
    spans = bounds(consumer, partitions, patience)
    if since is not None and until is not None and since >= until:
        return {partition: (end, end) for partition, (_, end) in spans.items()}
    if since is None or since <= 0:  # the only negative timestamp is -1, for none
        return spans
    return _not_before(consumer, spans, since, int(patience * 1000))


def _not_before(consumer: TopicReader, spans: Spans, since: int, wait_ms: int) -> Spans:
    """Return the spans without records that Kafka knows to be older than `since`."""
    offsets = consumer.offsets_for_times(dict.fromkeys(spans, since), timeout_ms=wait_ms)
    beyond = consumer.offsets_for_times(dict.fromkeys(spans, BEYOND_ALL_TIMESTAMPS), timeout_ms=wait_ms)
    later: Spans = {}
    for partition, (beginning, end) in spans.items():
        first = offsets[partition]
        if beyond[partition] or (first and first.timestamp < since):
            # not exact: the embedded broker goes by the time at which it stored a batch
            later[partition] = (beginning, end)
        elif first:
            later[partition] = (min(max(first.offset, beginning), end), end)
        else:
            later[partition] = (end, end)
    return later
