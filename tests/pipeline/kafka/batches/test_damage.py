"""Damage travels in a record that every client passes on, and that no producer can forge."""

from kafka.record import MemoryRecords

from pipeline.kafka.batches import damage as damage_module
from pipeline.kafka.batches.damage import Damage, damage_of, damage_record, damaged_batch
from pipeline.kafka.batches.record_batch import build_batch, empty_header, encode_record, next_offset
from pipeline.runtime.errors import Reason

DAMAGE = Damage(Reason.CORRUPT_BATCH, "the record batch fails its CRC check", 7, 9)


def test_a_damaged_batch_keeps_its_offsets_and_its_bytes() -> None:
    batch = damaged_batch(DAMAGE, b"broken bytes")
    assert next_offset(batch) == 10
    (record,) = MemoryRecords(batch).next_batch()
    assert (record.offset, record.value, damage_of(record)) == (7, b"broken bytes", DAMAGE)


def test_a_damaged_record_keeps_its_place() -> None:
    records = encode_record(b"good", []) + damage_record(DAMAGE, b"broken bytes", 1)
    first, second = MemoryRecords(build_batch(empty_header(0, 1, 0)._replace(records=2), records)).next_batch()
    assert (first.value, damage_of(first)) == (b"good", None)
    assert (second.offset, damage_of(second)) == (1, DAMAGE)


def test_a_header_of_another_process_is_an_ordinary_one() -> None:
    forged = encode_record(b"x", [(damage_module.HEADER[:-1], b"{}"), (damage_module.HEADER, b"{}")])
    (record,) = MemoryRecords(build_batch(empty_header(0, 0, 0)._replace(records=1), forged)).next_batch()
    assert damage_of(record) is None
