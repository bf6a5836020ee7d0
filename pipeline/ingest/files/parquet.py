"""A Parquet file in; the text in each of its rows, or the log entry that its columns are, as an input, out."""

import io
import os
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyarrow import parquet as pq

from pipeline.ingest.files.reader import Input, bounded
from pipeline.ingest.unwrap.lex_columns import are_lex_columns, as_entry

COLUMNS = ("message", "@message", "log")
"""What the column of the log entries is called, by CloudWatch Logs and what reads it, and by log shippers."""
TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}
"""The types, as Arrow names them, of a column that may hold log entries."""
ROWS = 64
"""Rows in memory at a time: each may hold a whole envelope."""
BUFFER_BYTES = 1 << 20


class ParquetInputs:
    """The inputs in an open file, which `source` names: one a row, whose number is its line and counts from 1."""

    def __init__(self, file: io.BufferedReader, source: str, max_bytes: int) -> None:
        self.bytes_read = 0
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._source = source
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[Input]:
        """All of them; in the place of rows that are broken, one that says so."""
        try:
            table = pq.ParquetFile(self._file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            columns = _columns(table.schema_arrow)
        except (pa.ArrowException, OSError, LookupError) as wrong:
            yield Input(self._source, 1, problem=f"Parquet that cannot be read: {_text(wrong)}")
        else:
            row = 0
            for group in range(table.num_row_groups):
                end = row + table.metadata.row_group(group).num_rows
                for found in self._group(table, group, columns, range(row + 1, end + 1)):
                    self.bytes_read = self._size * found.line // table.metadata.num_rows
                    yield found
                row = end
        self.bytes_read = self._size

    def _group(self, table: pq.ParquetFile, group: int, columns: list[str], rows: range) -> Iterator[Input]:
        row = rows.start
        try:
            for batch in table.iter_batches(ROWS, row_groups=[group], columns=columns, use_threads=False):
                for data in _texts(batch):
                    yield self._input(row, data, columns[0])
                    row += 1
        except (pa.ArrowException, OSError, ValueError) as broken:
            wrong = f"broken Parquet, rows {row} to {rows[-1]} are not read: {_text(broken)}"
            yield Input(self._source, row, problem=wrong)

    def _input(self, row: int, data: bytes | None, column: str) -> Input:
        if data is None:
            return Input(self._source, row, problem=f"column {column} is null")
        return bounded(Input(self._source, row, data), len(data), self._max_bytes)


def _texts(batch: pa.RecordBatch) -> Iterable[bytes | None]:
    if batch.num_columns == 1 and _is_text(batch.schema.field(0).type):
        texts: list[bytes | None] = batch.column(0).cast(pa.large_binary()).to_pylist()
        return texts
    return (as_entry(row, batch.schema) for row in batch.to_pylist())


def _columns(schema: pa.Schema) -> list[str]:
    """The column of text that is named as one of COLUMNS; or all, if they are Lex's own; or the only one of text.

    Raises:
        LookupError: there is none, with the columns that there are.
    """
    names = [field.name for field in schema if _is_text(field.type)]
    if found := next((name for name in COLUMNS if name in names), None):
        return [found]
    if are_lex_columns(schema):
        return [field.name for field in schema]
    if len(names) == 1:
        return [str(names[0])]
    there = ", ".join(f"{field.name} ({field.type})" for field in schema)
    wanted = f"no column {', '.join(COLUMNS)} of text, nor one only column of text, nor Lex's own columns"
    raise LookupError(f"{wanted}; there are: {there}")


def _is_text(kind: pa.DataType) -> bool:
    """Whether it is text, whatever is noted about it: that it is JSON, or that few values are often repeated."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    return str(kind) in TEXT


def _text(error: Exception) -> str:
    return " ".join(str(error).split())
