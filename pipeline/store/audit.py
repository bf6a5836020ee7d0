"""Ranges of conversations, or single ones, in; what the archive and the rows say of them out."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from pipeline.store.client import ClickHouse, Row
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn

EVENTS_A_PART = 50_000
"""Measured over 2 M turns: such a part takes 0.2 s and about 100 MB, and smaller ones take no less per event."""

VERSIONS = "SELECT bot_id, session_id, originating_request_id, max(version) FROM conversations "
KEY = "(bot_id, session_id, originating_request_id)"
LAST_TIME = 4_102_444_800_000
"""The year 2100 in milliseconds: no later event is valid."""

SETTINGS = {
    # a key lies in one partition, so nothing has to be merged across them
    "do_not_merge_across_partitions_select_final": 1,
    # the conditions are on the sorting key alone, so that what they leave out before FINAL is no version of a row
    "optimize_move_to_prewhere_if_final": 1,
}


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


@dataclass(frozen=True, slots=True)
class Said:
    """What the archive and the rows say of conversations.

    `rows` are those that a query sees; `versions` has the greatest of any row, taken back or replaced ones included.
    """

    events: dict[ConversationKey, dict[tuple[int, str, str], Turn]]
    rows: dict[ConversationKey, list[Conversation]]
    versions: dict[ConversationKey, int]

    @property
    def keys(self) -> set[ConversationKey]:
        """The conversations that either table knows."""
        return self.events.keys() | self.versions.keys()


async def count_events(clickhouse: ClickHouse, scope: Scope) -> int:
    """About how many events an audit of `scope` looks at.

    Raises:
        TransientError: worth a second try.
    """
    where = "bot_id = {bot_id:String}" if scope.bot_id else "true"
    sql = f"SELECT count() FROM turns WHERE {where}{_in_time('timestamp', scope)}"  # noqa: S608 - conditions of our own
    return int((await clickhouse.rows(sql, {"bot_id": scope.bot_id or "", **scope.parameters()}))[0][0])


async def parts(clickhouse: ClickHouse, scope: Scope, size: int = EVENTS_A_PART) -> AsyncIterator[Where]:
    """Conditions that divide the conversations of `scope`, each for those with `size` events or a few more.

    A conversation is never divided. Conversations of which only one of the tables knows are in a part too.

    Raises:
        TransientError: worth a second try.
    """
    for bot_id in await _bots(clickhouse, scope):
        after: tuple[str, str] | None = None
        while True:
            upto = await _end(clickhouse, scope, _between(bot_id, after, None), size)
            yield _alive(_between(bot_id, after, upto), scope)
            if upto is None:
                break
            after = upto


def single(keys: Iterable[ConversationKey]) -> Where:
    """The condition for these conversations."""
    return Where(f"{KEY} IN {{keys:Array(Tuple(String, String, String))}}", {"keys": list(keys)})


async def look(clickhouse: ClickHouse, where: Where) -> Said:
    """All events and all rows of the conversations of `where`.

    Raises:
        TransientError: worth a second try.
    """
    said = Said(defaultdict(dict), defaultdict(list), {})
    for row in await _final(clickhouse, "turns", list(columns(Turn)), where):
        turn = Turn(*row)
        said.events[turn.key][turn.order] = turn
    for row in await _final(clickhouse, "conversations", list(columns(Conversation)), where):
        values = [tuple(value) if isinstance(value, list) else value for value in row]
        found = Conversation(*values)
        said.rows[found.bot_id, found.session_id, found.originating_request_id].append(found)
    for *key, version in await clickhouse.rows(VERSIONS + f"WHERE {where.sql} GROUP BY {KEY}", where.parameters):
        said.versions[tuple(key)] = version
    return said


async def _final(clickhouse: ClickHouse, table: str, names: list[str], where: Where) -> Sequence[Row]:
    sql = f"SELECT {', '.join(names)} FROM {table} FINAL WHERE {where.sql}"  # noqa: S608 - names and conditions of our own
    return await clickhouse.rows(sql, where.parameters, SETTINGS)


async def _bots(clickhouse: ClickHouse, scope: Scope) -> list[str]:
    if scope.bot_id is not None:
        return [scope.bot_id]
    sql = "SELECT DISTINCT bot_id FROM turns UNION DISTINCT SELECT DISTINCT bot_id FROM conversations"
    return sorted(bot_id for (bot_id,) in await clickhouse.rows(sql))


async def _end(clickhouse: ClickHouse, scope: Scope, where: Where, size: int) -> tuple[str, str] | None:
    """Session and request of the event number `size` of `where`; None where there are not so many."""
    sql = (
        f"SELECT session_id, originating_request_id FROM turns WHERE {where.sql}{_in_time('timestamp', scope)} "  # noqa: S608 - conditions of our own
        "ORDER BY bot_id, session_id, originating_request_id LIMIT 1 OFFSET {offset:UInt64}"
    )
    found = await clickhouse.rows(sql, {**where.parameters, **scope.parameters(), "offset": size - 1})
    return found[0] if found else None


def _between(bot_id: str, after: tuple[str, str] | None, upto: tuple[str, str] | None) -> Where:
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
        for table, moment in (("turns", "timestamp"), ("conversations", "start"))
    )
    return Where(f"{where.sql} AND {KEY} IN ({living})", where.parameters | scope.parameters())


def _in_time(column: str, scope: Scope) -> str:
    if not scope.timed:
        return ""
    begin, end = ("fromUnixTimestamp64Milli({" + bound + ":Int64}, 'UTC')" for bound in ("since", "until"))
    return f" AND {column} >= {begin} AND {column} < {end}"
