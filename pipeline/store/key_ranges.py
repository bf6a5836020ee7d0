"""Divide a scope of conversations into key ranges of bounded size, and pick single conversations."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from pipeline.store.connection.client import ClickHouse
from pipeline.store.scope import Scope
from schemas.turn import ConversationKey

EVENTS_PER_PART = 50_000
"""Events or rows in a part. Measured over 2 M turns, a part takes 0.2 s and about 100 MB, and smaller ones take no less
per event."""

KeyBound = tuple[str, str]
"""(session id, originating request id): a position in the order of a bot's conversations."""

KEY = "(bot_id, session_id, originating_request_id)"
TIMES = {"turns": "timestamp", "conversations": "start"}
"""Table -> its time column."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on columns that both tables have, and its parameters."""

    sql: str
    parameters: dict[str, object]


async def count_events(clickhouse: ClickHouse, scope: Scope) -> int:
    """Count roughly the events that an audit of `scope` reads.

    Raises:
        TransientError: a retry may succeed.
    """
    where = "bot_id = {bot_id:String}" if scope.bot_id else "true"
    sql = f"SELECT count() FROM turns WHERE {where}{_in_time('timestamp', scope)}"  # noqa: S608 - interpolates conditions of our own
    return int((await clickhouse.rows(sql, {"bot_id": scope.bot_id or "", **scope.parameters()}))[0][0])


@dataclass(frozen=True, slots=True)
class Range:
    """The conversations of a bot after `after` and up to `upto`, inclusive, by session and request; None: no bound."""

    bot_id: str
    after: KeyBound | None = None
    upto: KeyBound | None = None


async def parts(clickhouse: ClickHouse, scope: Scope, size: int = EVENTS_PER_PART) -> AsyncIterator[Where]:
    """Yield conditions that divide the conversations of `scope` into parts of about `size` events or rows each.

    A conversation is never divided, so a part may be larger. Conversations that only one table has are included.

    Raises:
        TransientError: a retry may succeed.
    """
    for bot_id in await _bots(clickhouse, scope):
        async for part in divided(clickhouse, Range(bot_id), scope, size):
            yield condition(part, scope)


async def ranges(clickhouse: ClickHouse, scope: Scope, size: int) -> list[Range]:
    """Divide the conversations of `scope` into ranges of about `size` events or rows each.

    Raises:
        TransientError: a retry may succeed.
    """
    bots = await _bots(clickhouse, scope)
    return [part for bot_id in bots async for part in divided(clickhouse, Range(bot_id), scope, size)]


async def divided(clickhouse: ClickHouse, whole: Range, scope: Scope, size: int) -> AsyncIterator[Range]:
    """Divide `whole` into ranges of about `size` events or rows of `scope` each, in order.

    Raises:
        TransientError: a retry may succeed.
    """
    bot_id, after, last = whole.bot_id, whole.after, whole.upto
    while True:
        upto = await _end(clickhouse, "turns", _between(bot_id, after, last), scope, size) or last
        upto = await _end(clickhouse, "conversations", _between(bot_id, after, upto), scope, size) or upto
        yield Range(bot_id, after, upto)
        if upto == last:
            break
        after = upto


def condition(part: Range, scope: Scope) -> Where:
    """Build the condition for the conversations of `part` that are in `scope`."""
    return _in_scope(_between(part.bot_id, part.after, part.upto), scope)


def single(keys: Iterable[ConversationKey]) -> Where:
    """Build the condition for these conversations."""
    return Where(f"{KEY} IN {{keys:Array(Tuple(String, String, String))}}", {"keys": list(keys)})


async def _bots(clickhouse: ClickHouse, scope: Scope) -> list[str]:
    if scope.bot_id is not None:
        return [scope.bot_id]
    sql = "SELECT DISTINCT bot_id FROM turns UNION DISTINCT SELECT DISTINCT bot_id FROM conversations"
    return sorted(bot_id for (bot_id,) in await clickhouse.rows(sql))


async def _end(clickhouse: ClickHouse, table: str, where: Where, scope: Scope, size: int) -> KeyBound | None:
    """Find session and request of row number `size` of `where` in `table`; None if there are fewer rows."""
    sql = (
        f"SELECT session_id, originating_request_id FROM {table} WHERE {where.sql}{_in_time(TIMES[table], scope)} "  # noqa: S608 - interpolates conditions of our own
        "ORDER BY bot_id, session_id, originating_request_id LIMIT 1 OFFSET {offset:UInt64}"
    )
    rows = await clickhouse.rows(sql, {**where.parameters, **scope.parameters(), "offset": size - 1})
    return rows[0] if rows else None


def _between(bot_id: str, after: KeyBound | None, upto: KeyBound | None) -> Where:
    """Build the condition for a bot's conversations after `after` and up to `upto`, inclusive, by session and request.

    The condition on the session alone follows from the one on both; it is the one that the primary index can use.
    """
    conditions, parameters = ["bot_id = {bot_id:String}"], {"bot_id": bot_id}
    for name, sign, loose, bound in (("after", ">", ">=", after), ("upto", "<=", "<=", upto)):
        if bound is not None:
            session, request = f"{{{name}_session:String}}", f"{{{name}_request:String}}"
            conditions += [
                f"session_id {loose} {session}",
                f"(session_id, originating_request_id) {sign} ({session}, {request})",
            ]
            parameters |= {f"{name}_session": bound[0], f"{name}_request": bound[1]}
    return Where(" AND ".join(conditions), dict(parameters))


def _in_scope(where: Where, scope: Scope) -> Where:
    """Restrict `where` to conversations with an event or a start in the time range of `scope`, if it has bounds."""
    if not scope.timed:
        return where
    matching = " UNION DISTINCT ".join(
        f"SELECT {KEY} FROM {table} WHERE {where.sql}{_in_time(column, scope)}"  # noqa: S608 - interpolates conditions of our own
        for table, column in TIMES.items()
    )
    return Where(f"{where.sql} AND {KEY} IN ({matching})", where.parameters | scope.parameters())


def _in_time(column: str, scope: Scope) -> str:
    if not scope.timed:
        return ""
    begin, end = ("fromUnixTimestamp64Milli({" + bound + ":Int64}, 'UTC')" for bound in ("since", "until"))
    return f" AND {column} >= {begin} AND {column} < {end}"
