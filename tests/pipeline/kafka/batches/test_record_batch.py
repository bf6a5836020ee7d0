"""Batches are split, read and written as Kafka's clients do it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecords

from pipeline.kafka.batches.record_batch import (
    base_offset,
    build_batch,
    checksum_matches,
    empty_header,
    encode_record,
    has_plausible_length,
    has_unknown_end,
    is_legacy,
    next_base_offset,
    next_offset,
    parse_header,
    split_batches,
    varint,
)
from pipeline.kafka.batches.record_parser import ByteReader
from tests.pipeline.kafka.record_batches import HEADER_BYTES, at, batch_of

FIRST, SECOND = batch_of([b"a", b"b", b"c"]), batch_of([b"d"], offset=3)


@given(st.lists(st.tuples(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=9)), min_size=1))
def test_what_is_encoded_is_decoded_by_a_client(pairs: list[tuple[bytes | None, bytes | None]]) -> None:
    encoded = [
        encode_record(value, [("name", header)], b"key", delta, 7 * delta)
        for delta, (value, header) in enumerate(pairs)
    ]
    header = empty_header(40, 39 + len(pairs), 1_000)._replace(records=len(pairs))
    records = list(MemoryRecords(build_batch(header, b"".join(encoded))).next_batch())
    assert [(one.value, one.headers) for one in records] == [(value, [("name", own)]) for value, own in pairs]
    assert [one.offset for one in records] == list(range(40, 40 + len(pairs)))
    assert [one.timestamp for one in records] == [1_000 + 7 * delta for delta in range(len(pairs))]


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_are_read_as_they_were_written(number: int) -> None:
    assert ByteReader(varint(number)).varint(-(2**63), 2**63 - 1) == number


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 20, len(SECOND) - 1])
def test_a_fetch_is_split_and_an_incomplete_batch_left_out(cut: int) -> None:
    raw = FIRST + SECOND + at(4, FIRST)[:cut]
    batches = list(split_batches(raw))
    assert batches == [FIRST, SECOND]
    assert next_base_offset(raw, batches) == (4 if cut >= 8 else None)


def test_a_whole_fetch_of_one_batch_is_not_copied() -> None:
    (batch,) = split_batches(FIRST)
    assert batch is FIRST


def test_the_header_says_which_offsets_follow() -> None:
    assert [base_offset(FIRST), next_offset(FIRST)] == [0, 3]
    assert [base_offset(SECOND), next_offset(SECOND)] == [3, 4]
    assert next_offset(b"?" * 80) == base_offset(b"?" * 80) + 1


def test_a_changed_byte_fails_the_checksum_and_leaves_a_plausible_length() -> None:
    changed = bytearray(FIRST)
    changed[HEADER_BYTES + 2] ^= 1
    header = parse_header(bytes(changed))
    assert header
    assert not checksum_matches(bytes(changed), header)
    assert has_plausible_length(bytes(changed), header)
    assert not has_unknown_end(bytes(changed))


def test_a_batch_that_claims_offsets_it_cannot_have_has_no_known_end() -> None:
    changed = FIRST[:23] + (2_000_000_000).to_bytes(4) + FIRST[27:]
    assert has_unknown_end(changed)
    assert has_unknown_end(b"\xff" * 80)


def test_formats_before_kafka_0_11_are_recognised() -> None:
    old = FIRST[:16] + b"\x01" + FIRST[17:]
    assert is_legacy(old)
    assert not is_legacy(FIRST)
    assert parse_header(old) is None
