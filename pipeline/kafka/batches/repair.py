"""Rewrite a batch in which a client cannot decode each record, so that one bad record does not lose the others."""

from typing import NamedTuple

from pipeline.kafka.batches.damage import Damage, damage_record
from pipeline.kafka.batches.record_batch import HEADER, BatchHeader, build_batch, encode_record
from pipeline.kafka.batches.record_parser import ByteReader, ParsedRecord, RecordParseError, parse_record
from pipeline.runtime.errors import DETAIL_LENGTH, Reason

GREATEST_TIMESTAMP = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that Python can represent; Kafka has no time before 1970."""


class UnreadableRecords(NamedTuple):
    """The bytes of records that cannot be read, with their range of offsets counted from their batch's base offset."""

    why: str
    first: int
    last: int
    content: bytes


def repair_batch(batch: bytes, header: BatchHeader) -> bytes | None:
    """Rewrite an uncompressed batch so that any client can decode it; None if not even one record can be read.

    A record that cannot be read is replaced by one that carries the damage, with all after it if its end is unknown.
    """
    records = _records(batch, header)
    if not any(isinstance(record, ParsedRecord) for record in records):
        return None
    return build_batch(
        header._replace(
            first_timestamp=_clamp_timestamp(header.first_timestamp),
            greatest_timestamp=_clamp_timestamp(header.greatest_timestamp),
            records=len(records),
        ),
        b"".join(_encode_record(record, header) for record in records),
    )


def is_valid_timestamp(timestamp: int) -> bool:
    """Return whether this is a valid timestamp, or -1 for none."""
    return -1 <= timestamp <= GREATEST_TIMESTAMP


def _clamp_timestamp(timestamp: int) -> int:
    return min(max(timestamp, 0), GREATEST_TIMESTAMP)


def _records(batch: bytes, header: BatchHeader) -> list[ParsedRecord | UnreadableRecords]:
    """Parse all records; empty if they are not as many as the header says, so that nothing can be trusted."""
    reader = ByteReader(batch[HEADER.size :])
    records: list[ParsedRecord | UnreadableRecords] = []
    first = 0
    for following in reversed(range(header.records)):
        last = header.last_offset_delta - following
        begin = len(batch) - reader.remaining
        if first > last or not reader.remaining:
            return []
        try:
            content = reader.length_prefixed(least=0) or b""
        except RecordParseError as error:
            return [
                *records,
                UnreadableRecords(f"the length of a record: {error}", first, header.last_offset_delta, batch[begin:]),
            ]
        record = _record(content, first, last)
        records.append(record)
        first = 1 + (record.offset_delta if isinstance(record, ParsedRecord) else record.last)
    return [] if reader.remaining else records


def _record(content: bytes, first: int, last: int) -> ParsedRecord | UnreadableRecords:
    """Parse the record, whose offset delta must be from `first` to `last`; if it cannot be parsed, assume `first`."""
    try:
        record = parse_record(content)
    except RecordParseError as error:
        return UnreadableRecords(str(error), first, first, content)
    if first <= record.offset_delta <= last:
        return record
    return UnreadableRecords(f"its offset delta is {record.offset_delta}, not {first} to {last}", first, first, content)


def _encode_record(record: ParsedRecord | UnreadableRecords, header: BatchHeader) -> bytes:
    first_timestamp = _clamp_timestamp(header.first_timestamp)
    if isinstance(record, ParsedRecord):
        timestamp_delta = _clamp_timestamp(header.first_timestamp + record.timestamp_delta) - first_timestamp
        return encode_record(record.value, record.headers, record.key, record.offset_delta, timestamp_delta)
    detail = f"the batch's checksum matches, but a record in it cannot be decoded: {record.why}"[:DETAIL_LENGTH]
    base = header.base_offset
    damage = Damage(Reason.CORRUPT_BATCH, detail, base + record.first, base + record.last)
    return damage_record(damage, record.content, record.first)
