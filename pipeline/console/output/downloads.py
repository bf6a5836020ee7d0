"""Stream a table as CSV or JSON."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import StreamingResponse

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
MAX_ROWS = 100_000
"""Rows of a download at most; whoever needs more asks the API."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

TableRow = Mapping[str, Any]


def download(name: str, file_format: str, columns: Sequence[str], rows: AsyncIterator[TableRow]) -> StreamingResponse:
    """Build the response: a file of `rows`, of which each has the `columns` or some of them."""
    content = _csv(columns, rows) if file_format == "csv" else _json(columns, rows)
    headers = {"content-disposition": f'attachment; filename="{name}.{file_format}"'}
    return StreamingResponse(content, media_type=FORMATS[file_format], headers=headers)


async def _csv(columns: Sequence[str], rows: AsyncIterator[TableRow]) -> AsyncIterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(columns)
    async for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
        if line.tell() > 32_768:
            yield _taken(line)
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula, whatever a user typed."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


async def _json(columns: Sequence[str], rows: AsyncIterator[TableRow]) -> AsyncIterator[bytes]:
    before = b"[\n"
    async for row in rows:
        yield before + orjson.dumps({column: row.get(column) for column in columns})
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
