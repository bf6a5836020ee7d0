"""Find the erased events of a batch."""

from collections.abc import Callable, Sequence

from pipeline.store.connection.client import ClickHouse
from pipeline.store.erasures import load_erasures, register_erased_events
from pipeline.store.writer_state import WriterState
from schemas.erasure import ErasedEvent, ErasureList, Origin, Session, digest, event_digest
from schemas.turn import ConversationKey, Turn


class ErasureFilter:
    """The events of a batch in their order, and which of them are erased.

    A writer refreshes the filter before it writes, and again after a write if a session was erased meanwhile. Each
    refresh takes one query, or none as long as there are no erasures.
    """

    def __init__(self, turns: Sequence[Turn], origin: Callable[[int], Origin | None]) -> None:
        """`origin` returns the origin of the event at a position; it is called for few of them."""
        self._turns = turns
        self._origin = origin
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

        The digests of events that their offsets identified as erased are registered, so that they stay erased.

        Raises:
            TransientError: worth a second try.
        """
        if state.erasures_version == self._refreshed or not state.last_erasure:
            return False
        erasures = await load_erasures(live, {digest(turn.session_id) for turn in self._turns})
        erased = frozenset(
            place
            for place, turn in enumerate(self._turns if erasures else ())
            if erasures.find(*turn.key[:2]) and erasures.covers(turn, self._origin(place))
        )
        # an event of unknown origin is not registered: its date alone is no reason to erase it from the archive
        new = {
            ErasedEvent(digest(self._turns[place].session_id), event_digest(self._turns[place]))
            for place in erased
            if self._origin(place) is not None and not erasures.is_erased(self._turns[place])
        }
        await register_erased_events(live, new)
        erasures = erasures.with_events(new)
        changed = erasures != self.erasures
        self._refreshed, self.erasures, self.erased = state.erasures_version, erasures, erased
        return changed
