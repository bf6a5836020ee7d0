import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence

import orjson
import pytest

from pipeline.console.output.downloads import TableRow, download

COLUMNS = ("name", "count")


async def stream(rows: Sequence[TableRow]) -> AsyncIterator[TableRow]:
    for row in rows:
        yield row


def content(file_format: str, rows: Sequence[TableRow]) -> bytes:
    async def read() -> bytes:
        response = download("table", file_format, COLUMNS, stream(rows))
        parts = [part if isinstance(part, bytes) else str(part).encode() async for part in response.body_iterator]
        return b"".join(parts)

    return asyncio.run(read())


@pytest.mark.parametrize("number", [0, 1, 5_000])
def test_both_formats_have_every_row(number: int) -> None:
    rows = [{"name": f'a "name"\n{n}', "count": n} for n in range(number)]
    assert orjson.loads(content("json", rows)) == rows
    parsed = list(csv.DictReader(io.StringIO(content("csv", rows).decode(), newline="")))
    assert parsed == [{"name": row["name"], "count": str(row["count"])} for row in rows]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_text_of_a_user_is_a_formula(text: str) -> None:
    assert list(csv.reader(io.StringIO(content("csv", [{"name": text}]).decode())))[1] == [f"'{text}", ""]


def test_a_browser_saves_it_as_a_file() -> None:
    response = download("table", "csv", COLUMNS, stream([]))
    assert response.headers["content-disposition"] == 'attachment; filename="table.csv"'
