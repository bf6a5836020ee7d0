"""Check fetches, and decode the records in them as kafka-python does."""

from collections.abc import Iterator

from kafka.record import MemoryRecords

from pipeline.kafka.batches.damage import Damage, damage_of
from pipeline.kafka.batches.fetch_check import FetchCheck
from pipeline.kafka.batches.record_batch import split_batches

WHERE = ("turns", 0)
GOOD = [b"good %d" % number for number in range(3)]


def decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
    return ((record.offset, record.timestamp, len(record.headers)) for record in MemoryRecords(batch).next_batch())


def check(*batches: bytes, requested: int = 0) -> bytes:
    return FetchCheck(decoded)(WHERE, requested, b"".join(batches))


def records(raw: bytes) -> list[tuple[int, bytes | None, Damage | None]]:
    found = [record for batch in split_batches(raw) for record in MemoryRecords(batch).next_batch()]
    return [(one.offset, one.value, damage_of(one)) for one in found]
