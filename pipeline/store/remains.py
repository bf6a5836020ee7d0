"""Forgotten sessions in; what a database still has of them, found and deleted, out.

ClickHouse keeps the text of a deletion, so no session id stands there: rows are compared by digests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pipeline.store.client import ClickHouse
from pipeline.store.parts import KEY, LAST_TIME
from pipeline.store.render import render
from schemas.forgotten import ForgottenSession, Session, digest
from schemas.turn import ConversationKey

SESSIONS_AT_ONCE = 1_000
"""A replicated table keeps the text of a mutation in Keeper, which takes less than a megabyte at a time."""

UNTIL = (
    "transform(lower(hex(SHA256(concat(bot_id, '\\0', session_id)))), "
    "{sessions:Array(String)}, {untils:Array(Int64)}, toInt64(-1))"
)
"""The moment up to which the session of a row is forgotten, in milliseconds; -1 where it is not."""
SINCE = "fromUnixTimestamp64Milli({since:Int64}, 'UTC')"

EVENTS = f"""
SELECT bot_id, session_id, originating_request_id, uniqExactIf(event, gone), uniqExactIf(event, NOT gone),
       minIf(timestamp, gone)
FROM (SELECT bot_id, session_id, originating_request_id, timestamp, (timestamp, request_id, response_reason) AS event,
             toUnixTimestamp64Milli(timestamp) <= {UNTIL} AS gone
      FROM turns
      WHERE (bot_id, session_id) IN {{plain:Array(Tuple(String, String))}})
GROUP BY {KEY}
"""  # noqa: S608 - what is written in are expressions of our own

# rows that are replaced or taken back tell of somebody, too
ROWS = f"""
SELECT bot_id, session_id, originating_request_id, countIf(gone), maxIf(version, is_deleted), min(start)
FROM (SELECT bot_id, session_id, originating_request_id, start, version, is_deleted,
             toUnixTimestamp64Milli(start) <= {UNTIL} AS gone
      FROM conversations
      WHERE (bot_id, session_id) IN {{plain:Array(Tuple(String, String))}})
GROUP BY {KEY}
"""  # noqa: S608 - as above

# the bounds on the time let ClickHouse leave alone what lies in other months
DELETE_EVENTS = f"""
DELETE FROM turns
WHERE bot_id IN {{bots:Array(String)}} AND timestamp >= {SINCE} AND toUnixTimestamp64Milli(timestamp) <= {UNTIL}
"""  # noqa: S608 - as above
DELETE_ROWS = f"""
DELETE FROM conversations
WHERE bot_id IN {{bots:Array(String)}} AND start >= {SINCE} AND toUnixTimestamp64Milli(start) <= {UNTIL}
"""  # noqa: S608 - as above
DELETE_CONVERSATIONS = f"""
DELETE FROM conversations
WHERE bot_id IN {{bots:Array(String)}} AND start >= {SINCE}
  AND lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))) IN {{keys:Array(String)}}
"""  # noqa: S608 - as above
APPLY = ("ALTER TABLE turns APPLY DELETED MASK", "ALTER TABLE conversations APPLY DELETED MASK")
WAITING = " SETTINGS mutations_sync = 2"


@dataclass(frozen=True, slots=True)
class Remains:
    """What a database has of forgotten sessions.

    `events` counts those that are archived, by conversation. `rows` are the conversations with rows that were folded
    from such events. `lasting` are those of both that have later events, or rows that would hide theirs: all of their
    rows have to go, since a version of fewer events does not win against one of more.
    """

    events: dict[ConversationKey, int]
    rows: frozenset[ConversationKey]
    lasting: frozenset[ConversationKey]
    since: int
    """The first moment of all of it."""

    def __bool__(self) -> bool:
        return bool(self.events or self.rows)


async def find(clickhouse: ClickHouse, words: Mapping[Session, ForgottenSession]) -> Remains:
    """What there is of these sessions, each up to the moment that is said.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    events, rows, lasting, since = (
        dict[ConversationKey, int](),
        set[ConversationKey](),
        set[ConversationKey](),
        LAST_TIME,
    )
    for some in _bounded(words):
        kept: dict[ConversationKey, int] = {}
        for *key, gone, left, first in await clickhouse.rows(EVENTS, _parameters(some)):
            kept[tuple(key)] = left
            if gone:
                events[tuple(key)] = gone
                since = min(since, first)
        for *key, gone, hiding, first in await clickhouse.rows(ROWS, _parameters(some)):
            hides = hiding > kept.get(tuple(key), 0)
            if gone or hides:
                rows.add(tuple(key))
                since = min(since, first)
            if hides:
                lasting.add(tuple(key))
        lasting |= {key for key in events.keys() | rows if kept.get(key)}
    return Remains(events, frozenset(rows), frozenset(lasting), since)


async def delete(clickhouse: ClickHouse, words: Mapping[Session, ForgottenSession], remains: Remains) -> None:
    """Take that out of what queries see; on the disk it is until `apply`.

    It is a mutation: what is inserted meanwhile is not touched.

    Raises:
        TransientError: worth a second try; some of it may be gone.
    """
    for some in _bounded(words):
        parameters = {**_parameters(some), "bots": sorted({bot for bot, _ in some}), "since": remains.since}
        if remains.events:
            await _run(clickhouse, DELETE_EVENTS, parameters)
        if remains.rows:
            await _run(clickhouse, DELETE_ROWS, parameters)
    lasting = sorted(remains.lasting)
    for first in range(0, len(lasting), SESSIONS_AT_ONCE):
        keys = lasting[first : first + SESSIONS_AT_ONCE]
        named = {"keys": [digest(*key) for key in keys], "bots": sorted({bot for bot, *_ in keys})}
        await _run(clickhouse, DELETE_CONVERSATIONS, {**named, "since": remains.since})


async def apply(clickhouse: ClickHouse) -> None:
    """Write the parts anew of which something was deleted, without that; the old ones go some minutes later.

    Raises:
        TransientError: it takes longer than a statement may; ClickHouse goes on with it.
    """
    for statement in APPLY:
        for rendered in render(statement, clickhouse.cluster):
            await clickhouse.command(rendered + WAITING)


async def _run(clickhouse: ClickHouse, statement: str, parameters: Mapping[str, object]) -> None:
    for rendered in render(statement, clickhouse.cluster):
        await clickhouse.command(rendered, parameters)


def _bounded(words: Mapping[Session, ForgottenSession]) -> Iterator[dict[Session, ForgottenSession]]:
    items = iter(words.items())
    while some := dict(islice(items, SESSIONS_AT_ONCE)):
        yield some


def _parameters(words: Mapping[Session, ForgottenSession]) -> dict[str, object]:
    return {
        "plain": list(words),
        "sessions": [digest(*session) for session in words],
        "untils": [word.until for word in words.values()],
    }
