"""Find what a database still has of erased sessions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from pipeline.store.client import ClickHouse
from schemas.columns import columns
from schemas.erasure import Session
from schemas.turn import ConversationKey, Turn

SESSIONS_AT_ONCE = 200
"""The reply stays bounded."""

# rows that are replaced or taken back tell of somebody, too
ROWS = """
SELECT DISTINCT bot_id, session_id, originating_request_id, start, version, is_deleted
FROM conversations
WHERE (bot_id, session_id) IN {sessions:Array(Tuple(String, String))}
"""
EVENTS = f"""
SELECT {", ".join(columns(Turn))}
FROM turns
WHERE (bot_id, session_id) IN {{sessions:Array(Tuple(String, String))}}
"""  # noqa: S608 - names of a struct's fields

BOTS = """
SELECT DISTINCT bot_id FROM turns WHERE session_id = {session_id:String}
UNION DISTINCT
SELECT DISTINCT bot_id FROM conversations WHERE session_id = {session_id:String}
"""


class RowVersion(NamedTuple):
    """A row, in force or not, as far as it matters here; `start` in milliseconds."""

    start: int
    version: int
    is_deleted: int


@dataclass(slots=True)
class ErasedData:
    """What a database has of forgotten sessions.

    `events` are digests of those that are archived, with their moments; `rows` the conversations all of whose rows have
    to go, with their starts: they tell of such events, or take back what is right, and a version of fewer events
    does not win against one of more. `due` are those with other events that have not one row of them, as they are
    then, or as whoever died in the middle of this leaves them.
    """

    events: dict[str, dict[int, int]] = field(default_factory=dict)
    rows: dict[ConversationKey, list[int]] = field(default_factory=dict)
    due: set[ConversationKey] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many events."""
        return sum(map(len, self.events.values()))

    def __bool__(self) -> bool:
        return bool(self.events or self.rows or self.due)


async def read_row_versions(
    clickhouse: ClickHouse, sessions: Collection[Session]
) -> dict[ConversationKey, list[RowVersion]]:
    """The rows of these sessions, in force or not, by conversation.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    found: defaultdict[ConversationKey, list[RowVersion]] = defaultdict(list)
    for some in bounded(sessions):
        for bot_id, session_id, request_id, *told in await clickhouse.rows(ROWS, {"sessions": some}):
            found[bot_id, session_id, request_id].append(RowVersion(*told))
    return dict(found)


async def read_archived(clickhouse: ClickHouse, sessions: Collection[Session]) -> dict[ConversationKey, list[Turn]]:
    """The archived events of these sessions, by conversation, some perhaps twice.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    found: defaultdict[ConversationKey, list[Turn]] = defaultdict(list)
    for some in bounded(sessions):
        for row in await clickhouse.rows(EVENTS, {"sessions": some}):
            turn = Turn(*row)
            found[turn.key].append(turn)
    return dict(found)


async def find_bots(clickhouse: ClickHouse, session_id: str) -> set[str]:
    """The bots that have known this session.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    return {bot_id for (bot_id,) in await clickhouse.rows(BOTS, {"session_id": session_id})}


def bounded(sessions: Iterable[Session]) -> Iterator[list[Session]]:
    """The same in as many as a statement takes."""
    items = iter(sorted(sessions))
    while some := list(islice(items, SESSIONS_AT_ONCE)):
        yield some
