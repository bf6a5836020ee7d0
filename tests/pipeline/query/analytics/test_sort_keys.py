"""Pages by sort keys of all types hold each row once and in order."""

import pytest

from pipeline.query.analytics.sort_keys import SortCursor, SortKey, SortValue, after, order_by, sort_tuple
from pipeline.store.connection.client import ClickHouse
from tests.pipeline.query.table import Table

KEYS = (SortKey("-share", "Float64"), SortKey("-day", "Int64"), SortKey("text", "String"), SortKey("level", "UInt32"))
TEXTS = ("", "\0", "\t\\", "a", "'); --", "é", "\u20ac", "\U0001f600")
ROWS = [
    (-number % 3 / 3, 4_000_000_000_000 - number % 5, TEXTS[number % len(TEXTS)], number)
    for number in range(3 * 5 * len(TEXTS))
]
STATEMENT = """
SELECT {place} AS place
FROM (SELECT -(number % 3) / 3 AS share, 4000000000000 - number % 5 AS day,
             {{texts:Array(String)}}[1 + number % {{count:UInt8}}] AS text, toUInt32(number) AS level
      FROM numbers({{rows:UInt32}}))
{where} {order} LIMIT {{limit:UInt8}}"""


@pytest.mark.parametrize("size", [1, 7, 100])
def test_each_row_is_on_one_page(table: Table, size: int) -> None:
    async def pages(clickhouse: ClickHouse) -> list[tuple[SortValue, ...]]:
        found: list[tuple[SortValue, ...]] = []
        cursor = None
        while True:
            conditions = after(KEYS, cursor)
            where = "".join(f"WHERE {condition.sql}" for condition in conditions)
            statement = STATEMENT.format(place=sort_tuple(KEYS), where=where, order=order_by(KEYS))
            bound = {"texts": list(TEXTS), "count": len(TEXTS), "rows": len(ROWS), "limit": size}
            more = {name: value for condition in conditions for name, value in condition.parameters.items()}
            rows = await clickhouse.rows(statement, bound | more)
            found += [place for (place,) in rows]
            if len(rows) < size:
                return found
            cursor = SortCursor(0, rows[-1][0])

    wanted = sorted((number % 3 / 3, number % 5 - 4_000_000_000_000, text, number) for *_, text, number in ROWS)
    assert table.use(pages) == wanted


def test_the_first_page_and_a_query_of_one_row_have_no_condition() -> None:
    assert after(KEYS, None) == []
    assert after((), SortCursor(0, ())) == []
