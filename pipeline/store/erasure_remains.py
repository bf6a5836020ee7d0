"""Find what a database still has of erased sessions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from pipeline.store.client import ClickHouse, Row
from pipeline.store.key_ranges import KEY
from schemas.erasure import Erasure, Session, digest
from schemas.turn import ConversationKey

SESSIONS_AT_ONCE = 200
"""The parameters of a deletion stand in its address, of which servers take some ten thousand bytes."""

UNTIL = (
    "transform(lower(hex(SHA256(concat(bot_id, '\\0', session_id)))), "
    "{sessions:Array(String)}, {untils:Array(Int64)}, toInt64(-1))"
)
"""The moment up to which the session of a row is forgotten, in milliseconds; -1 where it is not."""

# rows that are replaced or taken back tell of somebody, too
ROWS = f"""
SELECT bot_id, session_id, originating_request_id, countIf(gone), min(start),
       groupUniqArrayIf((toUnixTimestamp64Milli(start), version), NOT gone AND NOT is_deleted),
       groupUniqArrayIf((toUnixTimestamp64Milli(start), version), NOT gone AND is_deleted)
FROM (SELECT bot_id, session_id, originating_request_id, start, version, is_deleted,
             toUnixTimestamp64Milli(start) <= {UNTIL} AS gone
      FROM conversations
      WHERE (bot_id, session_id) IN {{plain:Array(Tuple(String, String))}})
GROUP BY {KEY}
"""  # noqa: S608 - what is written in are expressions of our own
EVENTS = f"""
SELECT bot_id, session_id, originating_request_id, uniqExactIf(event, gone), minIf(timestamp, gone),
       uniqExactIf(event, NOT gone), minIf(timestamp, NOT gone)
FROM (SELECT bot_id, session_id, originating_request_id, timestamp, (timestamp, request_id, response_reason) AS event,
             toUnixTimestamp64Milli(timestamp) <= {UNTIL} AS gone
      FROM turns
      WHERE (bot_id, session_id) IN {{plain:Array(Tuple(String, String))}})
GROUP BY {KEY}
"""  # noqa: S608 - as above

BOTS = """
SELECT DISTINCT bot_id FROM turns WHERE session_id = {session_id:String}
UNION DISTINCT
SELECT DISTINCT bot_id FROM conversations WHERE session_id = {session_id:String}
"""


class Rows(NamedTuple):
    """Rows of one conversation, in force or not: how many begin in what is forgotten, and when the first.

    Of those that begin later, `told` has start and version of each that tells of the conversation, `taken_back` of each
    that takes such a one back. Times are in milliseconds.
    """

    gone: int = 0
    first: int = 0
    told: Sequence[tuple[int, int]] = ()
    taken_back: Sequence[tuple[int, int]] = ()

    @property
    def starts(self) -> set[int]:
        """The later starts of rows in force."""
        newest: dict[int, int] = {}
        for start, version in self.taken_back:
            newest[start] = max(version, newest.get(start, 0))
        return {start for start, version in self.told if version > newest.get(start, 0)}


class Events(NamedTuple):
    """Events of one conversation: how many are forgotten, and how many are not, each with their first moment."""

    gone: int = 0
    first: int = 0
    kept: int = 0
    start: int = 0


@dataclass(frozen=True, slots=True)
class Remains:
    """What a database has of forgotten sessions.

    `events` counts those that are archived, by conversation; `rows` are the conversations with rows that were folded
    from such events. Of `hidden` ones, rows take back the start of later events: a version of fewer events does not
    win against one of more, so that all rows have to go. `due` are those with later events that have not one row of
    them, as whoever died in the middle of this leaves them.
    """

    events: dict[ConversationKey, int] = field(default_factory=dict)
    rows: set[ConversationKey] = field(default_factory=set)
    hidden: set[ConversationKey] = field(default_factory=set)
    due: set[ConversationKey] = field(default_factory=set)
    moments: list[int] = field(default_factory=list)

    @property
    def since(self) -> int:
        """When the first of it was."""
        return min(self.moments)

    def __bool__(self) -> bool:
        return bool(self.events or self.rows or self.due)

    def take(self, key: ConversationKey, rows: Rows, events: Events) -> None:
        """Take in what there is of a conversation."""
        hides = any(
            version > events.kept or (start == events.start and version == events.kept)
            for start, version in rows.taken_back
        )
        if events.gone:
            self.events[key] = events.gone
            self.moments.append(events.first)
        if rows.gone or hides:
            self.rows.add(key)
            self.moments.append(rows.first)
        if hides or (rows.gone and rows.taken_back):
            self.hidden.add(key)
        if events.kept and (events.gone or rows.gone or hides or rows.starts != {events.start}):
            self.due.add(key)


async def find_remains(clickhouse: ClickHouse, words: Mapping[Session, Erasure]) -> Remains:
    """What there is of these sessions, each up to the moment that is said.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    remains = Remains()
    for some in bounded(words):
        # read in the order in which they are written: else the rows of what is just coming seem to know too much
        rows = {key: Rows(*told) for key, told in _by_key(await clickhouse.rows(ROWS, parameters(some)))}
        events = {key: Events(*told) for key, told in _by_key(await clickhouse.rows(EVENTS, parameters(some)))}
        for key in rows.keys() | events.keys():
            remains.take(key, rows.get(key, Rows()), events.get(key, Events()))
    return remains


async def bots_of(clickhouse: ClickHouse, session_id: str) -> set[str]:
    """The bots that have known this session.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    return {bot_id for (bot_id,) in await clickhouse.rows(BOTS, {"session_id": session_id})}


def bounded(words: Mapping[Session, Erasure]) -> Iterator[dict[Session, Erasure]]:
    """The same in as many as a statement takes."""
    items = iter(words.items())
    while some := dict(islice(items, SESSIONS_AT_ONCE)):
        yield some


def parameters(words: Mapping[Session, Erasure]) -> dict[str, object]:
    """What stands for them in a statement; `plain`, with the ids themselves, in none that ClickHouse keeps."""
    return {
        "plain": list(words),
        "sessions": [digest(*session) for session in words],
        "untils": [word.until for word in words.values()],
    }


def _by_key(rows: Sequence[Row]) -> Iterator[tuple[ConversationKey, list[Any]]]:
    for bot_id, session_id, request_id, *told in rows:
        yield (bot_id, session_id, request_id), told
