"""Find and delete rows of `conversations` that no events explain."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from schemas.erasure import digest
from schemas.turn import ConversationKey

KEYS_PER_LOOKUP = 5_000
PLACES_PER_DELETION = 200
"""The URL of a deletion holds its parameters, and servers accept URLs of some ten thousand bytes."""

VERSIONS = """
SELECT DISTINCT bot_id, start, session_id, originating_request_id, version
FROM conversations
WHERE (bot_id, session_id, originating_request_id) IN {keys:Array(Tuple(String, String, String))}
"""

# ClickHouse keeps the text of a deletion, so it must not contain a session id
DELETE = """
DELETE FROM conversations
WHERE (lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))),
  toUnixTimestamp64Milli(start), version) IN {places:Array(Tuple(String, Int64, UInt32))}
"""


class RowPlace(NamedTuple):
    """One version of one row: its place in the sorting key, `start` in milliseconds, and the version."""

    bot_id: str
    start: int
    session_id: str
    originating_request_id: str
    version: int

    @property
    def key(self) -> ConversationKey:
        """Return the key of its conversation."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def deletion_key(self) -> tuple[str, int, int]:
        """Return what identifies it in a deletion."""
        return (digest(*self.key), self.start, self.version)


async def rows_newer_than(clickhouse: ClickHouse, versions: Mapping[ConversationKey, int]) -> list[RowPlace]:
    """Find rows, current or replaced, whose version is greater than the maximum that `versions` gives for their key.

    Raises:
        TransientError: a retry may succeed.
    """
    keys = list(versions)
    newer: list[RowPlace] = []
    for first in range(0, len(keys), KEYS_PER_LOOKUP):
        rows = await clickhouse.rows(VERSIONS, {"keys": keys[first : first + KEYS_PER_LOOKUP]})
        newer += [place for place in (RowPlace(*row) for row in rows) if place.version > versions[place.key]]
    return sorted(newer)


async def delete_rows(clickhouse: ClickHouse, places: Sequence[RowPlace]) -> None:
    """Delete exactly these versions of rows, which no later row could ever replace.

    The mutation rewrites the masks of the parts concerned, and the call waits for it. It does not touch rows that
    are inserted meanwhile.

    Raises:
        TransientError: a retry may succeed; some of the rows may be deleted.
    """
    for first in range(0, len(places), PLACES_PER_DELETION):
        chunk = [place.deletion_key for place in places[first : first + PLACES_PER_DELETION]]
        for statement in render(DELETE, clickhouse.cluster):
            await clickhouse.command(statement, {"places": chunk})
