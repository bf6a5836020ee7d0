"""Answer where a user's session stands now: as Lex V1's or V2's GetSession, or as a transcript."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.query.analytics.context import NO_BOT
from pipeline.query.errors import NotFoundError
from pipeline.query.get_session.archive import Archive, SessionSelector, by_id, by_name
from pipeline.query.get_session.event import SessionEvent
from pipeline.query.get_session.response_v1 import SUMMARIES, session_v1, summaries
from pipeline.query.get_session.response_v2 import session_v2
from pipeline.query.get_session.transcript import transcript
from pipeline.runtime.clock import Now
from schemas.lex.log_entry import bot_id as derived_bot_id
from schemas.lex.session_v1 import GetSessionV1Response
from schemas.lex.session_v2 import GetSessionResponse
from schemas.lex.transcript import GetTranscriptResponse
from schemas.turn import Turn

TRANSCRIPT_SIZE = 8 * 1024 * 1024
"""Characters of payloads after which a transcript reads no more: each payload may be a megabyte."""


@dataclass(frozen=True, slots=True)
class CurrentSessions:
    """Sessions as they are at `now`.

    A session is the user's conversation with the latest event, if it is not idle yet. Its events may come from Lex V1
    and from V2 under the same names; they count as one conversation.

    Attributes:
        archive: the archived events.
        now: read once for each response.
        idle_ttl_of: bot id -> seconds after its last event at which a session expires.
        can_access_bot: bot id -> whether the key may access the bot. A session of any other bot is not found.
    """

    archive: Archive
    now: Now
    idle_ttl_of: Callable[[str], float]
    can_access_bot: Callable[[str], bool]

    async def v1(self, bot: str, alias: str, user: str, label: str | None) -> GetSessionV1Response:
        """Return Lex V1's response, with the intents that have this checkpoint label, or all for None.

        Raises:
            NotFoundError: there is no open session.
            TransientError: ClickHouse is unavailable.
        """
        now = self.now()
        selector = await self._by_name(bot, alias, user)
        conversation = (await self._newest(selector, now)).originating_request_id
        turns = await self.archive.last_of_intents(selector, conversation)
        if label is None:  # otherwise any of them may have the label
            turns = turns[:1] + [turn for turn in turns[1:] if turn.intent_name][:SUMMARIES]
        return session_v1(await self._until_summarised(selector, turns, label), label, now)

    async def v2(self, bot_id: str, alias_id: str, locale_id: str, session_id: str) -> GetSessionResponse:
        """Return Lex V2's response; raises as `v1`."""
        now = self.now()
        selector = self._accessible(by_id(bot_id, alias_id, locale_id, session_id))
        last = await self._newest(selector, now)
        (event,) = [event async for chunk in self.archive.events(selector, [last]) for event in chunk]
        return session_v2(event, now)

    async def transcript(self, bot: str, alias: str, user: str, limit: int) -> GetTranscriptResponse:
        """Return the last `limit` turns, fewer if they are longer than TRANSCRIPT_SIZE; raises as `v1`."""
        selector = await self._by_name(bot, alias, user)
        conversation = (await self._newest(selector, self.now())).originating_request_id
        turns = await self.archive.last(selector, conversation, limit + 1)
        events: list[SessionEvent] = []
        async for chunk in self.archive.events(selector, turns[:limit]):
            events += chunk
            if sum(event.size for event in events) > TRANSCRIPT_SIZE:
                break
        return transcript(events, truncated=len(events) < len(turns))

    async def _by_name(self, bot: str, alias: str, user: str) -> SessionSelector:
        return self._accessible(by_name(bot, [derived_bot_id(bot), *await self.archive.bots_by_name(bot)], alias, user))

    def _accessible(self, selector: SessionSelector) -> SessionSelector:
        """Drop the bots that the key may not access; if none is left, query for a bot that does not exist."""
        return replace(selector, bot_ids=tuple(filter(self.can_access_bot, selector.bot_ids)) or (NO_BOT,))

    async def _newest(self, selector: SessionSelector, now: int) -> Turn:
        expired_before = {bot_id: now - round(self.idle_ttl_of(bot_id) * 1000) for bot_id in selector.bot_ids}
        last = await self.archive.newest(selector, max(0, min(expired_before.values())))
        if last is None or last.timestamp < expired_before[last.bot_id]:
            raise NotFoundError(
                f"no session of {selector.session_id} is open: the bot, its alias, its locale or the user is unknown, "
                "or the session has been idle for too long"
            )
        return last

    async def _until_summarised(
        self, selector: SessionSelector, turns: Sequence[Turn], label: str | None
    ) -> list[SessionEvent]:
        """Read the events of these turns until there are enough summaries."""
        events: list[SessionEvent] = []
        async for chunk in self.archive.events(selector, turns):
            events += chunk
            if len(summaries(events, label)) == SUMMARIES:
                break
        return events
