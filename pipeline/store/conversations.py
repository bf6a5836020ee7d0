"""Read rows of `conversations` as queries see them, and find and delete rows that no events explain."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from pipeline.store.archive import KEYS_A_QUERY, keys_table
from pipeline.store.client import ClickHouse, Row
from pipeline.store.key_ranges import KEY, Where
from pipeline.store.schema.cluster_ddl import render
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.erasure import digest
from schemas.turn import ConversationKey, Turn

PLACES_A_QUERY = 10_000

STATEMENT = f"""
SELECT {", ".join(columns(Conversation))}
FROM conversations FINAL
WHERE (bot_id, start, session_id, originating_request_id) IN (
    SELECT place.1, fromUnixTimestamp64Milli(place.2, 'UTC'), place.3, place.4
    FROM (SELECT arrayJoin(JSONExtract({{places:String}}, 'Array(Tuple(String, Int64, String, String))')) AS place))
"""  # noqa: S608 - what is written in are names of a struct's fields


async def current_rows(
    clickhouse: ClickHouse, starts: Mapping[ConversationKey, Iterable[int]]
) -> dict[ConversationKey, list[Conversation]]:
    """The rows of each conversation whose start is one of those given, in milliseconds, and that are not taken back.

    They are found by the primary key, which has the start: where a row may lie is known, not searched for.

    Raises:
        TransientError: worth a second try.
    """
    places = [(bot_id, start, *rest) for (bot_id, *rest), some in starts.items() for start in some]
    found: defaultdict[ConversationKey, list[Conversation]] = defaultdict(list)
    for first in range(0, len(places), PLACES_A_QUERY):
        some = orjson.dumps(places[first : first + PLACES_A_QUERY]).decode()
        for row in await clickhouse.rows(STATEMENT, {"places": some}):
            values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
            seen = Conversation(*values)
            found[seen.bot_id, seen.session_id, seen.originating_request_id].append(seen)
    return dict(found)


STARTS = """
SELECT bot_id, session_id, originating_request_id, start
FROM conversations FINAL
WHERE session_id IN (SELECT session_id FROM requested)
  AND (bot_id, session_id, originating_request_id) IN requested
"""


async def current_starts(clickhouse: ClickHouse, keys: Sequence[ConversationKey]) -> dict[ConversationKey, list[int]]:
    """The starts of the rows of these conversations that queries see, in milliseconds.

    Raises:
        TransientError: worth a second try.
    """
    found: defaultdict[ConversationKey, list[int]] = defaultdict(list)
    for first in range(0, len(keys), KEYS_A_QUERY):
        some = keys[first : first + KEYS_A_QUERY]
        for bot_id, session_id, request_id, start in await clickhouse.rows(STARTS, tables=keys_table(some)):
            found[bot_id, session_id, request_id].append(start)
    return dict(found)


SINCE = """
SELECT bot_id, session_id, originating_request_id, start, version
FROM conversations FINAL
WHERE bot_id IN {bots:Array(String)} AND start >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND (bot_id, session_id, originating_request_id) IN JSONExtract({keys:String}, 'Array(Tuple(String, String, String))')
"""


async def row_starts_since(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], since: int
) -> list[tuple[ConversationKey, int, int]]:
    """Key, start and version of each row of these conversations that began then or later, in milliseconds.

    It reads all that the bots' conversations of that time are called.

    Raises:
        TransientError: worth a second try.
    """
    found = []
    for first in range(0, len(keys), PLACES_A_QUERY):
        some = keys[first : first + PLACES_A_QUERY]
        named = {"bots": sorted({bot for bot, *_ in some}), "since": since, "keys": orjson.dumps(some).decode()}
        for bot_id, session_id, request_id, start, version in await clickhouse.rows(SINCE, named):
            found.append(((bot_id, session_id, request_id), start, version))
    return found


KEYS_A_LOOKUP = 5_000
PLACES_A_DELETION = 200
"""The parameters of a deletion stand in its address, of which servers take some ten thousand bytes."""


class RowPlace(NamedTuple):
    """One version of one row: its place in the sorting key, `start` in milliseconds, and the version."""

    bot_id: str
    start: int
    session_id: str
    originating_request_id: str
    version: int

    @property
    def key(self) -> ConversationKey:
        """The conversation that it is a row of."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def named(self) -> tuple[str, int, int]:
        """What stands for it in a deletion."""
        return (digest(*self.key), self.start, self.version)


VERSIONS = """
SELECT DISTINCT bot_id, start, session_id, originating_request_id, version
FROM conversations
WHERE (bot_id, session_id, originating_request_id) IN {keys:Array(Tuple(String, String, String))}
"""

# ClickHouse keeps the text of a deletion, so that no session id stands there
DELETE = """
DELETE FROM conversations
WHERE (lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))),
  toUnixTimestamp64Milli(start), version) IN {places:Array(Tuple(String, Int64, UInt32))}
"""


async def rows_newer_than(clickhouse: ClickHouse, versions: Mapping[ConversationKey, int]) -> list[RowPlace]:
    """The rows, in force or replaced, whose version is greater than `versions` says that any may be.

    Raises:
        TransientError: worth a second try.
    """
    keys = list(versions)
    found: list[RowPlace] = []
    for first in range(0, len(keys), KEYS_A_LOOKUP):
        rows = await clickhouse.rows(VERSIONS, {"keys": keys[first : first + KEYS_A_LOOKUP]})
        found += [place for place in (RowPlace(*row) for row in rows) if place.version > versions[place.key]]
    return sorted(found)


async def delete_rows(clickhouse: ClickHouse, places: Sequence[RowPlace]) -> None:
    """Take exactly these versions out of the table: no later row could ever win against them.

    It is a mutation, which rewrites a mask of the parts concerned, and waits until that is done. Rows that
    are inserted meanwhile are not touched.

    Raises:
        TransientError: worth a second try; some of the rows may be gone.
    """
    for first in range(0, len(places), PLACES_A_DELETION):
        some = [place.named for place in places[first : first + PLACES_A_DELETION]]
        for statement in render(DELETE, clickhouse.cluster):
            await clickhouse.command(statement, {"places": some})


GREATEST_VERSIONS = "SELECT bot_id, session_id, originating_request_id, max(version) FROM conversations "

SETTINGS = {
    # a key lies in one partition, so nothing has to be merged across them
    "do_not_merge_across_partitions_select_final": 1,
    # the conditions are on the sorting key alone, so that what they leave out before FINAL is no version of a row
    "optimize_move_to_prewhere_if_final": 1,
}


@dataclass(frozen=True, slots=True)
class ArchiveAndRows:
    """What the archive and the rows say of conversations.

    `events` may have several contents of one identity. `rows` are those that a query sees; `versions` has the greatest
    of any row, taken back or replaced ones included.
    """

    events: dict[ConversationKey, list[Turn]]
    rows: dict[ConversationKey, list[Conversation]]
    versions: dict[ConversationKey, int]

    @property
    def keys(self) -> set[ConversationKey]:
        """The conversations that either table knows."""
        return self.events.keys() | self.versions.keys()


async def read_archive_and_rows(clickhouse: ClickHouse, where: Where) -> ArchiveAndRows:
    """All events and all rows of the conversations of `where`.

    Raises:
        TransientError: worth a second try.
    """
    said = ArchiveAndRows(defaultdict(list), defaultdict(list), {})
    for row in await _final(clickhouse, "turns", list(columns(Turn)), where):
        turn = Turn(*row)
        said.events[turn.key].append(turn)
    for row in await _final(clickhouse, "conversations", list(columns(Conversation)), where):
        values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
        found = Conversation(*values)
        said.rows[found.bot_id, found.session_id, found.originating_request_id].append(found)
    for *key, version in await clickhouse.rows(
        GREATEST_VERSIONS + f"WHERE {where.sql} GROUP BY {KEY}", where.parameters
    ):
        said.versions[tuple(key)] = version
    return said


async def _final(clickhouse: ClickHouse, table: str, names: list[str], where: Where) -> Sequence[Row]:
    sql = f"SELECT {', '.join(names)} FROM {table} FINAL WHERE {where.sql}"  # noqa: S608 - names and conditions of our own
    return await clickhouse.rows(sql, where.parameters, SETTINGS)
