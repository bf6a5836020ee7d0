"""Keep the events that a writer has met beside what is said of their sessions: who of them is forgotten by now."""

from collections.abc import Callable, Sequence

from pipeline.store.client import ClickHouse
from pipeline.store.erasures import load_erasures, register_erased_events
from pipeline.store.writer_state import WriterState
from schemas.erasure import ErasedEvent, ErasureList, Origin, Session, digest, event_digest
from schemas.turn import ConversationKey, Turn


class ErasureFilter:
    """Events in the order in which they came, each with its origin, and those of them that are forgotten.

    A writer asks before it writes, and again after it where somebody was forgotten meanwhile. One query each time, and
    none as long as nobody ever was.
    """

    def __init__(self, turns: Sequence[Turn], origin: Callable[[int], Origin | None]) -> None:
        """`origin` tells where the event at a place comes from; it is asked for few of them."""
        self._turns = turns
        self._origin = origin
        self._asked: tuple[int, int] | None = None
        self.forgotten = ErasureList()
        self.covered: frozenset[int] = frozenset()
        """The places of the events that are forgotten."""

    @property
    def kept(self) -> Sequence[int]:
        """The places of the others."""
        return [place for place in range(len(self._turns)) if place not in self.covered]

    @property
    def sessions(self) -> set[Session]:
        """The sessions of which something is said."""
        return self.forgotten.sessions(turn.key for turn in self._turns) if self.forgotten else set()

    @property
    def keys(self) -> set[ConversationKey]:
        """The conversations in these sessions."""
        sessions = self.sessions
        return {turn.key for turn in self._turns if turn.key[:2] in sessions} if sessions else set()

    async def learn(self, live: ClickHouse, around: WriterState) -> bool:
        """Ask what is said by now, where anything was said since the last time; return whether that is something else.

        Events that are forgotten for their places are known by their digests from then on.

        Raises:
            TransientError: worth a second try.
        """
        if around.erasures_version == self._asked or not around.last_erasure:
            return False
        found = await load_erasures(live, {digest(turn.session_id) for turn in self._turns})
        covered = frozenset(
            place
            for place, turn in enumerate(self._turns if found else ())
            if found.find(*turn.key[:2]) and found.covers(turn, self._origin(place))
        )
        # where nobody knows where an event comes from, its date is no reason to erase what the archive may have of it
        new = {
            ErasedEvent(digest(self._turns[place].session_id), event_digest(self._turns[place]))
            for place in covered
            if self._origin(place) is not None and not found.is_erased(self._turns[place])
        }
        await register_erased_events(live, new)
        found = found.with_events(new)
        news = found != self.forgotten
        self._asked, self.forgotten, self.covered = around.erasures_version, found, covered
        return news
