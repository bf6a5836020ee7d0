"""Keep the list of erasures, and delete what a database has of erased sessions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import orjson
from clickhouse_connect.driver.external import ExternalData

from pipeline.store.client import ClickHouse
from pipeline.store.erased_data import ErasedData
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.writer_state import TABLES
from schemas.erasure import ErasedEvent, Erasure, ErasureList, digest

SESSIONS_A_QUERY = 20_000
EVENTS_AN_INSERT = 50_000

ANYBODY = "SELECT 1 FROM forgotten LIMIT 1"
LOAD = """
SELECT toString(bot_id), session, max(until), argMax(ends, until), CAST([], 'Array(UInt64)')
FROM forgotten
WHERE session IN (SELECT session FROM requested)
GROUP BY bot_id, session
UNION ALL
SELECT '', session, fromUnixTimestamp64Milli(0, 'UTC'), '', groupUniqArray(event)
FROM forgotten_events
WHERE session IN (SELECT session FROM requested)
GROUP BY session
"""


async def load_erasures(live: ClickHouse, sessions: Collection[str]) -> ErasureList:
    """What is said of these sessions, which are digests, and of nobody else: the tables may be long.

    Raises:
        TransientError: worth a second try.
    """
    words: list[Erasure] = []
    events: dict[str, list[int]] = {}
    some = sorted(sessions)
    for first in range(0, len(some), SESSIONS_A_QUERY):
        for bot_id, session, until, ends, erased in await live.rows(
            LOAD, tables=_sessions_table(some[first:][:SESSIONS_A_QUERY])
        ):
            if erased:
                events[session] = erased
            else:
                words.append(Erasure(bot_id, session, until, ends))
    return ErasureList(words, events)


async def has_erasures(live: ClickHouse) -> bool:
    """Whether it is worth asking.

    Raises:
        TransientError: worth a second try.
    """
    return bool(await live.rows(ANYBODY))


async def announce(live: ClickHouse, words: Iterable[Erasure]) -> None:
    """Let every writer know; said once more, a word says that its speaker is about to write.

    Raises:
        TransientError: worth a second try.
    """
    await live.insert("forgotten", list(words))


async def register_erased_events(live: ClickHouse, events: Collection[ErasedEvent]) -> None:
    """Let these events be forgotten for good; that may be said twice.

    Raises:
        TransientError: worth a second try.
    """
    some = list(events)
    for first in range(0, len(some), EVENTS_AN_INSERT):
        await live.insert("forgotten_events", some[first : first + EVENTS_AN_INSERT])


def _sessions_table(sessions: Collection[str]) -> ExternalData:
    rows = b"\n".join(orjson.dumps([session]) for session in sessions)
    return ExternalData(file_name="requested", data=rows, fmt="JSONCompactEachRow", structure="session String")


DIGESTS_AT_ONCE = 300
KEYS_AT_ONCE = 100
"""The parameters of a deletion stand in its address, of which servers take some ten thousand bytes."""

Item = TypeVar("Item")

# the bounds on the time let ClickHouse leave alone what lies in other months
MOMENT = "fromUnixTimestamp64Milli({%s:Int64}, 'UTC')"
SINCE, LAST = MOMENT % "since", MOMENT % "last"
EVENTS = f"""
DELETE FROM turns
WHERE bot_id = {{bot:String}} AND timestamp >= {SINCE} AND timestamp <= {LAST}
  AND reinterpretAsUInt64(substring(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id, '\\0',
  toString(toUnixTimestamp64Milli(timestamp)), '\\0', request_id, '\\0', response_reason)), 1, 8))
  IN {{events:Array(UInt64)}}
"""  # noqa: S608 - what is written in are expressions of our own
ROWS = f"""
DELETE FROM conversations
WHERE bot_id IN {{bots:Array(String)}} AND start >= {SINCE} AND start <= {LAST}
  AND lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))) IN {{keys:Array(String)}}
"""  # noqa: S608 - as above

APPLY = "ALTER TABLE {table} APPLY DELETED MASK"
MASKED = """
SELECT DISTINCT table FROM system.parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND active AND has_lightweight_delete
"""
WAITING = " SETTINGS mutations_sync = 2"


async def delete_erased_rows(clickhouse: ClickHouse, remains: ErasedData) -> None:
    """Take away the rows that tell of what is forgotten, with all others of their conversations.

    Raises:
        TransientError: worth a second try; some of it may be gone.
    """
    for keys in _some(sorted(remains.rows), KEYS_AT_ONCE):
        starts = [start for key in keys for start in remains.rows[key]]
        named = {"bots": sorted({bot_id for bot_id, *_ in keys}), "keys": [digest(*key) for key in keys]}
        await _run(clickhouse, ROWS, {**named, **_bounds(starts)})


async def delete_erased_events(clickhouse: ClickHouse, remains: ErasedData) -> None:
    """Take what is forgotten out of what queries see; on the disk it is until `apply`.

    These are mutations: what is inserted meanwhile is not touched.

    Raises:
        TransientError: worth a second try; some of it may be gone.
    """
    for bot_id, events in sorted(remains.events.items()):
        for some in _some(sorted(events, key=lambda event: events[event]), DIGESTS_AT_ONCE):
            named = {"bot": bot_id, "events": some}
            await _run(clickhouse, EVENTS, {**named, **_bounds([events[event] for event in some])})


async def apply_deleted_masks(clickhouse: ClickHouse) -> None:
    """Write the parts anew of which something was deleted, without that; the old ones go some minutes later.

    Raises:
        TransientError: it takes longer than a statement may; ClickHouse goes on with it.
    """
    tables = set(TABLES)
    if not clickhouse.cluster:  # where each server knows of its own parts alone
        tables = {table for (table,) in await clickhouse.rows(MASKED, {"tables": list(TABLES)})}
    for table in sorted(tables):
        for statement in render(APPLY.format(table=table), clickhouse.cluster):
            await clickhouse.command(statement + WAITING)


async def _run(clickhouse: ClickHouse, statement: str, named: Mapping[str, object]) -> None:
    for rendered in render(statement, clickhouse.cluster):
        await clickhouse.command(rendered, named)


def _bounds(moments: list[int]) -> dict[str, object]:
    return {"since": min(moments), "last": max(moments)}


def _some(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    left = iter(items)
    while some := list(islice(left, count)):
        yield some
