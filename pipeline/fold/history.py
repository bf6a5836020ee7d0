"""Keep what is known of one conversation while the log is read: its events, and the starts its rows may have."""

from collections.abc import Callable, Iterable

from pipeline.fold.event_set import EventSet
from schemas.turn import Turn


class History(EventSet):
    """The distinct events of one conversation, and the starts under which it may have rows.

    A row's sorting key holds the conversation's start, so a row must be taken back when an earlier event
    moves the start. A worker that died, or another that held the partition before, may have written a row
    after any prefix of the log; its start is then the least timestamp of that prefix. So the starts to take
    back are the running minima of the events in log order, and the start of what the archive held.

    Where others than workers have written the conversation, the archive is no prefix of the log, and a dead worker may
    have known of any part of it. Then the rows that there are tell what to take back (`current`): who is dead writes no
    more, and who only sleeps looks at the archive after its next write, since somebody else wrote meanwhile.
    """

    __slots__ = ("lowest", "starts")

    def __init__(self, archived: Iterable[Turn] = (), current: Iterable[int] = ()) -> None:
        """Begin with the archived events of this conversation, and the starts of its current rows if these matter."""
        super().__init__(archived)
        self.starts: set[int] = {min(self.events)[0]} if self.events else set()
        self.starts.update(current)
        self.lowest: int | None = None  # of the events taken from the log: who died may have known of no others

    def add(self, turn: Turn) -> bool:
        """Take the next event of the log, and return whether the archive may lack it."""
        if self.lowest is None or turn.timestamp < self.lowest:
            self.lowest = turn.timestamp
            self.starts.add(turn.timestamp)
        return EventSet.add(self, turn)

    def outdated_starts(self, start: int) -> list[int]:
        """The starts whose rows the row of `start` takes the place of; asked for once, then forgotten."""
        outdated = sorted(self.starts - {start})
        self.starts = {start}
        return outdated

    def discard(self, unwanted: Callable[[Turn], bool]) -> bool:
        """Know nothing of these events, nor of the rows there were, which whoever erases them replaces."""
        if not super().discard(unwanted):
            return False
        self.starts = {min(self.events)[0]} if self.events else set()
        self.lowest = None
        return True
