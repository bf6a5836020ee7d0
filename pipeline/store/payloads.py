"""A condition on conversations in; all their archived events out, as columns and with the payloads as received."""

from pipeline.store.client import ClickHouse
from pipeline.store.parts import Where
from schemas.columns import columns
from schemas.turn import ArchivedTurn

SELECT = f"SELECT {', '.join(columns(ArchivedTurn))} FROM turns WHERE "  # noqa: S608 - names of a struct's fields


async def archived(clickhouse: ClickHouse, where: Where) -> list[ArchivedTurn]:
    """Every event of the conversations, some more than once, in no order.

    Raises:
        TransientError: worth a second try.
    """
    rows = await clickhouse.rows(SELECT + where.sql, where.parameters, as_bytes=["payload"])
    return [ArchivedTurn(*row) for row in rows]
