"""Keep the distinct events of one conversation, and decide which counts where two contents share an identity."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from schemas.turn import Identity, Turn

NONE: frozenset[tuple[Identity, int]] = frozenset()


class EventSet:
    """The distinct events of one conversation, as a set: neither order nor repetition of what is added matters.

    `events` has the one that counts of each identity, which is that with the greatest content. `lesser` has the other
    contents, by identity and digest: they are folded into nothing, but they count in the `version`. So whoever knows
    more, be it only another content, writes a row of a greater version, and no late row of older knowledge wins.

    An event that was archived before contents had digests gives way to any that has one, and does not count beside it.
    """

    __slots__ = ("events", "lesser")

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.events: dict[Identity, Turn] = {}
        self.lesser: AbstractSet[tuple[Identity, int]] = NONE  # hardly any conversation needs a set of its own
        for turn in turns:
            EventSet.add(self, turn)

    @property
    def version(self) -> int:
        """The version of the row that these events fold to."""
        return len(self.events) + len(self.lesser)

    def add(self, turn: Turn) -> bool:
        """Add an event, and return whether the archive may lack it."""
        known = len(self.events)
        counts = self.events.setdefault(turn.order, turn)
        return len(self.events) > known or (turn.content != counts.content and self._add_content(counts, turn))

    def discard(self, unwanted: Callable[[Turn], bool]) -> bool:
        """Take out the events of each identity that is `unwanted`, and return whether there were any."""
        gone = {identity for identity, turn in self.events.items() if unwanted(turn)}
        if gone:
            self.events = {identity: turn for identity, turn in self.events.items() if identity not in gone}
            self.lesser = {(identity, content) for identity, content in self.lesser if identity not in gone} or NONE
        return bool(gone)

    def _add_content(self, counts: Turn, turn: Turn) -> bool:
        identity = turn.order
        if not turn.content or (identity, turn.content) in self.lesser:
            return False
        if turn.content > counts.content:
            self.events[identity] = turn
        if counts.content:
            if not isinstance(self.lesser, set):
                self.lesser = set()
            self.lesser.add((identity, min(turn.content, counts.content)))
        return True
