"""A block has the bytes that the driver would send, in chunks, and an error stops it."""

import asyncio

import msgspec
import pytest
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.exceptions import DataError
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.connection.native_block import CHUNK, VALUES, NativeBlock
from schemas.columns import columns, transpose
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn
from tests.pipeline.store.connection.test_client import ROWS, Row


def of_driver(rows: list[msgspec.Struct]) -> bytes:
    """Return what the driver's own insert sends as one block, after the statement."""
    types = columns(type(rows[0]))
    column_types = [get_from_name(name) for name in types.values()]
    context = InsertContext("t", list(types), column_types, transpose(rows), column_oriented=True, block_size=len(rows))
    statement, _, block = b"".join(NativeTransform.build_insert(context)).partition(b"FORMAT Native\n")
    assert statement.startswith(b"INSERT INTO t (")
    return block


def encoded(block: NativeBlock) -> list[bytes]:
    async def chunks() -> list[bytes]:
        return [bytes(chunk) async for chunk in block.chunks()]

    return asyncio.run(chunks())


def block_of(rows: list[msgspec.Struct]) -> NativeBlock:
    return NativeBlock(columns(type(rows[0])), transpose(rows))


@given(st.lists(ROWS, min_size=1, max_size=3 * VALUES))
def test_a_block_is_that_of_the_driver(rows: list[msgspec.Struct]) -> None:
    assert b"".join(encoded(block_of(rows))) == of_driver(rows)


@pytest.mark.parametrize("table", [ArchivedTurn, Conversation])
def test_the_driver_knows_the_types_of_the_tables(table: type[msgspec.Struct]) -> None:
    row = table(*map(_value, columns(table).values()))
    assert b"".join(encoded(block_of([row] * 300))) == of_driver([row] * 300)


def _value(kind: str) -> object:
    """Return a value of a ClickHouse type."""
    value: object = "é" * 200 if "String" in kind else "Bool" in kind or 7
    return [value] * 3 if kind.startswith("Array") else value


def test_a_large_block_comes_in_chunks_and_a_small_one_whole() -> None:
    rows: list[msgspec.Struct] = [Row(payload=b"x" * 1_500, text="t" * n) for n in range(1_000)]
    chunks = encoded(block_of(rows))
    assert len(chunks) >= sum(map(len, chunks)) // (CHUNK + VALUES * 1_500)
    assert all(CHUNK <= len(chunk) < CHUNK + VALUES * 1_600 for chunk in chunks[:-1])
    assert len(encoded(block_of(rows[:3]))) == 1


def test_an_error_is_told_and_ends_the_block() -> None:
    block = block_of([Row(count=1), Row(count=2**32)])
    with pytest.raises(DataError, match="count"):
        encoded(block)
    assert isinstance(block.error, DataError)
