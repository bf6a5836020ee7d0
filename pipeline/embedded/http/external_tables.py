"""The files of a form and what is said of them in; tables that one statement reads beside the stored ones out."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from pipeline.embedded.confinement import hides_a_call
from pipeline.embedded.errors import ClickHouseCode, engine_error
from pipeline.embedded.http.body import spooled

DESCRIBED = ("structure", "format", "types")
"""What a request says of its table `t`, as `t_structure` and so on."""


class External(msgspec.Struct, frozen=True):
    """A table that a client sends with its statement."""

    name: str
    structure: str
    """Names and types of its columns: `a UInt8, b String`."""
    format: str
    file: Path
    """Its data."""
    literals: bool = False
    """They are to be read as literals: they look as if they called something that leaves the data folder."""


@asynccontextmanager
async def spooled_tables(
    files: Mapping[str, bytes], arguments: Mapping[str, str], beside: Path
) -> AsyncIterator[tuple[External, ...]]:
    """The tables that these files of a form are, for the length of the block; their data in files of similar names.

    Raises:
        Failure: one is not described, or the disk is full.
    """
    tables = [
        _described(name, arguments, beside.with_suffix(f".{place}"), data)
        for place, (name, data) in enumerate(files.items())
    ]
    try:
        for table in tables:
            await spooled(files[table.name], _nothing_more(), table.file)
        yield tuple(tables)
    finally:
        for table in tables:
            await asyncio.to_thread(table.file.unlink, missing_ok=True)


def describing(files: Mapping[str, bytes]) -> set[str]:
    """The arguments that describe these files, and are no settings."""
    return {f"{name}_{what}" for name in files for what in DESCRIBED}


async def _nothing_more() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _described(name: str, arguments: Mapping[str, str], file: Path, data: bytes) -> External:
    structure = arguments.get(f"{name}_structure")
    if not structure:
        sentence = f"The columns of the external table {name} belong into {name}_structure, such as 'a UInt8, b String'"
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, sentence)
    input_format = arguments.get(f"{name}_format", "TabSeparated")
    if not input_format.isidentifier():
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, f"{name}_format is no name of a format: {input_format!r}")
    return External(name, structure, input_format, file, hides_a_call(data))
