"""Check what kafka-python fetches before it decodes it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.record import MemoryRecords

from pipeline.kafka.batches.fetch_check import FetchCheck


class Ends(NamedTuple):
    """Ends of a partition: the last stable offset, before any open transaction, and the high watermark."""

    stable: int
    high_watermark: int


def check_fetches(consumer: KafkaConsumer) -> dict[TopicPartition, Ends]:
    """Pass all fetch responses of a consumer through a check.

    Returns:
        The ends of each partition, kept up to date as responses arrive.
    """
    check, fetcher = FetchCheck(_decoded), consumer._fetcher  # noqa: SLF001 - kafka-python has no hook
    ends: dict[TopicPartition, Ends] = {}
    parse, states = fetcher._parse_fetched_data, fetcher._subscriptions  # noqa: SLF001 - as above

    def checked(fetch: Any) -> Any:
        partition, offset, response = fetch.topic_partition, fetch.fetched_offset, fetch.partition_data
        is_expected = states.is_fetchable(partition) and states.assignment[partition].position.offset == offset
        if is_expected and not response.error_code:
            ends[partition] = _ends(response)
            response.records = check(partition, offset, bytes(response.records or b""))
        return parse(fetch)

    fetcher._parse_fetched_data = checked  # noqa: SLF001 - as above
    return ends


def _ends(response: Any) -> Ends:
    stable, high_watermark = response.last_stable_offset, response.high_watermark
    return Ends(stable if 0 <= stable <= high_watermark else high_watermark, high_watermark)


def _decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
    return ((record.offset, record.timestamp, len(record.headers)) for record in MemoryRecords(batch).next_batch())
