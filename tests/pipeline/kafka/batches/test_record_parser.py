"""Records are parsed as they were encoded; other bytes are an error, and never another one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.batches.record_batch import encode_record, varint
from pipeline.kafka.batches.record_parser import (
    HEADERS,
    ByteReader,
    ParsedRecord,
    RecordParseError,
    parse_record,
    split_records,
)

optional = st.none() | st.binary(max_size=12)


def content_of(record: bytes) -> bytes:
    """The record without its length."""
    content = ByteReader(record).length_prefixed()
    assert content is not None
    return content


@given(optional, optional, st.lists(st.tuples(st.text(max_size=5), optional), max_size=4), st.integers(0, 2**31 - 1))
def test_a_record_is_parsed_as_it_was_encoded(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], offset_delta: int
) -> None:
    record = encode_record(value, headers, key, offset_delta, -5)
    assert parse_record(content_of(record)) == ParsedRecord(-5, offset_delta, key, value, headers)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_record_or_an_error(content: bytes) -> None:
    with suppress(RecordParseError):
        assert isinstance(parse_record(content), ParsedRecord)


def test_headers_after_one_that_cannot_be_read_are_left_out() -> None:
    whole = content_of(encode_record(b"value", [("a", b"1"), ("b", b"2")]))
    assert parse_record(whole[:-1]).headers == [("a", b"1")]
    assert parse_record(whole[:-1]).value == b"value"


def test_no_more_headers_are_kept_than_a_client_can_hold() -> None:
    assert len(parse_record(content_of(encode_record(b"", [("", None)] * (HEADERS + 5)))).headers) == HEADERS


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "1 bytes were expected, but only 0 are left"),
        (b"\xff" * 12, "a number is longer than 10 bytes"),
        (varint(-1), "a number is -1, not 0 to 9"),
        (varint(10), "a number is 10, not 0 to 9"),
    ],
)
def test_a_number_that_cannot_be_read_says_why(data: bytes, problem: str) -> None:
    with pytest.raises(RecordParseError, match=problem):
        ByteReader(data).varint(0, 9)


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(70, 200))
def test_runs_of_records_are_as_long_as_they_may_be(values: list[bytes], size: int) -> None:
    encoded = [encode_record(value, []) for value in values]
    runs = split_records(b"".join(encoded), len(values), size)
    assert b"".join(run for _, run in runs) == b"".join(encoded)
    first = 0
    for count, run in runs:
        assert run == b"".join(encoded[first : first + count])
        assert len(run) <= size
        first += count
        assert first == len(encoded) or len(run) + len(encoded[first]) > size
    assert first == len(values)


@pytest.mark.parametrize(
    ("count", "cut", "size"),
    [(3, 0, 99), (1, 0, 99), (-1, 0, 99), (2, 1, 99), (2, 0, 9)],
    ids=["more", "fewer", "a negative number", "the last one is cut", "one is larger"],
)
def test_what_are_not_so_many_records_is_not_split(count: int, cut: int, size: int) -> None:
    records = encode_record(b"first", []) + encode_record(b"second", [])
    assert split_records(records, 2, 99) == [(2, records)]
    with pytest.raises(RecordParseError):
        split_records(records[: len(records) - cut], count, size)
