"""A statement and a handle of its own in, what the engine answers out."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pipeline.embedded.confinement import check_confined, with_literals_only
from pipeline.embedded.http.external_tables import External
from pipeline.embedded.http.format_headings import HEADING_ENDS


class EngineStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine is to run, and how."""

    sql: bytes
    written: bytes = b""
    """The same as its client wrote it, where the two differ: without data, and where they are."""
    reads: bool = False
    """It changes nothing, so that nothing is lost if it is given up halfway."""
    output_format: str = "TabSeparated"
    """Where `sql` names none."""
    parameters: Mapping[str, str] = {}
    """Name to value, escaped as in tab-separated text."""
    settings: Mapping[str, str] = {}
    """For this statement alone; the names are plain words."""
    database: str = ""
    """Empty: the engine's default."""
    tables: tuple[External, ...] = ()
    query_id: str = ""
    """The client's name for it; empty: none."""
    replaces: bool = False
    """Whether it ends the one of the same id that still runs."""
    own: bool = False
    """Whether Turnfold itself asks."""


class EngineAnswer(NamedTuple):
    """What a statement came to."""

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
"""Formats, in lower case, that neither begin nor end: their pieces in a row are the whole."""
MAX_WHOLE = 64 * 2**20
"""Bytes of a result, before it is written in any other format: it has to be in memory as a whole, some times over."""
_NOT_STREAMED = re.compile(rb"(?i)\btotals\b|\bextremes\b")
"""What has something to say after the last row."""


def execute(
    handle: Any, statement: EngineStatement, tag: str, emit: Callable[[bytes], None] | None = None
) -> EngineAnswer:
    """Runs the statement on a handle that nothing else has used.

    Args:
        handle: chdb's connection.
        statement: what to run.
        tag: marks it among the running ones, as `Settings['log_comment']` of `system.processes`.
        emit: takes the pieces of the body, where its format has pieces; the answer's body is what comes after them.
    """
    if statement.database:
        handle.query("USE `" + escaped(statement.database, "`") + "`")
    check_confined(handle, statement.written or statement.sql)
    for table in statement.tables:
        create_external(handle, table)
    settings = {**statement.settings, "log_comment": tag}
    handle.query("SET " + ", ".join(f"{name} = '{escaped(value)}'" for name, value in settings.items()))
    parameters = dict(statement.parameters)
    if emit is not None and _can_stream(statement):
        if answer := _streamed(handle, statement, parameters, emit):
            return answer
    elif statement.reads:
        handle.query(f"SET max_result_bytes = {MAX_WHOLE}")
    return _answer(handle.query(statement.sql, statement.output_format, params=parameters))


def _can_stream(statement: EngineStatement) -> bool:
    whole = _NOT_STREAMED.search(statement.sql) or statement.settings.get("extremes", "0") != "0"
    output_format = statement.output_format.lower()
    return statement.reads and (output_format in STREAMED or output_format in HEADING_ENDS) and not whole


def _streamed(
    handle: Any, statement: EngineStatement, parameters: dict[str, str], emit: Callable[[bytes], None]
) -> EngineAnswer | None:
    """Run it piece by piece; None where it has to be run as a whole, as all but SELECTs have to."""
    try:
        pieces = handle.send_query(statement.sql, statement.output_format, params=parameters)
    except RuntimeError as refused:
        if "Streaming query is not supported" in str(refused):
            return None
        raise
    heading_end = HEADING_ENDS.get(statement.output_format.lower())
    read_rows = read_bytes = result_rows = heading = 0
    started = time.perf_counter_ns()
    try:
        for piece in pieces:
            read_rows += piece.storage_rows_read()
            read_bytes += piece.storage_bytes_read()
            result_rows += piece.rows_read()
            body = piece.bytes()
            emit(body[heading:])
            heading = heading or (heading_end(body) if heading_end else 0)
    finally:
        pieces.close()
    if heading_end and not heading:
        return None  # there is a heading, and not a row to write it before
    return EngineAnswer(b"", read_rows, read_bytes, result_rows, 0, 0, time.perf_counter_ns() - started)


def create_external(handle: Any, table: External) -> None:
    """Make the table that a client has sent, for as long as the handle is open."""
    name = f"`{escaped(table.name, '`')}`"
    columns = f"'{escaped(table.structure)}'"  # within quotes they are columns, whatever else they say
    handle.query(f"CREATE TEMPORARY TABLE {name} ENGINE = Memory AS SELECT * FROM null({columns})")  # noqa: S608 - escaped
    target = f"INSERT INTO {name}".encode()
    handle.query(from_file(target, b"", table.format, table.file, literals=table.literals))


def from_file(target: bytes, settings: bytes, input_format: str, file: Path, *, literals: bool) -> bytes:
    """The INSERT whose data are in a file; with `literals`, Values have no expressions among them."""
    if literals and input_format.lower() == "values":
        settings = with_literals_only(settings)
    source = f" FROM INFILE '{escaped(str(file))}' COMPRESSION 'none' "
    return target + source.encode() + settings + f" FORMAT {input_format}".encode()


def escaped(text: str, quote: str = "'") -> str:
    """The text as it stands between quotes."""
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote)


def _answer(result: Any) -> EngineAnswer:
    return EngineAnswer(
        body=result.bytes(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        result_rows=result.rows_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
