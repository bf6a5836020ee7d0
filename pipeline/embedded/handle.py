"""Execute one statement on a new handle of the engine, streamed if its format allows that."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pipeline.embedded.confinement import check_confined, reads_expressions, with_literals_only
from pipeline.embedded.format_headings import HEADING_ENDS


class ExternalTable(msgspec.Struct, frozen=True):
    """A table that a client sends with its statement."""

    name: str
    structure: str
    """Names and types of its columns: `a UInt8, b String`."""
    format: str
    file: Path
    """The file with its data."""
    literals: bool = False
    """True if Values are read as literals only, because they may call a function that leaves the data folder."""


class EngineStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement for the engine, with its settings, parameters and external tables."""

    sql: bytes
    written: bytes = b""
    """The statement as the client wrote it, without its data, if `sql` differs from it."""
    reads: bool = False
    """True if it only reads, so that nothing is lost if it is cancelled halfway."""
    output_format: str = "TabSeparated"
    """The output format if `sql` names none."""
    parameters: Mapping[str, str] = {}
    """Query parameters by name, with values escaped as in tab-separated text."""
    settings: Mapping[str, str] = {}
    """Settings for this statement alone; the names are identifiers."""
    database: str = ""
    """The current database; empty for the engine's default."""
    tables: tuple[ExternalTable, ...] = ()
    query_id: str = ""
    """The client's id of the statement; may be empty."""
    replaces: bool = False
    """True if it kills a running statement with the same id."""
    own: bool = False
    """True if a process of Turnfold sent it."""


class EngineResult(NamedTuple):
    """The result of a statement, or the rest of it after the streamed chunks, with the engine's counts."""

    body: bytes
    read_rows: int
    read_bytes: int
    result_rows: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


STREAMED = {
    "csv", "jsoncompacteachrow", "jsoneachrow", "jsonlines", "lineasstring", "native", "ndjson", "rowbinary",
    "tabseparated", "tabseparatedraw", "tskv", "tsv", "tsvraw",
}  # fmt: skip
"""Formats, in lower case, without a header or a footer: concatenated chunks are the whole result."""
MAX_WHOLE = 64 * 2**20
"""Bytes of a result in any other format, before formatting: several copies of it must fit into memory."""
_NOT_STREAMED = re.compile(rb"(?i)\btotals\b|\bextremes\b")
"""Clauses and settings that write something after the last row."""


def execute(
    handle: Any, statement: EngineStatement, tag: str, emit: Callable[[bytes], None] | None = None
) -> EngineResult:
    """Run the statement on a new handle.

    Args:
        handle: chdb's connection.
        statement: the statement to run.
        tag: identifies it among the running ones, as `Settings['log_comment']` of `system.processes`.
        emit: receives the chunks of the result, if its format can be streamed; the body that is returned follows them.
    """
    if statement.database:
        handle.query("USE `" + escape(statement.database, "`") + "`")
    check_confined(handle, statement.written or statement.sql)
    for table in statement.tables:
        create_external(handle, table)
    settings = {**statement.settings, "log_comment": tag}
    handle.query("SET " + ", ".join(f"{name} = '{escape(value)}'" for name, value in settings.items()))
    parameters = dict(statement.parameters)
    if emit is not None and _can_stream(statement):
        if result := _stream(handle, statement, parameters, emit):
            return result
    elif statement.reads:
        handle.query(f"SET max_result_bytes = {MAX_WHOLE}")
    return _result(handle.query(statement.sql, statement.output_format, params=parameters))


def _can_stream(statement: EngineStatement) -> bool:
    has_footer = _NOT_STREAMED.search(statement.sql) or statement.settings.get("extremes", "0") != "0"
    output_format = statement.output_format.lower()
    return statement.reads and (output_format in STREAMED or output_format in HEADING_ENDS) and not has_footer


def _stream(
    handle: Any, statement: EngineStatement, parameters: dict[str, str], emit: Callable[[bytes], None]
) -> EngineResult | None:
    """Run a statement chunk by chunk; return None if it cannot be streamed, as anything but a SELECT."""
    try:
        chunks = handle.send_query(statement.sql, statement.output_format, params=parameters)
    except RuntimeError as error:
        if "Streaming query is not supported" in str(error):
            return None
        raise
    heading_end = HEADING_ENDS.get(statement.output_format.lower())
    read_rows = read_bytes = result_rows = heading = 0
    started = time.perf_counter_ns()
    try:
        for chunk in chunks:
            read_rows += chunk.storage_rows_read()
            read_bytes += chunk.storage_bytes_read()
            result_rows += chunk.rows_read()
            body = chunk.bytes()
            emit(body[heading:])
            heading = heading or (heading_end(body) if heading_end else 0)
    finally:
        chunks.close()
    if heading_end and not heading:
        return None  # without rows no heading was written
    return EngineResult(b"", read_rows, read_bytes, result_rows, 0, 0, time.perf_counter_ns() - started)


def create_external(handle: Any, table: ExternalTable) -> None:
    """Create the temporary table that a client has sent; it exists as long as the handle is open."""
    name = f"`{escape(table.name, '`')}`"
    columns = f"'{escape(table.structure)}'"  # within quotes they can only be columns
    handle.query(f"CREATE TEMPORARY TABLE {name} ENGINE = Memory AS SELECT * FROM null({columns})")  # noqa: S608 - escape
    target = f"INSERT INTO {name}".encode()
    handle.query(insert_from_file(target, b"", table.format, table.file, literals=table.literals))


def insert_from_file(target: bytes, settings: bytes, input_format: str, file: Path, *, literals: bool) -> bytes:
    """Return an INSERT that reads its data from a file; with `literals`, Values may not be expressions."""
    if literals and reads_expressions(input_format):
        settings = with_literals_only(settings)
    source = f" FROM INFILE '{escape(str(file))}' COMPRESSION 'none' "
    return target + source.encode() + settings + f" FORMAT {input_format}".encode()


def escape(text: str, quote: str = "'") -> str:
    """Escape a text for the inside of quotes."""
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote)


def _result(result: Any) -> EngineResult:
    return EngineResult(
        body=result.bytes(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        result_rows=result.rows_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
