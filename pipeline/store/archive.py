"""Write events to the archive, and read the events of conversations back from it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import orjson
from clickhouse_connect.driver.external import ExternalData

from pipeline.store.connection.client import ClickHouse, Row
from pipeline.store.key_ranges import Where
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey, Turn

KEYS_PER_READ_BACK = 1_250
"""Keys in one query. In each block that may have one, ClickHouse asks the index of sessions for one key after another:
among 50 million events, four queries, each for neighbours, take two fifths of the CPU time of one for 5,000 keys. Fewer
keys would be for larger archives, as a query costs some 10 ms."""

TURN_COLUMNS = tuple(columns(Turn))

STATEMENT = f"""
SELECT {", ".join(TURN_COLUMNS)}
FROM turns
WHERE session_id IN (SELECT session_id FROM requested)
  AND (bot_id, session_id, originating_request_id) IN requested
"""  # noqa: S608 - interpolates names of a struct's fields
"""The condition on sessions alone uses their index to skip blocks: a miss among 6 million events takes a fifth of the
time that it takes with whole keys."""

FEW_KEYS = 50
"""Keys up to which they are sent as parameters: an external table costs ClickHouse as much as the rest of the query."""
FROM_FEW = """
FROM turns
WHERE session_id IN {sessions:Array(String)}
  AND (bot_id, session_id, originating_request_id) IN {requested:Array(Tuple(String, String, String))}
SETTINGS max_threads = 1
"""
"""One thread reads few blocks as fast as several, for a fifth less CPU time."""
FEW_STATEMENT = f"SELECT {', '.join(TURN_COLUMNS)}{FROM_FEW}"

KEYS_STRUCTURE = "bot_id String, session_id String, originating_request_id String"


async def read_back(clickhouse: ClickHouse, keys: Sequence[ConversationKey]) -> dict[ConversationKey, list[Turn]]:
    """Read the archived events of each conversation in `keys` that has any; an event may come more than once.

    Raises:
        TransientError: a retry may succeed.
    """
    rows: list[Row] = []
    neighbours = sorted(keys)
    for offset in range(0, len(keys), KEYS_PER_READ_BACK):
        rows += await _read(clickhouse, neighbours[offset : offset + KEYS_PER_READ_BACK])
    return by_conversation(rows)


def by_conversation(rows: Iterable[Row]) -> dict[ConversationKey, list[Turn]]:
    """Return the events of rows of `TURN_COLUMNS`, by conversation."""
    events: defaultdict[ConversationKey, list[Turn]] = defaultdict(list)
    for row in rows:
        turn = Turn(*row)
        events[turn.key].append(turn)
    return dict(events)


async def _read(clickhouse: ClickHouse, keys: Sequence[ConversationKey]) -> Sequence[Row]:
    if len(keys) > FEW_KEYS:
        return await clickhouse.rows(STATEMENT, tables=keys_table(keys))
    return await clickhouse.rows(FEW_STATEMENT, few_keys(keys))


def few_keys(keys: Iterable[ConversationKey]) -> dict[str, object]:
    """Return the parameters of `FROM_FEW`."""
    requested = list(keys)
    return {"sessions": list({session_id for _, session_id, _ in requested}), "requested": requested}


def keys_table(keys: Sequence[ConversationKey]) -> ExternalData:
    """Build the external table `requested` that `STATEMENT` reads.

    As a parameter the driver would escape the keys character by character, which takes as long as the query itself.
    """
    rows = b"\n".join(map(orjson.dumps, keys))
    return ExternalData(file_name="requested", data=rows, fmt="JSONCompactEachRow", structure=KEYS_STRUCTURE)


SELECT = f"SELECT {', '.join(columns(ArchivedTurn))} FROM turns WHERE "  # noqa: S608 - names of a struct's fields


async def read_archived_events(clickhouse: ClickHouse, where: Where) -> list[ArchivedTurn]:
    """Read every event of the conversations of `where`, some more than once, in no order.

    Raises:
        TransientError: a retry may succeed.
    """
    rows = await clickhouse.rows(SELECT + where.sql, where.parameters, as_bytes=["payload"])
    return [ArchivedTurn(*row) for row in rows]


async def write(clickhouse: ClickHouse, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
    """Write the rows and the events of a batch; a call may be repeated.

    The order matters. An event in the archive means that its conversation's row is written, and that superseded
    starts are deleted. A worker that finds it there after a crash need not know what else the dead worker had
    done. Rows whose events did not reach the archive are written again, since their offsets were not committed.

    Raises:
        TransientError: a retry may succeed.
    """
    await clickhouse.insert("conversations", rows)
    await clickhouse.insert("turns", events)
