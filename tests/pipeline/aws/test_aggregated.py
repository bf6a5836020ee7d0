"""Aggregated records are taken apart; whatever is none stays as it is."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aws.aggregated import DIGEST_BYTES, MAGIC, user_records
from tests.pipeline.kinesis_aggregation import aggregate, field, varint

OF_AWS = base64.b64decode(
    "84mawgoFa2V5LTAKBWtleS0xEh8xMjY3NjUwNjAwMjI4MjI5NDAxNDk2NzAzMjA1Mzc3GgcIABoDb25lGhAIARAAGgp7InR3byI6IDJ9GgsIABoHZHJlaSDDpCeZXRo30cHsAx3A3vM96B8="
)
"""Written by aws-kinesis-agg 1.2.3: three records under two keys, one of them with a hash key of its own."""


def sealed(message: bytes) -> bytes:
    return MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


def test_what_the_library_of_aws_writes_is_read() -> None:
    assert user_records(OF_AWS) == [b"one", b'{"two": 2}', "drei ä".encode()]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_all_records_come_back_in_their_order(datas: list[bytes]) -> None:
    assert user_records(aggregate(datas)) == datas


@pytest.mark.parametrize(
    "more",
    [
        field(2, b"a hash key"),
        field(99, 2**64 - 1),
        varint(50 << 3 | 1) + b"8 bytes.",
        varint(51 << 3 | 5) + b"four",
    ],
)
def test_other_fields_are_skipped(more: bytes) -> None:
    assert user_records(aggregate([b"a", b"b"], more)) == [b"a", b"b"]


@given(st.binary(max_size=300))
def test_a_record_of_anything_else_is_not_aggregated(data: bytes) -> None:
    assert user_records(data) is None
    assert user_records(MAGIC + data) is None


@given(st.binary(max_size=100))
def test_a_message_that_is_none_is_not_aggregated_or_read_as_far_as_it_is_one(message: bytes) -> None:
    found = user_records(sealed(message))
    assert found is None or sum(map(len, found)) <= len(message)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5), st.data())
def test_a_changed_byte_or_a_lost_end_is_noticed(datas: list[bytes], data: st.DataObject) -> None:
    whole = aggregate(datas)
    place = data.draw(st.integers(0, len(whole) - 1))
    assert user_records(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]) is None
    assert user_records(whole[:place]) is None


@pytest.mark.parametrize(
    "message",
    [
        varint(3 << 3 | 2) + varint(50) + b"fewer",
        varint(3 << 3 | 3),
        varint(3 << 3 | 2) + b"\xff" * 11,
        varint(3 << 3),
        field(3, field(1, 0) + varint(3 << 3 | 2) + varint(9)),
    ],
)
def test_a_broken_message_is_not_aggregated(message: bytes) -> None:
    assert user_records(sealed(message)) is None


def test_no_records_are_none() -> None:
    assert user_records(aggregate([])) == []
    assert user_records(sealed(b"")) == []
    assert user_records(MAGIC + bytes(DIGEST_BYTES - 1)) is None
