"""Read rows of `conversations` as queries see them, and with the events that they come from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pipeline.store.archive import TURN_COLUMNS, by_conversation, keys_table
from pipeline.store.connection.client import ClickHouse, Row
from pipeline.store.key_ranges import KEY, Where
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn

PLACES_PER_QUERY = 10_000
KEYS_PER_QUERY = 5_000

STATEMENT = f"""
SELECT {", ".join(columns(Conversation))}
FROM conversations FINAL
WHERE (bot_id, start, session_id, originating_request_id) IN (
    SELECT place.1, fromUnixTimestamp64Milli(place.2, 'UTC'), place.3, place.4
    FROM (SELECT arrayJoin(JSONExtract({{places:String}}, 'Array(Tuple(String, Int64, String, String))')) AS place))
"""  # noqa: S608 - interpolates names of a struct's fields

STARTS = """
SELECT bot_id, session_id, originating_request_id, start, version
FROM conversations FINAL
WHERE session_id IN (SELECT session_id FROM requested)
  AND (bot_id, session_id, originating_request_id) IN requested
"""

SINCE = """
SELECT bot_id, session_id, originating_request_id, start, version
FROM conversations FINAL
WHERE bot_id IN {bots:Array(String)} AND start >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND (bot_id, session_id, originating_request_id) IN JSONExtract({keys:String}, 'Array(Tuple(String, String, String))')
"""

GREATEST_VERSIONS = "SELECT bot_id, session_id, originating_request_id, max(version) FROM conversations "

SETTINGS = {
    # all versions of a row are in one partition, so FINAL need not merge across partitions
    "do_not_merge_across_partitions_select_final": 1,
    # the conditions use the sorting key alone, so they keep or drop all versions of a row before FINAL
    "optimize_move_to_prewhere_if_final": 1,
}


async def current_rows(
    clickhouse: ClickHouse, starts: Mapping[ConversationKey, Iterable[int]]
) -> dict[ConversationKey, list[Conversation]]:
    """Read the current rows of each conversation whose start, in milliseconds, is one of those given.

    The primary key contains the start, so the query looks up the rows instead of searching for them.

    Raises:
        TransientError: a retry may succeed.
    """
    places = [(bot_id, start, *rest) for (bot_id, *rest), of_key in starts.items() for start in of_key]
    current: defaultdict[ConversationKey, list[Conversation]] = defaultdict(list)
    for first in range(0, len(places), PLACES_PER_QUERY):
        chunk = orjson.dumps(places[first : first + PLACES_PER_QUERY]).decode()
        for row in await clickhouse.rows(STATEMENT, {"places": chunk}):
            conversation = _conversation(row)
            current[conversation.key].append(conversation)
    return dict(current)


async def current_starts(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey]
) -> dict[ConversationKey, dict[int, int]]:
    """Read the starts of the current rows of these conversations, in milliseconds, and the version of each row.

    Raises:
        TransientError: a retry may succeed.
    """
    starts: defaultdict[ConversationKey, dict[int, int]] = defaultdict(dict)
    for first in range(0, len(keys), KEYS_PER_QUERY):
        chunk = keys[first : first + KEYS_PER_QUERY]
        for bot_id, session_id, request_id, start, version in await clickhouse.rows(STARTS, tables=keys_table(chunk)):
            starts[bot_id, session_id, request_id][start] = version
    return dict(starts)


async def row_starts_since(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], since: int
) -> list[tuple[ConversationKey, int, int]]:
    """Read key, start and version of each current row of these conversations that starts at `since` or later.

    Times are in milliseconds. The query reads the keys of all conversations that these bots had in that time.

    Raises:
        TransientError: a retry may succeed.
    """
    rows = []
    for first in range(0, len(keys), PLACES_PER_QUERY):
        chunk = keys[first : first + PLACES_PER_QUERY]
        parameters = {"bots": sorted({bot for bot, *_ in chunk}), "since": since, "keys": orjson.dumps(chunk).decode()}
        for bot_id, session_id, request_id, start, version in await clickhouse.rows(SINCE, parameters):
            rows.append(((bot_id, session_id, request_id), start, version))
    return rows


@dataclass(frozen=True, slots=True)
class ArchiveAndRows:
    """The archived events and the rows of conversations.

    `events` may have several contents of one identity. `rows` has the current rows; `versions` has the greatest
    version of any row, deleted and replaced rows included.
    """

    events: dict[ConversationKey, list[Turn]]
    rows: dict[ConversationKey, list[Conversation]]
    versions: dict[ConversationKey, int]

    @property
    def keys(self) -> set[ConversationKey]:
        """Return the conversations that either table has."""
        return self.events.keys() | self.versions.keys()


async def read_archive_and_rows(clickhouse: ClickHouse, where: Where) -> ArchiveAndRows:
    """Read all events and all rows of the conversations of `where`.

    Raises:
        TransientError: a retry may succeed.
    """
    events = by_conversation(await _final(clickhouse, "turns", TURN_COLUMNS, where))
    rows: defaultdict[ConversationKey, list[Conversation]] = defaultdict(list)
    for row in await _final(clickhouse, "conversations", list(columns(Conversation)), where):
        conversation = _conversation(row)
        rows[conversation.key].append(conversation)
    greatest = await clickhouse.rows(GREATEST_VERSIONS + f"WHERE {where.sql} GROUP BY {KEY}", where.parameters)
    versions = {(bot_id, session_id, request_id): version for bot_id, session_id, request_id, version in greatest}
    return ArchiveAndRows(events, dict(rows), versions)


async def _final(clickhouse: ClickHouse, table: str, names: Sequence[str], where: Where) -> Sequence[Row]:
    sql = f"SELECT {', '.join(names)} FROM {table} FINAL WHERE {where.sql}"  # noqa: S608 - names and conditions of our own
    return await clickhouse.rows(sql, where.parameters, SETTINGS)


def _conversation(row: Row) -> Conversation:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return Conversation(*values)
