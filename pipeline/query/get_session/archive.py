"""Read a session's events from the archive with queries of bounded size."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pipeline.query.analytics.context import Row, RowSource
from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.get_session.event import SessionEvent, read_event
from schemas.columns import columns
from schemas.turn import ORDER_COLUMNS, Turn

TURN_COLUMNS = ", ".join(columns(Turn))
IDENTITY = "timestamp, request_id, response_reason, bot_id"
"""Columns that identify an event of a conversation. One bot name may stand for several bots, of V1 and of V2."""

ONE_CONTENT = "ORDER BY content DESC LIMIT 1 BY originating_request_id, timestamp, request_id, response_reason, bot_id"
"""Of several contents of one event, keep the one with the greatest digest, whatever alias or intent the others have."""

NEWEST_FIRST = ", ".join(f"{column} DESC" for column in (*ORDER_COLUMNS, "bot_id", "originating_request_id"))
MAX_BOTS = 1000
"""Maximum number of bots with one name."""
PAYLOADS_PER_QUERY = 25
"""Payloads in one query. Each may be a megabyte, and decoding them blocks the event loop."""
MAX_INTENTS = 1000
"""Distinct intents of a conversation that are read: as many as a bot's locale can have."""

BY_NAME = (
    "(bot_name = {bot:String} OR bot_id = {bot:String})"
    " AND (bot_alias_name = {alias:String} OR bot_alias_id = {alias:String})"
)
BY_ID = "bot_alias_id = {alias:String} AND locale_id IN ({locale:String}, '')"
"""An event of V1 may name no locale; it then matches every locale."""


@dataclass(frozen=True, slots=True)
class SessionSelector:
    """Select the events of one user of a bot.

    Attributes:
        bot_ids: ids of the bot; at least one.
        session_id: the user's session id.
        condition: further condition on an event: its alias, and the name of its bot or its locale.
    """

    bot_ids: tuple[str, ...]
    session_id: str
    condition: SqlFragment


def by_name(bot: str, ids: Sequence[str], alias: str, user: str) -> SessionSelector:
    """Select by name or id of bot and alias, where the bot's name stands for `ids`."""
    return SessionSelector(tuple(dict.fromkeys((bot, *ids))), user, SqlFragment(BY_NAME, {"bot": bot, "alias": alias}))


def by_id(bot_id: str, alias_id: str, locale_id: str, session_id: str) -> SessionSelector:
    """Select by the ids of bot, alias and locale."""
    return SessionSelector((bot_id,), session_id, SqlFragment(BY_ID, {"alias": alias_id, "locale": locale_id}))


def bots_by_name(name: str) -> SqlFragment:
    """Build the query for the ids of bots with this name; an id may be returned more than once."""
    return SqlFragment("SELECT bot_id FROM bots WHERE bot_name = {bot:String} LIMIT 1 BY bot_id LIMIT {most:UInt32}",
                 {"bot": name, "most": MAX_BOTS})  # fmt: skip


def newest(selector: SessionSelector, since: int) -> SqlFragment:
    """Build the query for the last event that is not older than `since`, in milliseconds; older rows are not read.

    There is one session, so LIMIT 1 BY session limits the whole result. With a plain LIMIT, ClickHouse would read the
    same block of rows twice: first to sort, then for the other columns of the row that is left.
    """
    return _select(
        TURN_COLUMNS,
        selector,
        "timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
        f"ORDER BY {NEWEST_FIRST} LIMIT 1 BY session_id",
        since=since,
    )


def last_by(column_list: str, selector: SessionSelector, conversation: str, limit: int) -> SqlFragment:
    """Build the query for the last event of each value of these columns, newest first, without payloads."""
    return _select(
        TURN_COLUMNS,
        selector,
        "originating_request_id = {conversation:String}",
        f"ORDER BY {NEWEST_FIRST} LIMIT 1 BY {column_list} LIMIT {{most:UInt32}}",
        conversation=conversation,
        most=limit,
    )


def payloads(selector: SessionSelector, turns: Sequence[Turn]) -> SqlFragment:
    """Build the query for identity and payload of these events of one conversation; broken characters are replaced."""
    times = [turn.timestamp for turn in turns]
    return _select(
        f"{IDENTITY}, toValidUTF8(payload)",
        selector,
        "originating_request_id = {conversation:String}\n"
        "  AND timestamp BETWEEN fromUnixTimestamp64Milli({first:Int64}, 'UTC')"
        " AND fromUnixTimestamp64Milli({last:Int64}, 'UTC')\n"
        "  AND (toUnixTimestamp64Milli(timestamp), request_id, response_reason, bot_id)"
        " IN {events:Array(Tuple(Int64, String, String, String))}",
        f"LIMIT 1 BY {IDENTITY}",
        conversation=turns[0].originating_request_id,
        first=min(times),
        last=max(times),
        events=[(*turn.identity, turn.bot_id) for turn in turns],
    )


def _select(result: str, selector: SessionSelector, condition: str, suffix: str, **parameters: object) -> SqlFragment:
    """Select columns of the events whose key matches `condition`; read payloads only if the result has them."""
    read = TURN_COLUMNS if result == TURN_COLUMNS else f"{TURN_COLUMNS}, payload"
    sql = (
        f"SELECT {result}\nFROM (\n"  # noqa: S608 - our own columns and conditions; values are bound
        f"  SELECT {read}\n  FROM turns\n"
        "  WHERE bot_id IN {bot_ids:Array(String)} AND session_id = {session_id:String}\n"
        f"    AND {condition}\n  {ONE_CONTENT})\n"
        f"WHERE {selector.condition.sql}\n{suffix}"
    )
    user = {"bot_ids": list(selector.bot_ids), "session_id": selector.session_id}
    return SqlFragment(sql, {**user, **selector.condition.parameters, **parameters})


@dataclass(frozen=True, slots=True)
class Archive:
    """Read events and names of bots from the tables `turns` and `bots`."""

    store: RowSource

    async def bots_by_name(self, name: str) -> list[str]:
        """Return the ids of the bots with this name."""
        return [bot_id for (bot_id,) in await self._rows(bots_by_name(name))]

    async def newest(self, selector: SessionSelector, since: int) -> Turn | None:
        """Return the last event if it is not older than `since`, in milliseconds, else None."""
        rows = await self._rows(newest(selector, since))
        return Turn(*rows[0]) if rows else None

    async def last_of_intents(self, selector: SessionSelector, conversation: str) -> list[Turn]:
        """Return the last event of each intent, and of those without one, newest first: the first is the last one."""
        return [Turn(*row) for row in await self._rows(last_by("intent_name", selector, conversation, MAX_INTENTS))]

    async def last(self, selector: SessionSelector, conversation: str, limit: int) -> list[Turn]:
        """Return the last `limit` events, newest first."""
        return [Turn(*row) for row in await self._rows(last_by(IDENTITY, selector, conversation, limit))]

    async def events(self, selector: SessionSelector, turns: Sequence[Turn]) -> AsyncIterator[list[SessionEvent]]:
        """Read and decode the payloads of these events of one conversation, in their order, chunk by chunk."""
        async for chunk in self.payloads(selector, turns):
            yield [read_event(turn, payload) for turn, payload in chunk]

    async def payloads(self, selector: SessionSelector, turns: Sequence[Turn]) -> AsyncIterator[list[tuple[Turn, str]]]:
        """Read the payloads of these events of one conversation, in their order, chunk by chunk."""
        for first in range(0, len(turns), PAYLOADS_PER_QUERY):
            chunk = turns[first : first + PAYLOADS_PER_QUERY]
            rows = await self._rows(payloads(selector, chunk))
            payload_of = {tuple(identity): payload for *identity, payload in rows}
            yield [(turn, payload_of.get((*turn.identity, turn.bot_id), "")) for turn in chunk]

    async def _rows(self, statement: SqlFragment) -> Sequence[Row]:
        return await self.store.rows(statement.sql, statement.parameters)
