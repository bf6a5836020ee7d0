"""Read inputs from a Parquet file: the text in each row, or the log entry that the row's columns form."""

import io
import os
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyarrow import parquet as pq

from pipeline.ingest.files.reader import Input, limit_size
from pipeline.ingest.unwrap.lex_columns import are_lex_columns, build_entry

COLUMNS = ("message", "@message", "log")
"""Names that the column of log entries has in CloudWatch Logs, the tools that read it, and log shippers."""
TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}
"""Arrow's names of the types that a column of log entries may have."""
ROWS = 64
"""Rows in memory at a time: each may hold a whole envelope."""
BUFFER_BYTES = 1 << 20


class ParquetInputs:
    """The inputs in an open file named `source`: one for each row, whose number, from 1, is its line."""

    def __init__(self, file: io.BufferedReader, source: str, max_bytes: int) -> None:
        self.bytes_read = 0
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._source = source
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[Input]:
        """Yield all inputs; broken rows are replaced by one input that reports them."""
        try:
            table = pq.ParquetFile(self._file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            columns = _columns(table.schema_arrow)
        except (pa.ArrowException, OSError, LookupError) as error:
            yield Input(self._source, 1, problem=f"unreadable Parquet: {_text(error)}")
        else:
            row = 0
            for group in range(table.num_row_groups):
                end = row + table.metadata.row_group(group).num_rows
                for item in self._group(table, group, columns, range(row + 1, end + 1)):
                    self.bytes_read = self._size * item.line // table.metadata.num_rows
                    yield item
                row = end
        self.bytes_read = self._size

    def _group(self, table: pq.ParquetFile, group: int, columns: list[str], rows: range) -> Iterator[Input]:
        row = rows.start
        try:
            for batch in table.iter_batches(ROWS, row_groups=[group], columns=columns, use_threads=False):
                for data in _texts(batch):
                    yield self._input(row, data, columns[0])
                    row += 1
        except (pa.ArrowException, OSError, ValueError) as error:
            problem = f"broken Parquet, rows {row} to {rows[-1]} are not read: {_text(error)}"
            yield Input(self._source, row, problem=problem)

    def _input(self, row: int, data: bytes | None, column: str) -> Input:
        if data is None:
            return Input(self._source, row, problem=f"column {column} is null")
        return limit_size(Input(self._source, row, data), len(data), self._max_bytes)


def _texts(batch: pa.RecordBatch) -> Iterable[bytes | None]:
    if batch.num_columns == 1 and _is_text(batch.schema.field(0).type):
        texts: list[bytes | None] = batch.column(0).cast(pa.large_binary()).to_pylist()
        return texts
    return (build_entry(row, batch.schema) for row in batch.to_pylist())


def _columns(schema: pa.Schema) -> list[str]:
    """Return the text column named as one of the COLUMNS; or all columns, if they are Lex's; or the only text column.

    Raises:
        LookupError: there is none; the text lists the existing columns.
    """
    names = [field.name for field in schema if _is_text(field.type)]
    if column := next((name for name in COLUMNS if name in names), None):
        return [column]
    if are_lex_columns(schema):
        return [field.name for field in schema]
    if len(names) == 1:
        return [str(names[0])]
    existing = ", ".join(f"{field.name} ({field.type})" for field in schema)
    problem = f"no text column named {', '.join(COLUMNS)}, no single text column, and not Lex's columns"
    raise LookupError(f"{problem}; the columns are: {existing}")


def _is_text(arrow_type: pa.DataType) -> bool:
    """Return whether the type is text, also with a JSON or dictionary type around it."""
    if isinstance(arrow_type, pa.BaseExtensionType):
        arrow_type = arrow_type.storage_type
    if isinstance(arrow_type, pa.DictionaryType):
        arrow_type = arrow_type.value_type
    return str(arrow_type) in TEXT


def _text(error: Exception) -> str:
    return " ".join(str(error).split())
