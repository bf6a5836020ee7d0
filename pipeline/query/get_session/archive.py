"""Read a session's events from the archive, in steps that each stay bounded."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pipeline.query.get_session.event import SessionEvent, read_event
from pipeline.query.list_sessions.filters import SqlFragment
from pipeline.query.list_sessions.handler import Row, RowSource
from schemas.columns import columns
from schemas.turn import Turn

TURN_COLUMNS = ", ".join(columns(Turn))
IDENTITY = "timestamp, request_id, response_reason, bot_id"
"""What tells events of a conversation apart. The bot is in it, as a name may stand for several, of V1 and of V2."""

ONE_CONTENT = "ORDER BY content DESC LIMIT 1 BY originating_request_id, timestamp, request_id, response_reason, bot_id"
"""Of several contents of one event that with the greatest digest counts, whatever the others say of alias or intent."""

NEWEST_FIRST = "timestamp DESC, request_id DESC, response_reason DESC, bot_id DESC, originating_request_id DESC"
MOST_BOTS = 1000
"""Bots of one name that are looked at."""

BY_NAME = (
    "(bot_name = {bot:String} OR bot_id = {bot:String})"
    " AND (bot_alias_name = {alias:String} OR bot_alias_id = {alias:String})"
)
BY_ID = "bot_alias_id = {alias:String} AND locale_id IN ({locale:String}, '')"
"""An event of V1 need not name its locale; it is then of any."""


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where the events of one user of a bot are.

    Attributes:
        bot_ids: of the bot; at least one.
        session_id: the user's.
        condition: what else holds for an event: its alias, and its bot's name or its locale.
    """

    bot_ids: tuple[str, ...]
    session_id: str
    condition: SqlFragment


def named(bot: str, ids: Sequence[str], alias: str, user: str) -> SessionPlace:
    """The place of a bot and an alias by name or id, where the bot's name stands for `ids`."""
    return SessionPlace(tuple(dict.fromkeys((bot, *ids))), user, SqlFragment(BY_NAME, {"bot": bot, "alias": alias}))


def identified(bot_id: str, alias_id: str, locale_id: str, session_id: str) -> SessionPlace:
    """The place of a bot, an alias and a locale by their ids."""
    return SessionPlace((bot_id,), session_id, SqlFragment(BY_ID, {"alias": alias_id, "locale": locale_id}))


def bots_named(name: str) -> SqlFragment:
    """The ids of bots of this name, each perhaps more than once."""
    return SqlFragment("SELECT bot_id FROM bots WHERE bot_name = {bot:String} LIMIT 1 BY bot_id LIMIT {most:UInt32}",
                 {"bot": name, "most": MOST_BOTS})  # fmt: skip


def newest(place: SessionPlace, since: int) -> SqlFragment:
    """The last event that is not older than `since`, in milliseconds: what is older need not be read.

    There is one session, so the limit by it is one of all. Of a plain LIMIT, ClickHouse would read the same block
    of rows twice: first to sort, then the other columns of the one that is left.
    """
    return _select(
        TURN_COLUMNS,
        place,
        "timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
        f"ORDER BY {NEWEST_FIRST} LIMIT 1 BY session_id",
        since=since,
    )


def last_by(what: str, place: SessionPlace, conversation: str, most: int) -> SqlFragment:
    """The last event of each value of the columns `what`, the newest first, without payloads."""
    return _select(
        TURN_COLUMNS,
        place,
        "originating_request_id = {conversation:String}",
        f"ORDER BY {NEWEST_FIRST} LIMIT 1 BY {what} LIMIT {{most:UInt32}}",
        conversation=conversation,
        most=most,
    )


def payloads(place: SessionPlace, turns: Sequence[Turn]) -> SqlFragment:
    """Identity and payload of each of these events of one conversation; characters that were cut are replaced."""
    times = [turn.timestamp for turn in turns]
    return _select(
        f"{IDENTITY}, toValidUTF8(payload)",
        place,
        "originating_request_id = {conversation:String}\n"
        "  AND timestamp BETWEEN fromUnixTimestamp64Milli({first:Int64}, 'UTC')"
        " AND fromUnixTimestamp64Milli({last:Int64}, 'UTC')\n"
        "  AND (toUnixTimestamp64Milli(timestamp), request_id, response_reason, bot_id)"
        " IN {events:Array(Tuple(Int64, String, String, String))}",
        f"LIMIT 1 BY {IDENTITY}",
        conversation=turns[0].originating_request_id,
        first=min(times),
        last=max(times),
        events=[(*turn.order, turn.bot_id) for turn in turns],
    )


def _select(what: str, place: SessionPlace, condition: str, rest: str, **parameters: object) -> SqlFragment:
    """Read what events say that `condition`, on what identifies them, picks; payloads only where they are wanted."""
    read = TURN_COLUMNS if what == TURN_COLUMNS else f"{TURN_COLUMNS}, payload"
    sql = (
        f"SELECT {what}\nFROM (\n"  # noqa: S608 - names of columns and conditions of our own, whose values are bound
        f"  SELECT {read}\n  FROM turns\n"
        "  WHERE bot_id IN {bot_ids:Array(String)} AND session_id = {session_id:String}\n"
        f"    AND {condition}\n  {ONE_CONTENT})\n"
        f"WHERE {place.condition.sql}\n{rest}"
    )
    user = {"bot_ids": list(place.bot_ids), "session_id": place.session_id}
    return SqlFragment(sql, {**user, **place.condition.parameters, **parameters})


PAYLOADS = 25
"""Payloads of one query. Each may be a megabyte, and reading them keeps the process busy."""

MOST_INTENTS = 1000
"""Distinct intents of a conversation that are looked at: as many as a bot's locale can have."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Table `turns`, and the names of its bots."""

    store: RowSource

    async def bots_named(self, name: str) -> list[str]:
        """The ids of the bots of this name."""
        return [bot_id for (bot_id,) in await self._rows(bots_named(name))]

    async def newest(self, place: SessionPlace, since: int) -> Turn | None:
        """The last event, where there is one not older than `since`, in milliseconds."""
        rows = await self._rows(newest(place, since))
        return Turn(*rows[0]) if rows else None

    async def last_of_intents(self, place: SessionPlace, conversation: str) -> list[Turn]:
        """The last event of each intent and of what has none, the newest first; the first is the last of all."""
        return [Turn(*row) for row in await self._rows(last_by("intent_name", place, conversation, MOST_INTENTS))]

    async def last(self, place: SessionPlace, conversation: str, most: int) -> list[Turn]:
        """The last so many events, the newest first."""
        return [Turn(*row) for row in await self._rows(last_by(IDENTITY, place, conversation, most))]

    async def events(self, place: SessionPlace, turns: Sequence[Turn]) -> AsyncIterator[list[SessionEvent]]:
        """What the payloads of these events of one conversation say, in their order, some at a time."""
        for first in range(0, len(turns), PAYLOADS):
            some = turns[first : first + PAYLOADS]
            rows = await self._rows(payloads(place, some))
            found = {tuple(identity): payload for *identity, payload in rows}
            yield [read_event(turn, found.get((*turn.order, turn.bot_id), "")) for turn in some]

    async def _rows(self, statement: SqlFragment) -> Sequence[Row]:
        return await self.store.rows(statement.sql, statement.parameters)
