"""Store the external tables of a request: files of a form that one statement can read as tables."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from pipeline.embedded.errors import ClickHouseCode, engine_error
from pipeline.embedded.handle import ExternalTable
from pipeline.embedded.http.body import spool_data

SUFFIXES = ("structure", "format", "types")
"""Suffixes of the arguments that describe a table `t`, such as `t_structure`."""


@asynccontextmanager
async def spool_tables(
    files: Mapping[str, bytes], arguments: Mapping[str, str], base: Path
) -> AsyncIterator[tuple[ExternalTable, ...]]:
    """Write the files of a form to disk, and yield the tables that they are; the files exist during the block.

    Args:
        files: the contents of the files by the name of their table.
        arguments: the arguments of the request, which describe the tables.
        base: the path whose suffix is replaced to get the paths of the files.

    Raises:
        EngineError: a table has no description, or the disk is full.
    """
    tables = [_external_table(name, arguments, base.with_suffix(f".{number}")) for number, name in enumerate(files)]
    try:
        for place, table in enumerate(tables):
            unsafe = await spool_data(files[table.name], _no_chunks(), table.file, table.format)
            tables[place] = msgspec.structs.replace(table, literals=unsafe)
        yield tuple(tables)
    finally:
        for table in tables:
            await asyncio.to_thread(table.file.unlink, missing_ok=True)


def describing_arguments(files: Mapping[str, bytes]) -> set[str]:
    """Return the names of the arguments that describe these files, and are not settings."""
    return {f"{name}_{suffix}" for name in files for suffix in SUFFIXES}


async def _no_chunks() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _external_table(name: str, arguments: Mapping[str, str], file: Path) -> ExternalTable:
    structure = arguments.get(f"{name}_structure")
    if not structure:
        message = f"External table {name} needs its columns in {name}_structure, such as 'a UInt8, b String'"
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, message)
    input_format = arguments.get(f"{name}_format", "TabSeparated")
    if not input_format.isidentifier():
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, f"{name}_format is not the name of a format: {input_format!r}")
    return ExternalTable(name, structure, input_format, file)
