"""Keep the list of erasures, and delete what a database has of erased sessions."""

from collections.abc import Iterable, Mapping

from pipeline.store.client import ClickHouse
from pipeline.store.erasure_remains import SESSIONS_AT_ONCE, UNTIL, Remains, bounded, parameters
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.writer_state import TABLES
from schemas.erasure import Erasure, ErasureList, Session, digest

LOAD = "SELECT bot_id, session, max(until) FROM forgotten GROUP BY bot_id, session"


async def load_forgotten(live: ClickHouse) -> ErasureList:
    """Everything that is forgotten now.

    Raises:
        TransientError: worth a second try.
    """
    return ErasureList(Erasure(*row) for row in await live.rows(LOAD))


async def say(live: ClickHouse, words: Iterable[Erasure]) -> None:
    """Let every writer know; said once more, a word says that its speaker is about to write.

    Raises:
        TransientError: worth a second try.
    """
    await live.insert("forgotten", list(words))


# the bound on the time lets ClickHouse leave alone what lies in earlier months
SINCE = "fromUnixTimestamp64Milli({since:Int64}, 'UTC')"
EVENTS = f"""
DELETE FROM turns
WHERE bot_id IN {{bots:Array(String)}} AND timestamp >= {SINCE} AND toUnixTimestamp64Milli(timestamp) <= {UNTIL}
"""  # noqa: S608 - what is written in are expressions of our own
ROWS = f"""
DELETE FROM conversations
WHERE bot_id IN {{bots:Array(String)}} AND start >= {SINCE} AND toUnixTimestamp64Milli(start) <= {UNTIL}
"""  # noqa: S608 - as above
LATER_ROWS = f"""
DELETE FROM conversations
WHERE bot_id IN {{bots:Array(String)}} AND start >= {SINCE} AND toUnixTimestamp64Milli(start) > {UNTIL}
  AND lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))) IN {{keys:Array(String)}}
"""  # noqa: S608 - as above

APPLY = "ALTER TABLE {table} APPLY DELETED MASK"
MASKED = """
SELECT DISTINCT table FROM system.parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND active AND has_lightweight_delete
"""
WAITING = " SETTINGS mutations_sync = 2"


async def uncover(clickhouse: ClickHouse, words: Mapping[Session, Erasure], remains: Remains) -> None:
    """Take away the later rows of conversations whose later events they hide.

    Raises:
        TransientError: worth a second try; some of it may be gone.
    """
    hidden = sorted(remains.hidden)
    for first in range(0, len(hidden), SESSIONS_AT_ONCE):
        keys = hidden[first : first + SESSIONS_AT_ONCE]
        some = {key[:2]: words[key[:2]] for key in keys}
        await _run(clickhouse, LATER_ROWS, {**_named(some, remains), "keys": [digest(*key) for key in keys]})


async def erase(clickhouse: ClickHouse, words: Mapping[Session, Erasure], remains: Remains) -> None:
    """Take what is forgotten out of what queries see; on the disk it is until `apply`.

    These are mutations: what is inserted meanwhile is not touched.

    Raises:
        TransientError: worth a second try; some of it may be gone.
    """
    for some in bounded(words):
        if remains.rows:
            await _run(clickhouse, ROWS, _named(some, remains))
        if remains.events:
            await _run(clickhouse, EVENTS, _named(some, remains))


async def apply(clickhouse: ClickHouse) -> None:
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


def _named(words: Mapping[Session, Erasure], remains: Remains) -> dict[str, object]:
    named = parameters(words)
    del named["plain"]
    return {**named, "bots": sorted({bot_id for bot_id, _ in words}), "since": remains.since}
