"""Check what kafka-python fetches before it decodes it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.record import MemoryRecords

from pipeline.kafka.batches.fetch_check import FetchCheck


class Ends(NamedTuple):
    """The end of what can be read of a partition, before any open transaction, and the end of all that it holds."""

    stable: int
    high_watermark: int


def check_fetches(consumer: KafkaConsumer) -> dict[TopicPartition, Ends]:
    """Let the answers to all fetches of a consumer pass through a check.

    What is returned is kept up to date: where each partition ends.
    """
    check, fetcher = FetchCheck(_decoded), consumer._fetcher  # noqa: SLF001 - kafka-python has no hook
    ends: dict[TopicPartition, Ends] = {}
    parse, states = fetcher._parse_fetched_data, fetcher._subscriptions  # noqa: SLF001 - as above

    def checked(fetch: Any) -> Any:
        partition, offset, answer = fetch.topic_partition, fetch.fetched_offset, fetch.partition_data
        awaited = states.is_fetchable(partition) and states.assignment[partition].position.offset == offset
        if awaited and not answer.error_code:
            ends[partition] = _ends(answer)
            answer.records = check(partition, offset, bytes(answer.records or b""))
        return parse(fetch)

    fetcher._parse_fetched_data = checked  # noqa: SLF001 - as above
    return ends


def _ends(answer: Any) -> Ends:
    stable, high_watermark = answer.last_stable_offset, answer.high_watermark
    return Ends(stable if 0 <= stable <= high_watermark else high_watermark, high_watermark)


def _decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
    return ((record.offset, record.timestamp, len(record.headers)) for record in MemoryRecords(batch).next_batch())
