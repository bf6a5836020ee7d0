"""Conversations and the starts that they may have had, or a time, in; their rows as queries see them out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from pipeline.store.client import ClickHouse
from pipeline.store.read_back import KEYS_A_QUERY, asked
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ConversationKey

PLACES_A_QUERY = 10_000

STATEMENT = f"""
SELECT {", ".join(columns(Conversation))}
FROM conversations FINAL
WHERE (bot_id, start, session_id, originating_request_id) IN (
    SELECT place.1, fromUnixTimestamp64Milli(place.2, 'UTC'), place.3, place.4
    FROM (SELECT arrayJoin(JSONExtract({{places:String}}, 'Array(Tuple(String, Int64, String, String))')) AS place))
"""  # noqa: S608 - what is written in are names of a struct's fields


async def rows_in_force(
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
WHERE session_id IN (SELECT session_id FROM asked)
  AND (bot_id, session_id, originating_request_id) IN asked
"""


async def current_starts(clickhouse: ClickHouse, keys: Sequence[ConversationKey]) -> dict[ConversationKey, list[int]]:
    """The starts of the rows of these conversations that queries see, in milliseconds.

    Raises:
        TransientError: worth a second try.
    """
    found: defaultdict[ConversationKey, list[int]] = defaultdict(list)
    for first in range(0, len(keys), KEYS_A_QUERY):
        some = keys[first : first + KEYS_A_QUERY]
        for bot_id, session_id, request_id, start in await clickhouse.rows(STARTS, tables=asked(some)):
            found[bot_id, session_id, request_id].append(start)
    return dict(found)


SINCE = """
SELECT bot_id, session_id, originating_request_id, start, version
FROM conversations FINAL
WHERE bot_id IN {bots:Array(String)} AND start >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND (bot_id, session_id, originating_request_id) IN JSONExtract({keys:String}, 'Array(Tuple(String, String, String))')
"""


async def rows_since(
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
