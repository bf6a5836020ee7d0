"""A record that a client cannot decode does not lose the rest of its batch, whichever client it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords as OfAiokafka
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecords

from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.batches.fetch_check import FetchCheck
from pipeline.kafka.batches.record_batch import HEADER, build_batch, empty_header, encode_record
from pipeline.kafka.batches.repair import GREATEST_TIMESTAMP
from pipeline.runtime.errors import Reason
from tests.pipeline.kafka.record_batches import at, batch_of, with_checksum
from tests.pipeline.kafka.unusual_records import LOST, TIME, around, living

Decoder = Callable[[bytes], Any]
CLIENTS = [MemoryRecords, OfAiokafka]
GOOD = [b"first", b"last"]
LIVING = living(b"odd")


def checked(client: Decoder, batch: bytes) -> list[Any]:
    def decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
        return ((one.offset, one.timestamp, len(one.headers)) for one in client(batch).next_batch())

    raw = FetchCheck(decoded)(("turns", 0), 0, batch)
    return list(client(raw).next_batch())


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", LIVING)
def test_a_record_with_a_readable_value_is_kept(client: Decoder, kind: str) -> None:
    records = checked(client, around(LIVING[kind], GOOD))
    assert [(one.offset, one.value) for one in records] == [(0, b"first"), (1, b"odd"), (2, b"last")]
    assert not any(map(damage_of, records))
    assert all(0 <= one.timestamp <= GREATEST_TIMESTAMP for one in records)
    assert [one.timestamp for one in records[::2]] == [TIME, TIME]


def test_names_of_headers_are_shown_as_far_as_they_are_text() -> None:
    found = [checked(MemoryRecords, around(LIVING[kind], GOOD))[1] for kind in ("name not UTF-8", "name null")]
    assert [one.headers for one in found] == [[("\ufffd\ufffd", b"v")], [("a", b"v"), ("", b"v")]]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", LOST)
def test_an_unreadable_record_is_reported_alone(client: Decoder, kind: str) -> None:
    records = checked(client, at(0, around(LOST[kind], GOOD)))
    assert [one.offset for one in records] == [0, 1, 2]
    assert [one.value for one in records[::2]] == GOOD
    damage = damage_of(records[1])
    assert damage
    assert (damage.reason, damage.offset, damage.last_offset) == (Reason.CORRUPT_BATCH, 1, 1)
    assert records[1].value in LOST[kind]


def test_after_an_unknown_length_all_records_are_reported_and_those_before_are_kept() -> None:
    batch = around(b"\x7f" + LIVING["before 1970"], GOOD)
    records = checked(MemoryRecords, batch)
    assert (records[0].offset, records[0].value) == (0, b"first")
    damage = damage_of(records[1])
    assert damage
    assert (damage.offset, damage.last_offset) == (1, 2)
    assert batch.endswith(records[1].value)


@pytest.mark.parametrize("first", [-(2**63), -5, GREATEST_TIMESTAMP + 1, 2**63 - 1])
def test_a_batch_with_an_invalid_timestamp_is_kept(first: int) -> None:
    records = checked(MemoryRecords, around(encode_record(b"odd", [], None, 1), GOOD, first))
    assert [one.value for one in records] == [b"first", b"odd", b"last"]
    assert all(0 <= one.timestamp <= GREATEST_TIMESTAMP for one in records)


def test_what_compaction_has_left_keeps_its_offsets() -> None:
    some = encode_record(b"a", [], None, 3) + LOST["key longer than all"] + encode_record(b"b", [], None, 9)
    records = checked(MemoryRecords, build_batch(empty_header(0, 9, TIME)._replace(records=3), some))
    assert [one.offset for one in records] == [3, 4, 9]
    assert [bool(damage_of(one)) for one in records] == [False, True, False]


@given(place=st.integers(0, 200), byte=st.integers(0, 255))
def test_whatever_stands_in_a_batch_each_of_its_offsets_is_there(place: int, byte: int) -> None:
    changed = bytearray(batch_of([b"%d" % number * 20 for number in range(5)]))
    changed[HEADER.size + place % (len(changed) - HEADER.size)] = byte
    records = checked(OfAiokafka, with_checksum(changed))
    told = {number for one in map(damage_of, records) if one for number in range(one.offset, one.last_offset + 1)}
    assert told | {one.offset for one in records} == set(range(5))
