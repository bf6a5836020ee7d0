"""Conversations and the number of their events in; rows with versions that no such number gives, found and deleted."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.store.client import ClickHouse
from pipeline.store.render import render
from schemas.erasure import digest
from schemas.turn import ConversationKey

KEYS_A_QUERY = 5_000
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


async def newer_rows(clickhouse: ClickHouse, versions: Mapping[ConversationKey, int]) -> list[RowPlace]:
    """The rows, in force or replaced, whose version is greater than `versions` says that any may be.

    Raises:
        TransientError: worth a second try.
    """
    keys = list(versions)
    found: list[RowPlace] = []
    for first in range(0, len(keys), KEYS_A_QUERY):
        rows = await clickhouse.rows(VERSIONS, {"keys": keys[first : first + KEYS_A_QUERY]})
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
