"""A topic and a window of time in; the offsets that hold its records out."""

from collections.abc import Collection

from kafka import TopicPartition

from pipeline.kafka.client import Reader
from pipeline.kafka.offsets import bounds
from pipeline.kafka.spans import Spans
from pipeline.runtime.errors import UsageError

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
