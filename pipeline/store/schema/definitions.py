"""Read the definitions of tables, and build parts of them: in the form that ClickHouse stores, and quoted."""

from collections.abc import Sequence

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse

FIND_TABLE = """
SELECT create_table_query FROM system.tables
WHERE database = {database:String} AND name = {table:String}
"""
FORMAT = "SELECT arrayMap(each -> formatQuerySingleLine(each), {statements:Array(String)})"


async def conversations_definition(clickhouse: ClickHouse, settings: Settings) -> str:
    """Return the statement that creates table `conversations` as it is now; empty if there is no table yet.

    Raises:
        TransientError: a retry may succeed.
    """
    table = "conversations" + ("_local" if clickhouse.cluster else "")
    rows = await clickhouse.rows(FIND_TABLE, {"database": settings.clickhouse_database, "table": table})
    return str(rows[0][0]) if rows else ""


async def format_statement(clickhouse: ClickHouse, statement: str) -> str:
    """Return the statement in one line, as ClickHouse stores it, to compare it with what a table or a view has.

    Raises:
        TransientError: a retry may succeed. StatementError: it cannot be parsed.
    """
    (formatted,) = await format_statements(clickhouse, [statement])
    return formatted


async def format_statements(clickhouse: ClickHouse, statements: Sequence[str]) -> list[str]:
    """Return each statement as `format_statement`, by one query.

    Raises:
        TransientError: a retry may succeed. StatementError: one of them cannot be parsed.
    """
    ((formatted,),) = await clickhouse.rows(FORMAT, {"statements": list(statements)})
    return [str(each) for each in formatted]


def literal(text: str) -> str:
    """Return a string literal with this text."""
    return _quoted(text, "'")


def identifier(name: str) -> str:
    """Return a name in quotes, whatever it contains."""
    return _quoted(name, "`")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
