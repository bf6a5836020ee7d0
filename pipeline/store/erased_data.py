"""Find what a database still has of erased sessions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from pipeline.store.archive import TURN_COLUMNS, by_conversation
from pipeline.store.connection.client import ClickHouse
from schemas.erasure import Session
from schemas.turn import ConversationKey, Turn

SESSIONS_PER_QUERY = 200
"""Sessions in one query, which bounds the reply."""

# replaced and deleted rows hold a person's data too
ROWS = """
SELECT DISTINCT bot_id, session_id, originating_request_id, start, version, is_deleted
FROM conversations
WHERE (bot_id, session_id) IN {sessions:Array(Tuple(String, String))}
"""
EVENTS = f"""
SELECT {", ".join(TURN_COLUMNS)}
FROM turns
WHERE (bot_id, session_id) IN {{sessions:Array(Tuple(String, String))}}
"""  # noqa: S608 - names of a struct's fields

BOTS = """
SELECT DISTINCT bot_id FROM turns WHERE session_id = {session_id:String}
UNION DISTINCT
SELECT DISTINCT bot_id FROM conversations WHERE session_id = {session_id:String}
"""


class RowVersion(NamedTuple):
    """A version of a row, current or not, without its values; `start` in milliseconds."""

    start: int
    version: int
    is_deleted: int


@dataclass(slots=True)
class ErasedData:
    """What a database still has of erased sessions.

    `events` has the digests of archived events that are erased, by bot, with their timestamps in milliseconds.

    `rows` has the conversations all of whose rows must be deleted, with the starts of these rows. They show erased
    events, or delete the correct row; and a version of fewer events does not replace one of more.

    `due` has the conversations with other events that lack the one row of these, as after such a deletion, or where
    a process died in the middle of one.
    """

    events: dict[str, dict[int, int]] = field(default_factory=dict)
    rows: dict[ConversationKey, list[int]] = field(default_factory=dict)
    due: set[ConversationKey] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Return the number of events."""
        return sum(map(len, self.events.values()))

    def __bool__(self) -> bool:
        return bool(self.events or self.rows or self.due)


async def read_row_versions(
    clickhouse: ClickHouse, sessions: Collection[Session]
) -> dict[ConversationKey, list[RowVersion]]:
    """Read the versions of the rows of these sessions, current or not, by conversation.

    Raises:
        TransientError: a retry may succeed. StatementError: the tables do not exist, or no longer.
    """
    rows: defaultdict[ConversationKey, list[RowVersion]] = defaultdict(list)
    for chunk in bounded(sessions):
        for bot_id, session_id, request_id, *version in await clickhouse.rows(ROWS, {"sessions": chunk}):
            rows[bot_id, session_id, request_id].append(RowVersion(*version))
    return dict(rows)


async def read_archived(clickhouse: ClickHouse, sessions: Collection[Session]) -> dict[ConversationKey, list[Turn]]:
    """Read the archived events of these sessions, by conversation, some perhaps twice.

    Raises:
        TransientError: a retry may succeed. StatementError: the tables do not exist, or no longer.
    """
    chunks = [await clickhouse.rows(EVENTS, {"sessions": chunk}) for chunk in bounded(sessions)]
    return by_conversation(chain.from_iterable(chunks))


async def find_bots(clickhouse: ClickHouse, session_id: str) -> set[str]:
    """Find the bots that have events or rows of this session.

    Raises:
        TransientError: a retry may succeed. StatementError: the tables do not exist, or no longer.
    """
    return {bot_id for (bot_id,) in await clickhouse.rows(BOTS, {"session_id": session_id})}


def bounded(sessions: Iterable[Session]) -> Iterator[list[Session]]:
    """Divide sessions into lists for one query each, sorted."""
    items = iter(sorted(sessions))
    while chunk := list(islice(items, SESSIONS_PER_QUERY)):
        yield chunk
