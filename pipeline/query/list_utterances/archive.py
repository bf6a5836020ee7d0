"""Read the events of utterances from the archive, with queries of bounded size."""

from collections.abc import AsyncIterator, Sequence

from pipeline.query.analytics.context import RowSource
from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.list_utterances.details import EventColumns, UtteranceDetails, read_details
from pipeline.query.list_utterances.sql import UtteranceRow
from schemas.turn import ORDER_COLUMNS

PUT_SESSION = "PutSession"
EVENTS_PER_QUERY = 100
"""Events in one query. Each may be a megabyte, and decoding them blocks the event loop: a thousand usual ones 0.1 s."""

KEY = "session_id, originating_request_id, timestamp, request_id"

# The event of an utterance is the first of its request that has a text; of its contents the one with the greatest
# digest counts, whatever the others say. The first two conditions are there for the indexes.
SELECT = f"""
SELECT toUnixTimestamp64Milli(timestamp), session_id, originating_request_id, request_id,
       {", ".join(EventColumns._fields[:-1])}, toValidUTF8(payload)
FROM (
    SELECT {KEY}, response_reason, operation_name, utterance, {", ".join(EventColumns._fields)}
    FROM turns
    WHERE bot_id = {{bot_id:String}}
      AND (session_id, originating_request_id) IN {{conversations:Array(Tuple(String, String))}}
      AND timestamp BETWEEN fromUnixTimestamp64Milli({{first:Int64}}, 'UTC')
                        AND fromUnixTimestamp64Milli({{last:Int64}}, 'UTC')
      AND (toUnixTimestamp64Milli(timestamp), session_id, originating_request_id, request_id)
          IN {{utterances:Array(Tuple(Int64, String, String, String))}}
    ORDER BY content DESC
    LIMIT 1 BY {KEY}, response_reason
)
WHERE operation_name != '{PUT_SESSION}' AND utterance != ''
ORDER BY {", ".join(ORDER_COLUMNS)}
LIMIT 1 BY {KEY}
"""  # noqa: S608 - constants only; every value is a parameter


async def read_all_details(
    store: RowSource, bot_id: str, rows: Sequence[UtteranceRow]
) -> AsyncIterator[list[tuple[UtteranceRow, UtteranceDetails]]]:
    """Yield the rows with their details, in their order, some at a time.

    An utterance whose event is no longer in the archive has those of its conversation.

    Raises:
        TransientError: ClickHouse is unavailable.
    """
    for first in range(0, len(rows), EVENTS_PER_QUERY):
        chunk = rows[first : first + EVENTS_PER_QUERY]
        statement = _select(bot_id, chunk)
        found = await store.rows(statement.sql, statement.parameters)
        details = {tuple(row[:4]): read_details(bot_id, EventColumns(*row[4:])) for row in found}
        yield [(row, details.get(row[:4]) or _without_event(row)) for row in chunk]


def _select(bot_id: str, rows: Sequence[UtteranceRow]) -> SqlFragment:
    times = [row.time for row in rows]
    return SqlFragment(
        SELECT,
        {
            "bot_id": bot_id,
            "conversations": list(dict.fromkeys((row.session_id, row.originating_request_id) for row in rows)),
            "first": min(times),
            "last": max(times),
            "utterances": [row[:4] for row in rows],
        },
    )


def _without_event(row: UtteranceRow) -> UtteranceDetails:
    return UtteranceDetails(row.bot_alias_id, row.bot_version, row.locale_id, row.channel)
