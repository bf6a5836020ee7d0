"""Keep the distinct events of one conversation, and choose between contents that share an identity."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from schemas.turn import Identity, Turn

NO_CONTENTS: frozenset[tuple[Identity, int]] = frozenset()


class EventSet:
    """The distinct events of one conversation, as a set: neither order nor repetition of what is added matters.

    `events` has one event of each identity: the one with the greatest content. `lesser` has the other contents, by
    identity and digest: they are not folded, but they count in the `version`. So a writer that knows more, even if it
    is only another content, writes a row of a greater version, and a late row from less knowledge does not replace it.

    An event that was archived before contents had digests is replaced by any that has one, and then does not count.
    """

    __slots__ = ("events", "lesser")

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.events: dict[Identity, Turn] = {}
        self.lesser: AbstractSet[tuple[Identity, int]] = NO_CONTENTS  # few conversations need a set of their own
        for turn in turns:
            EventSet.add(self, turn)

    @property
    def version(self) -> int:
        """Return the version of the row that these events fold to."""
        return len(self.events) + len(self.lesser)

    def add(self, turn: Turn) -> bool:
        """Add an event, and return whether the archive may lack it."""
        known = len(self.events)
        kept = self.events.setdefault(turn.identity, turn)
        return len(self.events) > known or (turn.content != kept.content and self._add_content(kept, turn))

    def discard(self, unwanted: Callable[[Turn], bool]) -> bool:
        """Remove the events of each identity that is `unwanted`, and return whether there were any."""
        removed = {identity for identity, turn in self.events.items() if unwanted(turn)}
        if removed:
            self.events = {identity: turn for identity, turn in self.events.items() if identity not in removed}
            self.lesser = {
                (identity, content) for identity, content in self.lesser if identity not in removed
            } or NO_CONTENTS
        return bool(removed)

    def _add_content(self, kept: Turn, turn: Turn) -> bool:
        identity = turn.identity
        if not turn.content or (identity, turn.content) in self.lesser:
            return False
        if turn.content > kept.content:
            self.events[identity] = turn
        if kept.content:
            if not isinstance(self.lesser, set):
                self.lesser = set()
            self.lesser.add((identity, min(turn.content, kept.content)))
        return True
