"""A statement and a handle of its own in, what the engine answers out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pipeline.embedded.confinement import check_confined, with_literals_only
from pipeline.embedded.external import External


class Statement(msgspec.Struct, frozen=True, kw_only=True):
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


class Answer(NamedTuple):
    """What a statement came to."""

    body: bytes
    read_rows: int
    read_bytes: int
    result_rows: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


def execute(handle: Any, statement: Statement, tag: str) -> Answer:
    """Runs the statement on a handle that nothing else has used.

    Args:
        handle: chdb's connection.
        statement: what to run.
        tag: marks it among the running ones, as `Settings['log_comment']` of `system.processes`.
    """
    if statement.database:
        handle.query("USE `" + escaped(statement.database, "`") + "`")
    check_confined(handle, statement.written or statement.sql)
    for table in statement.tables:
        create_external(handle, table)
    settings = {**statement.settings, "log_comment": tag}
    handle.query("SET " + ", ".join(f"{name} = '{escaped(value)}'" for name, value in settings.items()))
    return _answer(handle.query(statement.sql, statement.output_format, params=dict(statement.parameters)))


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


def _answer(result: Any) -> Answer:
    return Answer(
        body=result.bytes(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        result_rows=result.rows_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
