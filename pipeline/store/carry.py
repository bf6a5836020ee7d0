"""Live rows whose events may have expired in; the same in the new tables, where nobody could fold them again, out."""

from pipeline.config.retention import Retention
from pipeline.runtime.clock import now_ms
from pipeline.store.client import ClickHouse
from schemas.columns import columns
from schemas.conversation import Conversation

CLOSED = """
toUnixTimestamp64Milli(start) < transform(bot_id, {bots:Array(String)}, {moments:Array(Int64)}, {moment:Int64})
"""
MONTHS = (
    f"SELECT DISTINCT toYYYYMM(start) AS month FROM {{live:Identifier}}.conversations WHERE {CLOSED} ORDER BY month"  # noqa: S608 - a condition of our own
)
COPY = f"""
INSERT INTO {{new:Identifier}}.conversations ({", ".join(columns(Conversation))})
SELECT {", ".join(columns(Conversation))}
FROM {{live:Identifier}}.conversations FINAL
WHERE toYYYYMM(start) = {{month:UInt32}} AND {CLOSED}
"""  # noqa: S608 - names of a struct's fields


async def carry_over(clickhouse: ClickHouse, live: str, new: str, retention: Retention) -> None:
    """Copy the rows in force of conversations that may have lost events, month by month; may be repeated.

    Raises:
        TransientError: worth a second try.
    """
    if retention.archives_for_good:
        return
    now, own = now_ms(), sorted(retention.archive_days_bots)
    named: dict[str, object] = {
        "live": live,
        "new": new,
        "bots": own or [""],  # an array must not be empty here
        "moments": [retention.closing(bot_id, now) for bot_id in own] or [0],
        "moment": retention.closing("", now),
    }
    for (month,) in await clickhouse.rows(MONTHS, named):
        await clickhouse.command(COPY, {**named, "month": month})
