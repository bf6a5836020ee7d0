"""Which session is asked for in; the SELECTs that read it along the archive's key out, with bound parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.filters import Bound
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
class Place:
    """Where the events of one user of a bot are.

    Attributes:
        bot_ids: of the bot; at least one.
        session_id: the user's.
        condition: what else holds for an event: its alias, and its bot's name or its locale.
    """

    bot_ids: tuple[str, ...]
    session_id: str
    condition: Bound


def named(bot: str, ids: Sequence[str], alias: str, user: str) -> Place:
    """The place of a bot and an alias by name or id, where the bot's name stands for `ids`."""
    return Place(tuple(dict.fromkeys((bot, *ids))), user, Bound(BY_NAME, {"bot": bot, "alias": alias}))


def identified(bot_id: str, alias_id: str, locale_id: str, session_id: str) -> Place:
    """The place of a bot, an alias and a locale by their ids."""
    return Place((bot_id,), session_id, Bound(BY_ID, {"alias": alias_id, "locale": locale_id}))


def bots_named(name: str) -> Bound:
    """The ids of bots of this name, each perhaps more than once."""
    return Bound("SELECT bot_id FROM bots WHERE bot_name = {bot:String} LIMIT 1 BY bot_id LIMIT {most:UInt32}",
                 {"bot": name, "most": MOST_BOTS})  # fmt: skip


def newest(place: Place, since: int) -> Bound:
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


def last_by(what: str, place: Place, conversation: str, most: int) -> Bound:
    """The last event of each value of the columns `what`, the newest first, without payloads."""
    return _select(
        TURN_COLUMNS,
        place,
        "originating_request_id = {conversation:String}",
        f"ORDER BY {NEWEST_FIRST} LIMIT 1 BY {what} LIMIT {{most:UInt32}}",
        conversation=conversation,
        most=most,
    )


def payloads(place: Place, turns: Sequence[Turn]) -> Bound:
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


def _select(what: str, place: Place, condition: str, rest: str, **parameters: object) -> Bound:
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
    return Bound(sql, {**user, **place.condition.parameters, **parameters})
