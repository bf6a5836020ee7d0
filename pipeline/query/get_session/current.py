"""A bot, an alias and a user in; where the user's session stands at this moment out, as V1, as V2, or as was said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.query.errors import NotFoundError
from pipeline.query.get_session.archive import Archive, SessionPlace, identified, named
from pipeline.query.get_session.event import SessionEvent
from pipeline.query.get_session.response_v1 import SUMMARIES, session_v1, summaries
from pipeline.query.get_session.response_v2 import session_v2
from pipeline.query.get_session.transcript import transcript
from pipeline.query.list_sessions.handler import NO_BOT
from pipeline.runtime.clock import Now
from schemas.lex.log_entry import bot_id as derived_bot_id
from schemas.lex.session_v1 import GetSessionV1Response
from schemas.lex.session_v2 import GetSessionResponse
from schemas.lex.transcript import GetTranscriptResponse
from schemas.turn import Turn

TRANSCRIPT_SIZE = 8 * 1024 * 1024
"""Length of a transcript's payloads after which no more are read: each may be a megabyte."""


@dataclass(frozen=True, slots=True)
class CurrentSessions:
    """Sessions as they are at `now`.

    A session is a conversation that is not idle yet: of those with the user, the one with the latest event. What
    the log has of it may be of Lex V1 and of V2 under the same names, and counts as one.

    Attributes:
        archive: the turns.
        now: read once for each answer.
        idle_ttl_of: bot id -> seconds after its last event at which a session is gone.
        sees: bot id -> whether the bot may be known of; a session of another is not found, as if there were none.
    """

    archive: Archive
    now: Now
    idle_ttl_of: Callable[[str], float]
    sees: Callable[[str], bool]

    async def v1(self, bot: str, alias: str, user: str, label: str | None) -> GetSessionV1Response:
        """Lex V1's answer, with the intents that have this checkpoint label, or any.

        Raises:
            NotFoundError: there is no session. TransientError: the store is away.
        """
        now = self.now()
        place = await self._named(bot, alias, user)
        conversation = (await self._newest(place, now)).originating_request_id
        turns = await self.archive.last_of_intents(place, conversation)
        if label is None:  # else any of them may have it
            turns = turns[:1] + [turn for turn in turns[1:] if turn.intent_name][:SUMMARIES]
        return session_v1(await self._told(place, turns, label), label, now)

    async def v2(self, bot_id: str, alias_id: str, locale_id: str, session_id: str) -> GetSessionResponse:
        """Lex V2's answer; the same errors."""
        now = self.now()
        place = self._seen(identified(bot_id, alias_id, locale_id, session_id))
        last = await self._newest(place, now)
        (event,) = [event async for some in self.archive.events(place, [last]) for event in some]
        return session_v2(event, now)

    async def transcript(self, bot: str, alias: str, user: str, most: int) -> GetTranscriptResponse:
        """The last `most` turns, or as many as are not too long; the same errors."""
        place = await self._named(bot, alias, user)
        conversation = (await self._newest(place, self.now())).originating_request_id
        turns = await self.archive.last(place, conversation, most + 1)
        events: list[SessionEvent] = []
        async for some in self.archive.events(place, turns[:most]):
            events += some
            if sum(event.size for event in events) > TRANSCRIPT_SIZE:
                break
        return transcript(events, truncated=len(events) < len(turns))

    async def _named(self, bot: str, alias: str, user: str) -> SessionPlace:
        return self._seen(named(bot, [derived_bot_id(bot), *await self.archive.bots_named(bot)], alias, user))

    def _seen(self, place: SessionPlace) -> SessionPlace:
        """The place without the bots that may not be known of; where none is left, it is asked for no bot at all."""
        return replace(place, bot_ids=tuple(filter(self.sees, place.bot_ids)) or (NO_BOT,))

    async def _newest(self, place: SessionPlace, now: int) -> Turn:
        gone = {bot_id: now - round(self.idle_ttl_of(bot_id) * 1000) for bot_id in place.bot_ids}
        last = await self.archive.newest(place, max(0, min(gone.values())))
        if last is None or last.timestamp < gone[last.bot_id]:
            raise NotFoundError(
                f"no session of {place.session_id} is open: the bot, its alias, its locale or the user is not known, "
                "or the session has been idle for too long"
            )
        return last

    async def _told(self, place: SessionPlace, turns: Sequence[Turn], label: str | None) -> list[SessionEvent]:
        """The events of these turns, until there are summaries enough."""
        events: list[SessionEvent] = []
        async for some in self.archive.events(place, turns):
            events += some
            if len(summaries(events, label)) == SUMMARIES:
                break
        return events
