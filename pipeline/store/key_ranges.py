"""Divide a scope of conversations into key ranges of bounded size, and pick single conversations."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from pipeline.store.client import ClickHouse
from schemas.turn import ConversationKey

EVENTS_A_PART = 50_000
"""Measured over 2 M turns: such a part takes 0.2 s and about 100 MB, and smaller ones take no less per event."""

KeyBound = tuple[str, str]
"""(session id, originating request id): a place in the order of a bot's conversations."""

KEY = "(bot_id, session_id, originating_request_id)"
LAST_TIME = 4_102_444_800_000
"""The year 2100 in milliseconds: no later event is valid."""

TIMES = {"turns": "timestamp", "conversations": "start"}
"""Table -> the column of its time."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The conversations with a sign of life in a time, in milliseconds, `until` exclusive; of one bot or of all."""

    bot_id: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def timed(self) -> bool:
        """Whether the time is bounded at all."""
        return self.since is not None or self.until is not None

    def parameters(self) -> dict[str, object]:
        """The bounds of the time."""
        return {"since": self.since or 0, "until": LAST_TIME if self.until is None else self.until}


@dataclass(frozen=True, slots=True)
class Where:
    """A condition that both tables know, and its parameters."""

    sql: str
    parameters: dict[str, object]


async def count_events(clickhouse: ClickHouse, scope: Scope) -> int:
    """About how many events an audit of `scope` looks at.

    Raises:
        TransientError: worth a second try.
    """
    where = "bot_id = {bot_id:String}" if scope.bot_id else "true"
    sql = f"SELECT count() FROM turns WHERE {where}{_in_time('timestamp', scope)}"  # noqa: S608 - conditions of our own
    return int((await clickhouse.rows(sql, {"bot_id": scope.bot_id or "", **scope.parameters()}))[0][0])


@dataclass(frozen=True, slots=True)
class Range:
    """A bot's conversations behind `after`, up to and with `upto`, by session and request; None is no bound."""

    bot_id: str
    after: KeyBound | None = None
    upto: KeyBound | None = None


async def parts(clickhouse: ClickHouse, scope: Scope, size: int = EVENTS_A_PART) -> AsyncIterator[Where]:
    """Conditions that divide the conversations of `scope`, each for some that have `size` events or rows in all.

    A conversation is never divided, so that there may be more. Those of which only one table knows are there too.

    Raises:
        TransientError: worth a second try.
    """
    for bot_id in await _bots(clickhouse, scope):
        async for part in divided(clickhouse, Range(bot_id), scope, size):
            yield condition(part, scope)


async def ranges(clickhouse: ClickHouse, scope: Scope, size: int) -> list[Range]:
    """The same as ranges of conversations.

    Raises:
        TransientError: worth a second try.
    """
    bots = await _bots(clickhouse, scope)
    return [part for bot_id in bots async for part in divided(clickhouse, Range(bot_id), scope, size)]


async def divided(
    clickhouse: ClickHouse, whole: Range, scope: Scope, size: int = EVENTS_A_PART
) -> AsyncIterator[Range]:
    """`whole` in ranges of about `size` events or rows of `scope` each, in order.

    Raises:
        TransientError: worth a second try.
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
    """The condition for the conversations of `part` that are in `scope`."""
    return _alive(_between(part.bot_id, part.after, part.upto), scope)


def single(keys: Iterable[ConversationKey]) -> Where:
    """The condition for these conversations."""
    return Where(f"{KEY} IN {{keys:Array(Tuple(String, String, String))}}", {"keys": list(keys)})


async def _bots(clickhouse: ClickHouse, scope: Scope) -> list[str]:
    if scope.bot_id is not None:
        return [scope.bot_id]
    sql = "SELECT DISTINCT bot_id FROM turns UNION DISTINCT SELECT DISTINCT bot_id FROM conversations"
    return sorted(bot_id for (bot_id,) in await clickhouse.rows(sql))


async def _end(clickhouse: ClickHouse, table: str, where: Where, scope: Scope, size: int) -> KeyBound | None:
    """Session and request of the row number `size` of `where` in `table`; None where there are not so many."""
    sql = (
        f"SELECT session_id, originating_request_id FROM {table} WHERE {where.sql}{_in_time(TIMES[table], scope)} "  # noqa: S608 - conditions of our own
        "ORDER BY bot_id, session_id, originating_request_id LIMIT 1 OFFSET {offset:UInt64}"
    )
    found = await clickhouse.rows(sql, {**where.parameters, **scope.parameters(), "offset": size - 1})
    return found[0] if found else None


def _between(bot_id: str, after: KeyBound | None, upto: KeyBound | None) -> Where:
    """The bot's conversations behind `after`, up to and with `upto`, by session and request.

    The condition on the session alone follows from that on both; it is the one that the primary index takes.
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


def _alive(where: Where, scope: Scope) -> Where:
    """Those of `where` with an event or a start in the time of `scope`; all where it has no bounds."""
    if not scope.timed:
        return where
    living = " UNION DISTINCT ".join(
        f"SELECT {KEY} FROM {table} WHERE {where.sql}{_in_time(moment, scope)}"  # noqa: S608 - conditions of our own
        for table, moment in TIMES.items()
    )
    return Where(f"{where.sql} AND {KEY} IN ({living})", where.parameters | scope.parameters())


def _in_time(column: str, scope: Scope) -> str:
    if not scope.timed:
        return ""
    begin, end = ("fromUnixTimestamp64Milli({" + bound + ":Int64}, 'UTC')" for bound in ("since", "until"))
    return f" AND {column} >= {begin} AND {column} < {end}"
