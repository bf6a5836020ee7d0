"""Where a session's events are in; the events out, read from the archive in steps that each stay bounded."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pipeline.query.filters import Bound
from pipeline.query.session_event import Event, read_event
from pipeline.query.session_statement import IDENTITY, Place, bots_named, last_by, newest, payloads
from pipeline.query.sessions import Row, Rows
from schemas.turn import Turn

PAYLOADS = 25
"""Payloads of one query. Each may be a megabyte, and reading them keeps the process busy."""

MOST_INTENTS = 1000
"""Distinct intents of a conversation that are looked at: as many as a bot's locale can have."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Table `turns`, and the names of its bots."""

    store: Rows

    async def bots_named(self, name: str) -> list[str]:
        """The ids of the bots of this name."""
        return [bot_id for (bot_id,) in await self._rows(bots_named(name))]

    async def newest(self, place: Place, since: int) -> Turn | None:
        """The last event, where there is one not older than `since`, in milliseconds."""
        rows = await self._rows(newest(place, since))
        return Turn(*rows[0]) if rows else None

    async def last_of_intents(self, place: Place, conversation: str) -> list[Turn]:
        """The last event of each intent and of what has none, the newest first; the first is the last of all."""
        return [Turn(*row) for row in await self._rows(last_by("intent_name", place, conversation, MOST_INTENTS))]

    async def last(self, place: Place, conversation: str, most: int) -> list[Turn]:
        """The last so many events, the newest first."""
        return [Turn(*row) for row in await self._rows(last_by(IDENTITY, place, conversation, most))]

    async def events(self, place: Place, turns: Sequence[Turn]) -> AsyncIterator[list[Event]]:
        """What the payloads of these events of one conversation say, in their order, some at a time."""
        for first in range(0, len(turns), PAYLOADS):
            some = turns[first : first + PAYLOADS]
            rows = await self._rows(payloads(place, some))
            found = {tuple(identity): payload for *identity, payload in rows}
            yield [read_event(turn, found.get((*turn.order, turn.bot_id), "")) for turn in some]

    async def _rows(self, statement: Bound) -> Sequence[Row]:
        return await self.store.rows(statement.sql, statement.parameters)
