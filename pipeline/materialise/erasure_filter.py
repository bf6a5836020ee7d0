"""Find the erased events of a batch."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from pipeline.store.connection.client import ClickHouse
from pipeline.store.erasures import load_erasures, register_erased_events
from pipeline.store.writer_state import WriterState
from schemas.erasure import ErasedEvent, ErasureList, Origin, Session, digest, event_digest
from schemas.turn import ConversationKey, Turn

RecreationCheck = Callable[[str, str], Awaitable[bool]]
"""Returns whether a topic does not have an id any more: its records then are read again, and some may be of another
topic than their origins say."""


class ErasureFilter:
    """The events of a batch in their order, and which of them are erased.

    A writer refreshes the filter before it writes, and again after a write if a session was erased meanwhile. Each
    refresh takes one query, or none as long as there are no erasures.
    """

    def __init__(
        self,
        turns: Sequence[Turn],
        origin: Callable[[int], Origin | None],
        is_recreated: RecreationCheck | None = None,
    ) -> None:
        """`origin` returns the origin of the event at a position; it is called for few of them."""
        self._turns = turns
        self._origin = origin
        self._is_recreated = is_recreated
        self._refreshed: tuple[int, int] | None = None
        self.erasures = ErasureList()
        """The erasures of the events' sessions."""
        self.erased: frozenset[int] = frozenset()
        """The positions of the erased events."""

    @property
    def kept(self) -> Sequence[int]:
        """The positions of the other events."""
        return [place for place in range(len(self._turns)) if place not in self.erased]

    @property
    def sessions(self) -> set[Session]:
        """The sessions that have erasures."""
        return self.erasures.sessions(turn.key for turn in self._turns) if self.erasures else set()

    @property
    def keys(self) -> set[ConversationKey]:
        """The conversations of these sessions."""
        sessions = self.sessions
        return {turn.key for turn in self._turns if turn.key[:2] in sessions} if sessions else set()

    async def refresh(self, live: ClickHouse, state: WriterState) -> bool:
        """Load the erasures if `state` shows new ones since the last refresh, and return whether any differ.

        The digests of events that their offsets identified as erased are registered, so that they stay erased. Before
        the first write, events whose origin is not certain are dropped and not registered, since they are read again.

        Raises:
            TransientError: worth a second try.
        """
        if state.erasures_version == self._refreshed or not state.last_erasure:
            self._is_recreated = None
            return False
        erasures = await load_erasures(live, {digest(turn.session_id) for turn in self._turns})
        places = [place for place, turn in enumerate(self._turns if erasures else ()) if erasures.find(*turn.key[:2])]
        dropped = await self._of_recreated_topics(places)
        erased = {place for place in places if erasures.covers(self._turns[place], self._origin(place))}
        new = {
            ErasedEvent(digest(self._turns[place].session_id), event_digest(self._turns[place]))
            for place in erased - dropped
            if erasures.covers_by_offset(self._turns[place], self._origin(place))
            and not erasures.is_erased(self._turns[place])
        }
        await register_erased_events(live, new)
        erasures = erasures.with_events(new)
        changed = erasures != self.erasures
        self._refreshed, self.erasures, self.erased = state.erasures_version, erasures, frozenset(erased | dropped)
        self._is_recreated = None  # what is written now was fetched before an erasure that is not known yet
        return changed

    async def _of_recreated_topics(self, places: Collection[int]) -> set[int]:
        """Return those of the events that were read from a topic which was recreated since, as far as is known."""
        if self._is_recreated is None:
            return set()
        topics = {place: (origin.topic, origin.topic_id) for place in places if (origin := self._origin(place))}
        recreated = {topic for topic in set(topics.values()) if topic[1] and await self._is_recreated(*topic)}
        return {place for place, topic in topics.items() if topic in recreated}
