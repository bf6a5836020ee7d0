"""Rewrite a batch of which a client cannot decode each record: those that can be read live, the others are told of."""

from typing import NamedTuple

from pipeline.kafka.batches.damage import Damage, damage_record
from pipeline.kafka.batches.record_batch import HEADER, BatchHeader, build_batch, encode_record
from pipeline.kafka.batches.record_parser import ByteReader, ParsedRecord, RecordParseError, parse_record
from pipeline.runtime.errors import DETAIL_LENGTH, Reason

GREATEST_TIMESTAMP = 253_402_300_799_999
"""The last millisecond of the year 9999, behind which Python has no time; before 1970 Kafka has none."""


class UnreadableRecords(NamedTuple):
    """The bytes of records that cannot be read, with the offsets that they have from their batch's first one on."""

    why: str
    first: int
    last: int
    content: bytes


def repair_batch(batch: bytes, header: BatchHeader) -> bytes | None:
    """The same uncompressed batch as records that any client can decode; None where not even one can be read.

    A record that cannot be read gives its place to one that says so; all that follow it too, where it does not tell
    where it ends.
    """
    found = _records(batch, header)
    if not any(isinstance(one, ParsedRecord) for one in found):
        return None
    return build_batch(
        header._replace(
            first_timestamp=_in_time(header.first_timestamp),
            greatest_timestamp=_in_time(header.greatest_timestamp),
            records=len(found),
        ),
        b"".join(_written(one, header) for one in found),
    )


def is_valid_timestamp(timestamp: int) -> bool:
    """Whether that is a time, or says that there is none."""
    return -1 <= timestamp <= GREATEST_TIMESTAMP


def _in_time(timestamp: int) -> int:
    return min(max(timestamp, 0), GREATEST_TIMESTAMP)


def _records(batch: bytes, header: BatchHeader) -> list[ParsedRecord | UnreadableRecords]:
    """All records; none where the batch does not have as many as it says, and nothing of it can be believed."""
    cursor = ByteReader(batch[HEADER.size :])
    found: list[ParsedRecord | UnreadableRecords] = []
    first = 0
    for following in reversed(range(header.records)):
        last = header.last_offset_delta - following
        begin = len(batch) - cursor.left
        if first > last or not cursor.left:
            return []
        try:
            content = cursor.text(least=0) or b""
        except RecordParseError as wrong:
            return [
                *found,
                UnreadableRecords(f"the border of a record: {wrong}", first, header.last_offset_delta, batch[begin:]),
            ]
        one = _record(content, first, last)
        found.append(one)
        first = 1 + (one.offset_delta if isinstance(one, ParsedRecord) else one.last)
    return [] if cursor.left else found


def _record(content: bytes, first: int, last: int) -> ParsedRecord | UnreadableRecords:
    """The record, whose offset is between these: the least one where the record itself cannot tell it."""
    try:
        parts = parse_record(content)
    except RecordParseError as wrong:
        return UnreadableRecords(str(wrong), first, first, content)
    if first <= parts.offset_delta <= last:
        return parts
    return UnreadableRecords(f"its offset is {parts.offset_delta} behind its batch's first", first, first, content)


def _written(one: ParsedRecord | UnreadableRecords, header: BatchHeader) -> bytes:
    since = _in_time(header.first_timestamp)
    if isinstance(one, ParsedRecord):
        passed = _in_time(header.first_timestamp + one.timestamp_delta) - since
        return encode_record(one.value, one.headers, one.key, one.offset_delta, passed)
    what = f"the batch's checksum is right, but a record in it cannot be decoded: {one.why}"[:DETAIL_LENGTH]
    base = header.base_offset
    damage = Damage(Reason.CORRUPT_BATCH, what, base + one.first, base + one.last)
    return damage_record(damage, one.content, one.first)
