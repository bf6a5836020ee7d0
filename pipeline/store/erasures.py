"""Keep the list of erasures, and delete what a database has of erased sessions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import orjson
from clickhouse_connect.driver.external import ExternalData

from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import TABLES
from pipeline.store.erased_data import ErasedData
from pipeline.store.schema.cluster_ddl import render
from schemas.erasure import ErasedEvent, Erasure, ErasureList, digest

SESSIONS_PER_QUERY = 20_000
EVENTS_PER_INSERT = 50_000

ANY_ERASURE = "SELECT 1 FROM forgotten LIMIT 1"
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
    """Load the erasures of these sessions alone, since the tables may be long. `sessions` are digests.

    Raises:
        TransientError: a retry may succeed.
    """
    erasures: list[Erasure] = []
    events: dict[str, list[int]] = {}
    digests = sorted(sessions)
    for offset in range(0, len(digests), SESSIONS_PER_QUERY):
        for bot_id, session, until, ends, erased_events in await live.rows(
            LOAD, tables=_sessions_table(digests[offset : offset + SESSIONS_PER_QUERY])
        ):
            if erased_events:
                events[session] = erased_events
            else:
                erasures.append(Erasure(bot_id, session, until, ends))
    return ErasureList(erasures, events)


async def has_erasures(live: ClickHouse) -> bool:
    """Return whether there is any erasure to load.

    Raises:
        TransientError: a retry may succeed.
    """
    return bool(await live.rows(ANY_ERASURE))


async def announce(live: ClickHouse, erasures: Iterable[Erasure]) -> None:
    """Announce erasures to every writer; repeating one announces that its process is about to write.

    Raises:
        TransientError: a retry may succeed.
    """
    await live.insert("forgotten", list(erasures))


async def register_erased_events(live: ClickHouse, events: Collection[ErasedEvent]) -> None:
    """Register events as erased for good; a call may be repeated.

    Raises:
        TransientError: a retry may succeed.
    """
    rows = list(events)
    for offset in range(0, len(rows), EVENTS_PER_INSERT):
        await live.insert("forgotten_events", rows[offset : offset + EVENTS_PER_INSERT])


def _sessions_table(sessions: Collection[str]) -> ExternalData:
    rows = b"\n".join(orjson.dumps([session]) for session in sessions)
    return ExternalData(file_name="requested", data=rows, fmt="JSONCompactEachRow", structure="session String")


DIGESTS_PER_DELETION = 300
KEYS_PER_DELETION = 100
"""The URL of a deletion holds its parameters, and servers accept URLs of some ten thousand bytes."""

Item = TypeVar("Item")

# the bounds on the time let ClickHouse skip the partitions of other months
MOMENT = "fromUnixTimestamp64Milli({%s:Int64}, 'UTC')"
SINCE, LAST = MOMENT % "since", MOMENT % "last"
EVENTS = f"""
DELETE FROM turns
WHERE bot_id = {{bot:String}} AND timestamp >= {SINCE} AND timestamp <= {LAST}
  AND reinterpretAsUInt64(substring(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id, '\\0',
  toString(toUnixTimestamp64Milli(timestamp)), '\\0', request_id, '\\0', response_reason)), 1, 8))
  IN {{events:Array(UInt64)}}
"""  # noqa: S608 - interpolates expressions of our own
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
WAIT_FOR_ALL = " SETTINGS mutations_sync = 2"


async def delete_erased_rows(clickhouse: ClickHouse, erased: ErasedData) -> None:
    """Delete the rows that show erased events, with all other rows of their conversations.

    Raises:
        TransientError: a retry may succeed; some of it may be deleted.
    """
    for keys in _chunks(sorted(erased.rows), KEYS_PER_DELETION):
        starts = [start for key in keys for start in erased.rows[key]]
        parameters = {"bots": sorted({bot_id for bot_id, *_ in keys}), "keys": [digest(*key) for key in keys]}
        await _run(clickhouse, ROWS, {**parameters, **_bounds(starts)})


async def delete_erased_events(clickhouse: ClickHouse, erased: ErasedData) -> None:
    """Delete erased events from what queries see; the disk holds them until `apply_deleted_masks`.

    These are mutations: they do not touch what is inserted meanwhile.

    Raises:
        TransientError: a retry may succeed; some of it may be deleted.
    """
    for bot_id, events in sorted(erased.events.items()):
        for chunk in _chunks(sorted(events, key=lambda event: events[event]), DIGESTS_PER_DELETION):
            parameters = {"bot": bot_id, "events": chunk}
            await _run(clickhouse, EVENTS, {**parameters, **_bounds([events[event] for event in chunk])})


async def apply_deleted_masks(clickhouse: ClickHouse) -> None:
    """Rewrite the parts that have deleted rows without these; the old parts are removed some minutes later.

    Raises:
        TransientError: it exceeds the timeout of a statement; ClickHouse completes it in the background.
    """
    tables = set(TABLES)
    if not clickhouse.cluster:  # on a cluster each server knows its own parts only
        tables = {table for (table,) in await clickhouse.rows(MASKED, {"tables": list(TABLES)})}
    for table in sorted(tables):
        for statement in render(APPLY.format(table=table), clickhouse.cluster):
            await clickhouse.command(statement + WAIT_FOR_ALL)


async def _run(clickhouse: ClickHouse, statement: str, parameters: Mapping[str, object]) -> None:
    for rendered in render(statement, clickhouse.cluster):
        await clickhouse.command(rendered, parameters)


def _bounds(moments: list[int]) -> dict[str, object]:
    return {"since": min(moments), "last": max(moments)}


def _chunks(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, count)):
        yield chunk
