"""Read one conversation, event by event and in order, from the archive; find texts in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.analytics.context import NO_BOT, Row, RowSource
from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.get_session.archive import ONE_CONTENT, TURN_COLUMNS, Archive, SessionSelector
from pipeline.query.get_session.event import SessionEvent, read_event
from schemas.turn import ORDER_COLUMNS, Turn

MAX_BYTES = 4 * 1024 * 1024
"""Characters of payloads after which a page ends: each payload may be a megabyte."""
MAX_FOUND = 500
"""Events that a search finds."""
OLDEST_FIRST = ", ".join(ORDER_COLUMNS)

OF_CONVERSATION = (
    "FROM turns\n"
    "  WHERE bot_id = {bot_id:String} AND session_id = {session_id:String}\n"
    f"    AND originating_request_id = {{conversation:String}}\n  {ONE_CONTENT}"
)
EVENTS = f"""\
SELECT {TURN_COLUMNS}, count() OVER ()
FROM (SELECT {TURN_COLUMNS} {OF_CONVERSATION})
ORDER BY {OLDEST_FIRST}
LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}
"""  # noqa: S608 - constants only; every value is a parameter
LAST_WITH_INTENT = f"""\
SELECT {TURN_COLUMNS}
FROM (SELECT {TURN_COLUMNS} {OF_CONVERSATION})
WHERE intent_name != ''
ORDER BY {", ".join(f"{column} DESC" for column in ORDER_COLUMNS)}
LIMIT 1
"""  # noqa: S608 - as above
TEXTS = (
    "arrayConcat([JSONExtractString(payload, 'inputTranscript'), JSONExtractString(payload, 'botResponse')], "
    "arrayMap(message -> JSONExtractString(message, 'content'), JSONExtractArrayRaw(payload, 'messages')))"
)
FOUND = f"""\
SELECT number - 1, toUnixTimestamp64Milli(timestamp)
FROM (
    SELECT row_number() OVER (ORDER BY {OLDEST_FIRST}) AS number, timestamp, payload
    FROM (SELECT {TURN_COLUMNS}, payload {OF_CONVERSATION}))
WHERE arrayExists(text -> positionCaseInsensitiveUTF8(text, {{find:String}}) > 0, {TEXTS})
ORDER BY number
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """An event, its place in the conversation from 0, and its log entry as text."""

    index: int
    event: SessionEvent
    entry: str


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Events of a conversation: those before, those of the page, and how many there are at all.

    `before` is the event before the page, without its payload, or None at the beginning.
    """

    total: int
    before: Turn | None
    events: tuple[ArchivedEvent, ...]


@dataclass(frozen=True, slots=True)
class ConversationReader:
    """Read one conversation. Of a bot that `allowed` denies, there are no conversations.

    Attributes:
        store: ClickHouse, with the table `turns`.
        bot_id: the bot.
        session_id: the user's session.
        conversation: the originating request id.
        allowed: the key may access the bot.
    """

    store: RowSource
    bot_id: str
    session_id: str
    conversation: str
    allowed: bool

    async def page(self, offset: int, limit: int) -> ConversationPage:
        """Return the events from number `offset` on: `limit` of them, fewer if they are longer than MAX_BYTES."""
        first = max(0, offset - 1)
        rows = await self._rows(EVENTS, limit=limit + offset - first, offset=first)
        if not rows and first:  # beyond the end, where no row tells how many there are
            some = await self._rows(EVENTS, limit=1, offset=0)
            return ConversationPage(some[0][-1] if some else 0, None, ())
        turns = [Turn(*row[:-1]) for row in rows]
        before = turns.pop(0) if turns and first < offset else None
        return ConversationPage(rows[0][-1] if rows else 0, before, tuple(await self._events(turns, offset)))

    async def last_with_intent(self) -> Turn | None:
        """Return the last event that has an intent, which decides the end state; None if there is none."""
        rows = await self._rows(LAST_WITH_INTENT)
        return Turn(*rows[0]) if rows else None

    async def find(self, text: str) -> list[tuple[int, int]]:
        """Return number and time (ms) of the first MAX_FOUND events whose texts contain `text`, in any case."""
        return [(index, time) for index, time in await self._rows(FOUND, find=text, limit=MAX_FOUND)]

    async def _events(self, turns: Sequence[Turn], offset: int) -> list[ArchivedEvent]:
        events: list[ArchivedEvent] = []
        selector = SessionSelector((self._bot,), self.session_id, SqlFragment("1", {}))
        async for chunk in Archive(self.store).payloads(selector, turns):
            for turn, entry in chunk:
                events.append(ArchivedEvent(offset + len(events), read_event(turn, entry), entry))
            if sum(each.event.size for each in events) > MAX_BYTES:
                break
        return events

    async def _rows(self, statement: str, **parameters: object) -> Sequence[Row]:
        of = {"bot_id": self._bot, "session_id": self.session_id, "conversation": self.conversation}
        return await self.store.rows(statement, {**of, **parameters})

    @property
    def _bot(self) -> str:
        return self.bot_id if self.allowed else NO_BOT
