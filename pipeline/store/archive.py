"""Write events to the archive, and read the events of conversations back from it."""

from collections import defaultdict
from collections.abc import Sequence

import orjson
from clickhouse_connect.driver.external import ExternalData

from pipeline.store.client import ClickHouse
from pipeline.store.key_ranges import Where
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey, Turn

KEYS_A_QUERY = 5_000
"""The reply stays bounded."""

TURN_COLUMNS = tuple(columns(Turn))

STATEMENT = f"""
SELECT {", ".join(TURN_COLUMNS)}
FROM turns
WHERE session_id IN (SELECT session_id FROM requested)
  AND (bot_id, session_id, originating_request_id) IN requested
"""  # noqa: S608 - what is written in are names of a struct's fields
"""The sessions alone say, by their index, which blocks may have any: a miss among 6 million events takes a fifth of the
time that it takes with whole keys."""

KEYS_STRUCTURE = "bot_id String, session_id String, originating_request_id String"


async def read_back(clickhouse: ClickHouse, keys: Sequence[ConversationKey]) -> dict[ConversationKey, list[Turn]]:
    """The archived events of each conversation in `keys` that has any; an event may come more than once.

    Raises:
        TransientError: worth a second try.
    """
    found: defaultdict[ConversationKey, list[Turn]] = defaultdict(list)
    for first in range(0, len(keys), KEYS_A_QUERY):
        some = keys[first : first + KEYS_A_QUERY]
        for row in await clickhouse.rows(STATEMENT, tables=keys_table(some)):
            turn = Turn(*row)
            found[turn.key].append(turn)
    return dict(found)


def keys_table(keys: Sequence[ConversationKey]) -> ExternalData:
    """The table of this name that `STATEMENT` reads.

    As a parameter the keys would be escaped letter by letter in the driver, which takes as long as ClickHouse's answer.
    """
    rows = b"\n".join(map(orjson.dumps, keys))
    return ExternalData(file_name="requested", data=rows, fmt="JSONCompactEachRow", structure=KEYS_STRUCTURE)


SELECT = f"SELECT {', '.join(columns(ArchivedTurn))} FROM turns WHERE "  # noqa: S608 - names of a struct's fields


async def read_archived_events(clickhouse: ClickHouse, where: Where) -> list[ArchivedTurn]:
    """Every event of the conversations, some more than once, in no order.

    Raises:
        TransientError: worth a second try.
    """
    rows = await clickhouse.rows(SELECT + where.sql, where.parameters, as_bytes=["payload"])
    return [ArchivedTurn(*row) for row in rows]


async def write(clickhouse: ClickHouse, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
    """Write what a batch came to; each call may be repeated.

    The order matters. An event in the archive says that its conversation's row is written, and that rows of
    earlier starts are taken back; so whoever finds it there after a crash need not know what else the dead
    worker had done. Rows whose events did not get into the archive are written again, since their offsets
    were not committed.

    Raises:
        TransientError: worth a second try.
    """
    await clickhouse.insert("conversations", rows)
    await clickhouse.insert("turns", events)
