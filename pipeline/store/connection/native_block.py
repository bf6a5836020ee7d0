"""Encode rows as one block of ClickHouse's format Native, chunk by chunk while they are sent.

The driver's own insert sends a block for each megabyte or two, which ClickHouse has to put together again, and encodes
them in a thread, which takes turns with all others. A block that is complete before it is sent costs more than its
encoding: memory that is new to the process.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.common import write_leb128
from clickhouse_connect.driver.insert import InsertContext

CHUNK = 64 * 1024
"""Bytes from which on a chunk is sent."""
VALUES = 64
"""Strings that are encoded at a time: of usual payloads one chunk, which then hardly has to grow."""


class NativeBlock:
    """Columns of equal length and their types, to be encoded once."""

    def __init__(self, types: Mapping[str, str], columns: Sequence[Sequence[Any]]) -> None:
        """`types` are ClickHouse's, by the name of the column, in the order of `columns`."""
        self._types = types
        self._columns = columns
        self.error: Exception | None = None
        """Why the block could not be encoded: who sends the chunks only reports that it could not."""

    async def chunks(self) -> AsyncIterator[bytearray]:
        """Yield the block. An error stops it before its end, so that ClickHouse inserts nothing."""
        try:
            for chunk in self._encode():
                yield chunk
        except Exception as error:
            self.error = error
            raise

    def _encode(self) -> Iterator[bytearray]:
        context = InsertContext("", list(self._types), [])
        chunk = bytearray()
        write_leb128(len(self._columns), chunk)
        write_leb128(len(self._columns[0]), chunk)
        for (name, type_name), column in zip(self._types.items(), self._columns, strict=True):
            context.start_column(name)
            column_type = get_from_name(type_name)
            _write_text(name, chunk)
            _write_text(column_type.insert_name, chunk)
            column_type.write_column_prefix(chunk)
            for values in _slices(type_name, column):
                column_type.write_column_data(values, chunk, context)
                if len(chunk) >= CHUNK:
                    yield chunk
                    chunk = bytearray()
        yield chunk


def _write_text(text: str, chunk: bytearray) -> None:
    encoded = text.encode()
    write_leb128(len(encoded), chunk)
    chunk += encoded


def _slices(type_name: str, column: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Divide a column of strings; other columns begin with offsets or a dictionary of all values, or are small."""
    size = VALUES if type_name == "String" else len(column)
    return (column[start : start + size] for start in range(0, len(column), size))
