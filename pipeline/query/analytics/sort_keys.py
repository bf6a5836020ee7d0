"""Continue a query after the last row of a page, whose values in the sort keys its token holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.page_token import PageCursor

SortValue = int | float | str


@dataclass(frozen=True, slots=True)
class SortKey:
    """An expression that rows ascend by, and its ClickHouse type. Numbers that descend are negated."""

    sql: str
    type: str


class SortCursor(PageCursor, frozen=True, array_like=True):
    """The values of the last row of a page, one for each sort key; together they are unique."""

    last: tuple[SortValue, ...]


def sort_tuple(keys: Sequence[SortKey]) -> str:
    """Return SQL of the sort keys as one value, to select for the cursor."""
    return f"tuple({', '.join(f'CAST({key.sql} AS {key.type})' for key in keys)})"


def order_by(keys: Sequence[SortKey]) -> str:
    """Return the ORDER BY clause."""
    return f"ORDER BY {', '.join(key.sql for key in keys)}"


def after(keys: Sequence[SortKey], cursor: SortCursor | None) -> list[SqlFragment]:
    """Build the condition that a row comes after the cursor; none for the first page."""
    if cursor is None or not keys:
        return []
    values = ", ".join(f"{{last_{i}:{key.type}}}" for i, key in enumerate(keys))
    parameters = {f"last_{i}": value for i, value in enumerate(cursor.last)}
    return [SqlFragment(f"{sort_tuple(keys)} > tuple({values})", parameters)]
